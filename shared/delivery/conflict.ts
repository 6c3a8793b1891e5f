import type { RepositoryResult } from "../documents/deliver.ts";

/** What is said of a pull request that cannot be merged. */
export const CONFLICT =
  "The branch that it is to be merged into has moved on, and the two conflict: merge them by hand, or have a new run do it.";

/** A result whose conflict has come or gone, with its sentence. */
export function withConflict(result: RepositoryResult, conflict: boolean | null): RepositoryResult {
  const bare = result.why.replace(CONFLICT, "").trim();
  return { ...result, conflict, why: conflict ? `${bare} ${CONFLICT}` : bare };
}
