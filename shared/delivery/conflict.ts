import type { PlacedResult } from "./results.ts";

const MOVED = "The branch that it is to be merged into has moved on, and the two conflict";

/** What is said of a pull request that cannot be merged. `folder`: of one of several. */
export const conflictText = ({ folder }: { folder?: string }): string =>
  folder === undefined
    ? `${MOVED}: the conversation's next turn begins with both merged, and can solve it.`
    : `${MOVED}: merge them yourself, as no turn begins with both where there are several repositories.`;

/** A result whose conflict has come or gone, with its sentence. */
export function withConflict(result: PlacedResult, conflict: boolean | null): PlacedResult {
  const text = conflictText(result);
  const bare = result.why.replace(text, "").trim();
  return { ...result, conflict, why: conflict ? `${bare} ${text}` : bare };
}

/** What the two sides of a conflict are called where a workspace has both, after git's marks. */
export const BASE_MARKS = { ours: "runyard/conversation", theirs: "runyard/base" } as const;

const MARKED = new RegExp(`^(<<<<<<< ${BASE_MARKS.ours}|>>>>>>> ${BASE_MARKS.theirs})\\r?$`, "m");

/** Whether a text has marks of a conflict that nobody has solved. */
export const isMarked = (text: string): boolean => MARKED.test(text);
