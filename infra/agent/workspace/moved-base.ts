import { BASE_MARKS } from "../../../shared/delivery/conflict.ts";
import type { NotStarted } from "../sandbox/helper.ts";
import { clearWorkspace } from "../sandbox/place.ts";
import { oneLine } from "../text.ts";
import { type Brought, type Preparation, placeOrigin } from "./begin-workspace.ts";
import type { CheckoutFailure } from "./checkout.ts";
import { changesBetween, commandsOf, commit, commitOf, gitOn, refOf, seeGit } from "./git.ts";
import { recordState, type States } from "./git-states.ts";
import { enumerated } from "./omissions.ts";
import { takeBack } from "./restore.ts";

/** Names of conflicting files that are told. */
const NAMED = 20;
/** Files that differ in most of their lines take git very long. */
const MERGE_MS = 120_000;

/**
 * Puts what the turns before changed onto another commit of the repository: a merge of the three,
 * with marks in the files where git cannot decide. From then on the conversation is on that commit.
 *
 * Nothing of the workspace's attributes or settings has a part in the merge.
 *
 * Call only once the state `restored` is recorded, and before the request's files are placed.
 *
 * @param brought the workspace, at the commit that the conversation was on
 * @param ref the other commit
 * @throws if the workspace cannot be read
 */
export async function moveOnto(
  preparation: Preparation,
  { states, commits, notes }: Brought,
  ref: string,
): Promise<Brought | CheckoutFailure | NotStarted> {
  const { folders, helper, tell } = preparation;
  const ours = await commitOf(states, states.refs.restored);
  await clearWorkspace(folders);
  const origin = await placeOrigin(preparation, { "": ref });
  if ("failedStep" in origin) return origin;
  const commit = origin.commits[""] ?? "";
  // What is there now is compared with nothing that was there.
  states.recorded = {};
  await recordState(states, "first");
  const merged = await merge(states, ours);
  if ("error" in merged) return failure(merged.error);
  const left = await takeBack(states, merged.commit, helper);
  if (left !== undefined) return "failedStep" in left ? left : failure(left.why);
  if (commit === commits[""]) return { states, ...origin, notes };
  states.movedTo = commit;
  const told = toldOf(commit, merged.conflicts);
  tell(told);
  return { states, ...origin, notes: [...notes, ...origin.notes], told };
}

const failure = (why: string): NotStarted => ({
  failedStep: "checkout",
  stoppedBy: null,
  error: `What the turns before changed cannot be put onto the branch that it conflicts with: ${why}.`,
});

interface Merged {
  commit: string;
  /** Paths, in latin1. */
  conflicts: string[];
}

/** Merges a commit of the states with their first one, by what both come from. */
async function merge(states: States, ours: string): Promise<Merged | { error: string }> {
  const { first: theirs = "" } = states.refs;
  const sides = [
    [BASE_MARKS.ours, ours],
    [BASE_MARKS.theirs, theirs],
  ] as const;
  for (const [name, at] of sides) await commit(states, { name, parent: at }, []);
  const args = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
  const names = [BASE_MARKS.ours, BASE_MARKS.theirs];
  const child = gitOn(states, [...args, ...names], { timeoutMs: MERGE_MS });
  child.stdin?.end();
  const { code, output, said } = await seeGit(child);
  if (child.signalCode !== null) return { error: "git takes too long to merge them" };
  const [tree, ...conflicts] = output.toString("latin1").split("\0").filter(Boolean);
  // 1: it has made a tree in which something conflicts.
  if (tree === undefined || (code !== 0 && code !== 1)) {
    return { error: oneLine(said, 200) || "git says nothing" };
  }
  const changes = await changesBetween(states, theirs, tree);
  await commit(states, { name: MERGED, parent: theirs }, commandsOf(changes));
  return { commit: await commitOf(states, refOf(MERGED)), conflicts };
}

const MERGED = "merged";

function toldOf(commit: string, conflicts: readonly string[]): string {
  const moved = `The branch that the pull request is to be merged into has moved on to the commit ${commit}. What the turns before changed was put onto it: the files are those of that commit with these changes, and a delivery merges that commit.`;
  if (conflicts.length === 0) return `${moved} Git found no conflict.`;
  const named = conflicts
    .slice(0, NAMED)
    .map((path) => JSON.stringify(Buffer.from(path, "latin1").toString()));
  const { ours, theirs } = BASE_MARKS;
  return `${moved} These conflict: ${enumerated(named, conflicts.length)}. Where both sides changed the same lines they stand between marks, "<<<<<<< ${ours}" for what this conversation did and ">>>>>>> ${theirs}" for what is on the branch; of a file that one side deleted, or that is not text, one side is there. Decide each, and leave no marks: a file that has them is not delivered.`;
}
