import { missingOf } from "../../shared/delivery/missing.ts";
import { commitMessageOf, whoseIs } from "../../shared/delivery/words.ts";
import type { Delivered } from "../../shared/run/owed-delivery.ts";
import { type Delivery, DeliveryFault } from "../services/repository-host.ts";
import { type GitObject, type GitObjects, idOf, packOf } from "./pack.ts";
import type { Remote } from "./remote.ts";
import { treeWith } from "./trees.ts";

/** Whose a commit is that names no author: as whom agents commit. */
const RUNYARD = { name: "Runyard", email: "agent@runyard.invalid" };

type Pushing = Omit<Delivery, "repository" | "signal">;

/**
 * Brings what the run changed to its branch, as one commit on the run's base commit, or on that of
 * the turn before. One that is there already is found, by its message. The host moves the branch
 * only from where it was seen to be.
 *
 * @throws {DeliveryFault}
 */
export async function bring(remote: Remote, pushing: Pushing): Promise<Delivered> {
  const { owed, commit } = pushing;
  const ref = `refs/heads/${owed.branch}`;
  const before = (await remote.refs()).ids.get(ref);
  const objects = await remote.commits(
    before === undefined ? [commit.base] : [commit.base, before],
  );
  const base = objects && commitIn(objects, commit.base);
  if (objects === undefined || base === undefined) {
    throw new DeliveryFault(
      `The repository no longer has the commit ${commit.base}, which the run began with.`,
    );
  }
  const head = before === undefined ? undefined : commitIn(objects, before);
  if (before !== undefined && isOwn(pushing, head?.message ?? "")) return done(pushing, before);
  const { id: tree, made } = treeWith(objects, base.tree, commit.entries);
  if (tree === (head ?? base).tree) return done(pushing, before);
  const content = contentOf(pushing, { tree, parent: before ?? commit.base });
  const object: GitObject = { kind: "commit", content };
  const to = idOf(object);
  const why = await remote.push(ref, { from: before, to, pack: packOf([...made, object]) });
  if (why === undefined) return done(pushing, to);
  if ((await remote.refs()).ids.get(ref) !== before) {
    const message = `The branch ${owed.branch} has just been changed by somebody else.`;
    throw new DeliveryFault(message, { retryAfterSeconds: 0 });
  }
  throw new DeliveryFault(
    `The host of ${owed.url} does not take the branch ${owed.branch}: ${why}`,
  );
}

/**
 * Whether a branch's head is this run's commit already.
 *
 * @throws {DeliveryFault} if it is no commit of its conversation
 */
function isOwn({ run, owed }: Pushing, message: string): boolean {
  const { runId, conversationId } = whoseIs(message);
  if (runId === run.id) return true;
  if (conversationId === run.conversation.id) return false;
  throw new DeliveryFault(
    `The branch ${owed.branch} has commits that are not this conversation's: name another with deliver.branch, or take them into a run of its own.`,
  );
}

function done({ run, owed, commit }: Pushing, head: string | undefined): Delivered {
  const remarks = missingOf(run, commit);
  const { base: baseCommit } = commit;
  if (head === undefined) {
    const why = ["The run changed nothing that could be delivered.", ...remarks].join(" ");
    return { delivery: "unchanged", why, baseCommit };
  }
  const why = [`Delivered to the branch ${owed.branch}.`, ...remarks].join(" ");
  return { delivery: "done", why, baseCommit, headCommit: head };
}

/** What of a commit counts here. */
function commitIn(objects: GitObjects, id: string): { tree: string; message: string } | undefined {
  const found = objects.get(id);
  const text = found?.kind === "commit" ? found.content.toString("utf8") : "";
  const [, tree] = /^tree ([0-9a-f]{40})\n/.exec(text) ?? [];
  const message = text.slice(text.indexOf("\n\n") + 2);
  return tree === undefined ? undefined : { tree, message };
}

/** The same of the same run, whenever it is made. */
function contentOf(
  { run, owed: { deliver } }: Pushing,
  { tree, parent }: { tree: string; parent: string },
): Buffer {
  const seconds = Math.floor((run.finishedAt ?? run.createdAt).getTime() / 1000);
  const by = ({ name, email }: typeof RUNYARD) =>
    `${name.replace(/[<>]/g, "").trim() || RUNYARD.name} <${email}> ${seconds} +0000`;
  const head = [
    `tree ${tree}`,
    `parent ${parent}`,
    `author ${by(deliver.commitAuthor ?? RUNYARD)}`,
    `committer ${by(RUNYARD)}`,
  ];
  return Buffer.from(`${head.join("\n")}\n\n${commitMessageOf(run, deliver)}`);
}
