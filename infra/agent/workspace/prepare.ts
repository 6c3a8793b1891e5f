import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import type { BuildManifest } from "../../../shared/documents/manifest.ts";
import { instructionsHash, type Session } from "../../../shared/documents/session.ts";
import { TIMING } from "../../../shared/limits.ts";
import type { Input } from "../attempt/input.ts";
import type { Objects } from "../attempt/objects.ts";
import type { Phases } from "../phases.ts";
import type { RepositoryAccess } from "../repository/upstream.ts";
import type { Helper, NotStarted } from "../sandbox/helper.ts";
import { socketsIn } from "../sandbox/launch.ts";
import { clearWorkspace, type Folders } from "../sandbox/place.ts";
import { oneLine } from "../text.ts";
import { type CheckoutFailure, checkOut } from "./checkout.ts";
import { commitOf } from "./git.ts";
import { openStates, recordState, type States } from "./git-states.ts";
import { placeFiles } from "./place-files.ts";
import { placeTree } from "./place-tree.ts";
import { keepAsTurn } from "./replayed-states.ts";
import { type Loss, restoreSession, restoreWorkspace, takeBack } from "./restore.ts";

export interface Preparation {
  input: Input;
  folders: Folders;
  /** Name of the agent's command line. */
  engineName: string;
  /** The runner's own `PATH`. */
  path: string;
  helper: Helper;
  access: RepositoryAccess;
  phases: Pick<Phases, "enter">;
  /** Is told what people should know of what is missing. */
  tell(note: string): void;
  objectsIn(bucket: string): Objects;
}

/** The agent's session, as the manifest tells of it. */
export type AgentSession = NonNullable<BuildManifest["session"]>;

/** What the agent begins with. */
export interface Beginning {
  session: AgentSession;
  states: States;
  /**
   * Whether the session and the files are those of the run's attempt before, which was broken off.
   */
  isResumed: boolean;
}

/**
 * Makes the workspace and the session that the agent begins with: the repository's commit, and on
 * top of it what the conversation's turns before left, and the request's files. Their session and
 * their workspace belong together: a session is not restored without its files. What cannot be
 * restored is left out, and the session's `origin` and `remark` say so.
 *
 * @throws if the storage cannot be asked, or git is not installed.
 */
export async function prepareWorkspace(preparation: Preparation): Promise<Beginning | NotStarted> {
  const { restore, resume = null } = preparation.input.attempt;
  return resume === null ? begin(preparation) : goOn(preparation, { restore, resume });
}

/** Goes on from what the run's attempt before had stored, or else begins as that one did. */
async function goOn(
  preparation: Preparation,
  { restore, resume }: { restore: Session | null; resume: Session },
): Promise<Beginning | NotStarted> {
  const workspace = await bringBack(preparation, { restore, resume });
  if ("failedStep" in workspace) return workspace;
  if ("why" in workspace) {
    preparation.helper.log(`what the attempt before left cannot be used: ${workspace.why}`);
    await clear(preparation.folders);
    return begin(preparation);
  }
  const beginning = await beginFrom(preparation, workspace, resume);
  return { ...beginning, isResumed: beginning.session.origin === "restored" };
}

async function begin(preparation: Preparation): Promise<Beginning | NotStarted> {
  const { attempt } = preparation.input;
  const { restore } = attempt;
  if (restore === null) {
    return beginAnew(preparation, { id: attempt.sessionId, origin: "new", remark: "" });
  }
  const workspace = await bringBack(preparation, { restore });
  if ("failedStep" in workspace) return workspace;
  if ("why" in workspace) {
    if (restore.isWorkspaceOnly) return notBroughtBack(restore, workspace);
    await clear(preparation.folders);
    const remark = `What the turns before left is lost, because ${workspace.why}; this turn began anew.`;
    return beginAnew(preparation, newSession(remark));
  }
  return beginFrom(preparation, workspace, restore);
}

/** Whoever asked for files does not get an agent without them. */
const notBroughtBack = ({ runId }: Session, { why }: Loss): NotStarted => ({
  failedStep: "checkout",
  stoppedBy: null,
  error: `What run ${runId} left cannot be brought back, because ${why}.`,
});

interface Brought {
  states: States;
  commit: string | null;
  /** What is missing, one sentence each. */
  notes: string[];
}

async function beginFrom(
  preparation: Preparation,
  { states, commit, notes }: Brought,
  from: Session,
): Promise<Beginning> {
  const session = await continueSession(preparation, from);
  const remark = remarkOf(session, notes);
  const whole = sessionWith(preparation, { ...session, remark, commit });
  return { states, session: whole, isResumed: false };
}

const MAX_REMARK_LENGTH = 1000;

/** What is told of a session, with what is missing beside it. */
function remarkOf({ remark }: Named, notes: readonly string[]): string {
  const missing = notes.map((note) => `The workspace may miss something: ${note}`);
  return oneLine([remark, ...missing].join(" "), MAX_REMARK_LENGTH);
}

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
): Promise<Beginning | NotStarted> {
  const start = await beginWorkspace(preparation, null);
  if ("failedStep" in start) return start;
  const { states, commit, notes } = start;
  const failure = await placeGiven(preparation, states);
  if (failure !== undefined) return failure;
  const remark = remarkOf(session, notes);
  const whole = sessionWith(preparation, { ...session, remark, commit });
  return { states, session: whole, isResumed: false };
}

/** The workspace as the conversation began: empty, the tree that was sent, or the repository's. */
async function beginWorkspace(
  preparation: Preparation,
  wantedCommit: string | null,
): Promise<Brought | CheckoutFailure> {
  const { folders, path } = preparation;
  const origin = await placeOrigin(preparation, wantedCommit);
  if ("failedStep" in origin) return origin;
  const { git: gitFolder, workspace } = folders;
  const states = await openStates({ gitFolder, workspace }, path);
  states.hasLfs = preparation.input.agent.repository?.lfs === true;
  await recordState(states, "first");
  return { states, ...origin };
}

async function placeOrigin(
  { input, folders, helper, access, phases, tell, objectsIn }: Preparation,
  wantedCommit: string | null,
): Promise<Omit<Brought, "states"> | CheckoutFailure> {
  const { repository, allowedHosts } = input.agent;
  const { tree, bucket } = input.attempt;
  let [commit, notes]: [string | null, string[]] = [null, []];
  if (tree !== undefined) {
    phases.enter("checkout");
    const placed = await placeTree(tree, { helper, objects: objectsIn(bucket) });
    if ("failedStep" in placed) return { ...placed, isUnknownRef: false };
    ({ commit } = placed);
  } else if (repository !== undefined) {
    phases.enter("checkout");
    const { egressSocket } = socketsIn(folders.sockets);
    const until = helper.clock.now() + TIMING.checkout * 1000;
    const ref = wantedCommit ?? repository.ref ?? "HEAD";
    const { url, credential, submodules = false, lfs: hasLfs = false } = repository;
    const submoduleHosts = submodules ? allowedHosts : undefined;
    const wanted = { url, ref, isPrivate: credential !== undefined, submoduleHosts, hasLfs };
    const done = await checkOut(wanted, { helper, until, egressSocket, access });
    if ("failedStep" in done) return done;
    ({ commit, notes } = done);
    for (const note of notes) tell(note);
    helper.log(`checked out commit ${commit}`);
  }
  return { commit, notes };
}

/**
 * Puts the request's files into the workspace: its agent begins with them, and has not changed
 * them.
 */
async function placeGiven(
  { input, helper, phases, objectsIn }: Preparation,
  states: States,
): Promise<NotStarted | undefined> {
  const { files = [], bucket } = input.attempt;
  if (files.length === 0) return undefined;
  phases.enter("restore");
  const failure = await placeFiles(files, { helper, objects: objectsIn(bucket) });
  if (failure !== undefined) return failure;
  await recordState(states, "restored");
  states.hasFiles = true;
  return undefined;
}

/** The workspace as the turns before left it, or as the run's attempt before did. */
async function bringBack(
  preparation: Preparation,
  { restore, resume }: { restore: Session | null; resume?: Session },
): Promise<Brought | Loss | NotStarted> {
  const { agent, attempt } = preparation.input;
  const { commit } = (resume ?? restore) as Session;
  if (commit !== null && agent.repository === undefined && attempt.tree === undefined) {
    return { why: "the agent no longer has the repository that they began with" };
  }
  const start = await beginWorkspace(preparation, commit);
  if ("failedStep" in start) {
    if (commit === null || !start.isUnknownRef) return start;
    return { why: `the repository no longer has the commit ${commit}` };
  }
  if (attempt.tree !== undefined && start.commit !== commit) {
    return { why: "they did not begin with the working tree that was sent" };
  }
  preparation.phases.enter("restore");
  const { states } = start;
  const turns = restore ? await apply(preparation, states, { of: restore }) : { notes: [] };
  if (!("notes" in turns)) return turns;
  states.isLaterTurn = (restore?.workspace ?? null) !== null;
  states.isOfOtherRun = restore?.isWorkspaceOnly === true;
  const withoutFiles = await commitOf(states, states.refs.restored);
  const failure = await placeGiven(preparation, states);
  if (failure !== undefined) return failure;
  if (resume === undefined) return { ...start, notes: [...start.notes, ...turns.notes] };
  await keepAsTurn(states);
  const last = await resumeFrom(preparation, states, { restore, resume, withoutFiles });
  return "notes" in last ? { ...start, notes: [...start.notes, ...last.notes] } : last;
}

/**
 * From the turn's beginning to what the run's attempt before left: its diff has all of the former.
 */
async function resumeFrom(
  preparation: Preparation,
  states: States,
  {
    restore,
    resume,
    withoutFiles,
  }: { restore: Session | null; resume: Session; withoutFiles: string },
): Promise<{ notes: string[] } | Loss | NotStarted> {
  const left = await takeBack(states, withoutFiles, preparation.helper);
  if (left !== undefined) return left;
  const undone = restore && (await apply(preparation, states, { of: restore, isReverse: true }));
  if (undone && !("notes" in undone)) return undone;
  return apply(preparation, states, { of: resume });
}

/** Applies what a run left of its workspace, or takes that back. */
async function apply(
  { helper, objectsIn }: Preparation,
  states: States,
  { of: { workspace, bucket }, isReverse = false }: { of: Session; isReverse?: boolean },
): Promise<{ notes: string[] } | Loss | NotStarted> {
  if (workspace === null) return { notes: [] };
  const restored = await restoreWorkspace(workspace, objectsIn(bucket), { helper, isReverse });
  if ("notes" in restored) await recordState(states, "restored");
  return restored;
}

async function continueSession(
  { folders, input, engineName, objectsIn }: Preparation,
  restore: Session,
): Promise<Named> {
  if (restore.isWorkspaceOnly) return { id: restore.sessionId, origin: "new", remark: "" };
  const objects = objectsIn(restore.bucket);
  const loss = await restoreSession(restore, {
    objects,
    engineName,
    ...folders,
  });
  const isSame = restore.instructionsHash === instructionsHash(input.agent);
  const remark = isSame
    ? ""
    : "The agent's instructions or tools have changed since the turn before; the new ones count.";
  const restored: Named = { id: restore.sessionId, origin: "restored", remark };
  return loss === undefined ? restored : lostSession(restored, loss.why);
}

async function clear(folders: Folders): Promise<void> {
  await rm(folders.git, { recursive: true, force: true });
  await clearWorkspace(folders);
}
