import type { Client } from "../../client/client.ts";
import { ProblemError } from "../../client/problem-error.ts";
import type { Run, RunRequest } from "../../client/types.ts";
import { Failure } from "../failure.ts";
import { oneLine } from "../terminal.ts";
import type { Environment } from "./git.ts";
import { repositoryOf } from "./listing.ts";
import { type Merge, mergeOnto, treeAfter } from "./merge.ts";
import { findSent, openSentStore, type SentStore, type SentTree } from "./sent-store.ts";

/**
 * What a run that began with a tree of this machine would make of the tree of the present folder.
 *
 * @returns undefined if it began with something else, or what was sent is not here
 * @throws {Failure} if the present folder is none that it can be brought to
 */
export async function mergeSent(
  run: Run,
  client: Client,
  { patch, env }: { patch: Buffer; env: Environment },
): Promise<Merge | undefined> {
  const request = await requestOf(run, client);
  if (request?.tree === undefined) return undefined;
  const store = await openSentStore(env);
  const sent = await findSent(store, request.tree.upload);
  if (sent === undefined) return undefined;
  const base = await baseOf(run, client, { request, store, sent });
  const top = await repositoryOf(process.cwd(), env);
  const root = top ?? folderOf(sent);
  return mergeOnto(
    store,
    { root, isRepository: top !== undefined, env },
    { base, patch, name: run.id },
  );
}

async function requestOf({ id }: Run, client: Client): Promise<RunRequest | undefined> {
  try {
    return await client.runs.request(id);
  } catch (error) {
    if (error instanceof ProblemError && error.code === "prompt_expired") return undefined;
    throw error;
  }
}

/** A folder without git is only applied to where it was sent from. */
function folderOf({ origin: { root } }: SentTree): string {
  const here = process.cwd();
  if (here === root || here.startsWith(`${root}/`)) return root;
  throw new Failure(
    `${oneLine(here)} is in no working tree of git, and not where this was sent from: go to ${oneLine(root)}.`,
  );
}

interface Known {
  request: RunRequest;
  store: SentStore;
  sent: SentTree;
}

/** What a run's patch is against: what was sent, with what the runs before it left. */
async function baseOf(run: Run, client: Client, { request, store, sent }: Known): Promise<string> {
  for (const before of await runsBefore(run, client, request)) {
    const diff = await leftBy(before, client);
    if (diff !== undefined) return treeAfter(store, sent.plain, diff);
  }
  return sent.withFiles;
}

/** The latest first. */
async function runsBefore(
  { conversation: { id, turn } }: Run,
  client: Client,
  { workspace }: RunRequest,
): Promise<string[]> {
  const turns = turn === 1 ? [] : (await client.conversations.get(id)).items;
  const earlier = turns.filter((one) => one.conversation.turn < turn);
  earlier.sort((a, b) => b.conversation.turn - a.conversation.turn);
  return [...earlier.map((one) => one.id), ...(workspace?.run ? [workspace.run] : [])];
}

/** All changes since the tree was sent, as a run left them; undefined: it left none. */
async function leftBy(id: string, client: Client): Promise<Buffer | undefined> {
  const names = (await client.runs.artifacts(id)).map(({ name }) => name);
  const name = ["workspace.diff", "patch.diff"].find((one) => names.includes(one));
  if (name === undefined) return undefined;
  return Buffer.from(await (await client.runs.artifact(id, name)).arrayBuffer());
}
