/** A guard taken away: in one file, a text that stands there once is another. */
export interface Mutant {
  /** What is missing then. */
  name: string;
  /** From the root of the repository. */
  file: string;
  from: string;
  to: string;
}
