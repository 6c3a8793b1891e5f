import type { RepositoryResult } from "../documents/deliver.ts";

/** What is said of a pull request that cannot be merged. */
export const CONFLICT =
  "The branch that it is to be merged into has moved on, and the two conflict: the conversation's next turn begins with both merged, and can solve it.";

/** A result whose conflict has come or gone, with its sentence. */
export function withConflict(result: RepositoryResult, conflict: boolean | null): RepositoryResult {
  const bare = result.why.replace(CONFLICT, "").trim();
  return { ...result, conflict, why: conflict ? `${bare} ${CONFLICT}` : bare };
}

/** What the two sides of a conflict are called where a workspace has both, after git's marks. */
export const BASE_MARKS = { ours: "runyard/conversation", theirs: "runyard/base" } as const;

const MARKED = new RegExp(`^(<<<<<<< ${BASE_MARKS.ours}|>>>>>>> ${BASE_MARKS.theirs})\\r?$`, "m");

/** Whether a text has marks of a conflict that nobody has solved. */
export const isMarked = (text: string): boolean => MARKED.test(text);
