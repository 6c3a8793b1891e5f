import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import type { BuildManifest } from "../../../shared/documents/manifest.ts";
import { instructionsHash, type Session } from "../../../shared/documents/session.ts";
import type { Input } from "../attempt/input.ts";
import type { Objects } from "../attempt/objects.ts";
import type { Helper, NotStarted } from "../sandbox/helper.ts";
import { socketsIn } from "../sandbox/launch.ts";
import type { Folders } from "../sandbox/place.ts";
import { oneLine } from "../text.ts";
import { type CheckoutFailure, checkOut, type RepositoryAccess } from "./checkout.ts";
import { openStates, recordState, type States } from "./git-states.ts";
import { type Loss, restoreSession, restoreWorkspace } from "./restore.ts";

export interface Preparation {
  input: Input;
  folders: Folders;
  /** Name of the agent's command line. */
  engineName: string;
  /** The runner's own `PATH`. */
  path: string;
  helper: Helper;
  access: RepositoryAccess;
  objectsIn(bucket: string): Objects;
}

/** The agent's session, as the manifest tells of it. */
export type AgentSession = NonNullable<BuildManifest["session"]>;

/** What the agent begins with. */
export interface Beginning {
  session: AgentSession;
  states: States;
}

/**
 * Makes the workspace and the session that the agent begins with: the repository's commit, and on top
 * of it what the conversation's turns before left. Their session and their workspace belong together: a
 * session is not restored without its files. What cannot be restored is left out, and the session's
 * `origin` and `remark` say so.
 *
 * @throws if the storage cannot be asked, or git is not installed.
 */
export async function prepareWorkspace(preparation: Preparation): Promise<Beginning | NotStarted> {
  const { attempt } = preparation.input;
  const { restore } = attempt;
  if (restore === null) {
    return beginAnew(preparation, { id: attempt.sessionId, origin: "new", remark: "" });
  }
  const workspace = await bringBack(preparation, restore);
  if ("failedStep" in workspace) return workspace;
  if ("why" in workspace) {
    await clear(preparation.folders);
    const remark = `What the turns before left is lost, because ${workspace.why}; this turn began anew.`;
    return beginAnew(preparation, newSession(remark));
  }
  const { states, commit, notes } = workspace;
  const session = await continueSession(preparation, restore);
  const missing = notes.map((note) => `The workspace may miss something: ${note}`);
  const remark = oneLine([session.remark, ...missing].join(" "), MAX_REMARK_LENGTH);
  return { states, session: sessionWith(preparation, { ...session, remark, commit }) };
}

const MAX_REMARK_LENGTH = 1000;

type Named = Pick<AgentSession, "id" | "origin" | "remark">;

const newSession = (remark: string): Named => ({ id: randomUUID(), origin: "lost", remark });

/** A session in the place of one that is lost, though not its workspace. `why` ends a sentence. */
export const lostSession = <S extends Named>(session: S, why: string): S => ({
  ...session,
  ...newSession(`The session of the turns before is lost, because ${why}; their files are there.`),
});

const sessionWith = (
  { input }: Preparation,
  session: Omit<AgentSession, "instructionsHash">,
): AgentSession => ({ ...session, instructionsHash: instructionsHash(input.agent) });

async function beginAnew(
  preparation: Preparation,
  session: Named,
): Promise<Beginning | CheckoutFailure> {
  const start = await beginWorkspace(preparation, null);
  if ("failedStep" in start) return start;
  const { states, commit } = start;
  return { states, session: sessionWith(preparation, { ...session, commit }) };
}

/** The workspace as the conversation began: empty, or the repository's commit. */
async function beginWorkspace(
  { input, folders, path, helper, access }: Preparation,
  wantedCommit: string | null,
): Promise<{ states: States; commit: string | null } | CheckoutFailure> {
  const { repository } = input.agent;
  let commit: string | null = null;
  if (repository !== undefined) {
    const { egressSocket } = socketsIn(folders.sockets);
    const ref = wantedCommit ?? repository.ref ?? "HEAD";
    const done = await checkOut({ url: repository.url, ref }, { helper, egressSocket, access });
    if (typeof done !== "string") return done;
    commit = done;
    helper.log(`checked out commit ${commit}`);
  }
  const { git: gitFolder, workspace } = folders;
  const states = await openStates({ gitFolder, workspace }, path);
  await recordState(states, "first");
  return { states, commit };
}

/** The workspace as the turns before left it. */
async function bringBack(
  preparation: Preparation,
  restore: Session,
): Promise<{ states: States; commit: string | null; notes: string[] } | Loss | NotStarted> {
  const { helper, input, objectsIn } = preparation;
  if (restore.commit !== null && input.agent.repository === undefined) {
    return { why: "the agent no longer has the repository that they began with" };
  }
  const start = await beginWorkspace(preparation, restore.commit);
  if ("failedStep" in start) {
    if (restore.commit === null || !start.isUnknownRef) return start;
    return { why: `the repository no longer has the commit ${restore.commit}` };
  }
  if (restore.workspace === null) return { ...start, notes: [] };
  const restored = await restoreWorkspace(restore.workspace, objectsIn(restore.bucket), helper);
  if (!("notes" in restored)) return restored;
  await recordState(start.states, "restored");
  return { ...start, notes: restored.notes };
}

async function continueSession(
  { folders, input, engineName, objectsIn }: Preparation,
  restore: Session,
): Promise<Named> {
  const objects = objectsIn(restore.bucket);
  const loss = await restoreSession(restore, { objects, home: folders.home, engineName });
  const isSame = restore.instructionsHash === instructionsHash(input.agent);
  const remark = isSame
    ? ""
    : "The agent's instructions or tools have changed since the turn before; the new ones count.";
  const restored: Named = { id: restore.sessionId, origin: "restored", remark };
  return loss === undefined ? restored : lostSession(restored, loss.why);
}

async function clear({ git, workspace }: Folders): Promise<void> {
  await rm(git, { recursive: true, force: true });
  await rm(workspace, { recursive: true, force: true });
  await mkdir(workspace);
}
