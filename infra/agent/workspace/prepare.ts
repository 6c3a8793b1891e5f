import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { repositoriesOf } from "../../../shared/agent/repository.ts";
import type { BuildManifest } from "../../../shared/documents/manifest.ts";
import { instructionsHash, type Session } from "../../../shared/documents/session.ts";
import type { NotStarted } from "../sandbox/helper.ts";
import { clearWorkspace, type Folders } from "../sandbox/place.ts";
import { oneLine } from "../text.ts";
import { type Brought, beginWorkspace, type Commits, type Preparation } from "./begin-workspace.ts";
import type { CheckoutFailure } from "./checkout.ts";
import { commitOf } from "./git.ts";
import { recordState, type States } from "./git-states.ts";
import { moveOnto } from "./moved-base.ts";
import { placeFiles } from "./place-files.ts";
import { keepAsTurn } from "./replayed-states.ts";
import { type Loss, restoreSession, restoreWorkspace, takeBack } from "./restore.ts";

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
  /** What the agent is told beside its prompt. Absent: nothing. */
  told?: string;
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

async function beginFrom(
  preparation: Preparation,
  { states, commits, notes, told }: Brought,
  from: Session,
): Promise<Beginning> {
  const session = await continueSession(preparation, from);
  const remark = remarkOf(session, notes);
  const whole = sessionWith(preparation, { ...session, remark, ...asStored(commits) });
  return { states, session: whole, isResumed: false, ...(told !== undefined && { told }) };
}

const commitsOf = ({ commit, commits = {} }: Session): Commits =>
  commit === null ? commits : { "": commit };

function asStored(all: Commits): Pick<AgentSession, "commit" | "commits"> {
  const { "": commit = null, ...commits } = all;
  return { commit, ...(Object.keys(commits).length > 0 && { commits }) };
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
  const start = await beginWorkspace(preparation, {});
  if ("failedStep" in start) return start;
  const { states, commits, notes } = start;
  const failure = await placeGiven(preparation, states);
  if (failure !== undefined) return failure;
  const remark = remarkOf(session, notes);
  const whole = sessionWith(preparation, { ...session, remark, ...asStored(commits) });
  return { states, session: whole, isResumed: false };
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
  { restore, resume }: Left,
): Promise<Brought | Loss | NotStarted> {
  const start = await bringTurns(preparation, { restore, resume });
  if (!("states" in start)) return start;
  const { states } = start;
  states.isLaterTurn = (restore?.workspace ?? null) !== null;
  states.isOfOtherRun = restore?.isWorkspaceOnly === true;
  const withoutFiles = await commitOf(states, states.refs.restored);
  const failure = await placeGiven(preparation, states);
  if (failure !== undefined) return failure;
  if (resume === undefined) return start;
  await keepAsTurn(states);
  const last = await resumeFrom(preparation, states, { restore, resume, withoutFiles });
  return "notes" in last ? { ...start, notes: [...start.notes, ...last.notes] } : last;
}

/** What turns before left, and what the run's attempt before did. */
interface Left {
  restore: Session | null;
  resume?: Session | undefined;
}

/** The workspace with what the turns before changed, on the commit that they are to be on. */
async function bringTurns(
  preparation: Preparation,
  { restore, resume }: Left,
): Promise<Brought | Loss | NotStarted> {
  const { agent, attempt } = preparation.input;
  const onto = ontoOf(attempt, { restore, resume });
  const from = onto === undefined ? (resume ?? restore) : restore;
  const commits = commitsOf(from as Session);
  const folders = new Set(repositoriesOf(agent).map(({ folder }) => folder));
  if (attempt.tree !== undefined) folders.add("");
  if (Object.keys(commits).some((folder) => !folders.has(folder))) {
    return { why: "the agent no longer has the repository that they began with" };
  }
  const start = await beginWorkspace(preparation, commits);
  if ("failedStep" in start) return goneFrom(start, Object.values(commits));
  if (attempt.tree !== undefined && start.commits[""] !== commits[""]) {
    return { why: "they did not begin with the working tree that was sent" };
  }
  preparation.phases.enter("restore");
  const turns = restore ? await apply(preparation, start.states, { of: restore }) : { notes: [] };
  if (!("notes" in turns)) return turns;
  const notes = resume === undefined ? [...start.notes, ...turns.notes] : start.notes;
  if (onto === undefined) return { ...start, notes };
  const moved = await moveOnto(preparation, { ...start, notes }, onto);
  return "failedStep" in moved && "ref" in moved ? goneFrom(moved, [onto]) : moved;
}

/**
 * What the turns before are put onto; undefined: they stay on their commit. An attempt that goes on
 * from another has that one's commit, wherever the branch is by now.
 */
function ontoOf({ onto }: Preparation["input"]["attempt"], { restore, resume }: Left) {
  if (!restore?.commit) return undefined;
  if (resume === undefined) return onto;
  return resume.commit === restore.commit ? undefined : (resume.commit ?? undefined);
}

/** A commit that a repository had and no longer has is a loss, and nothing else is. */
const goneFrom = (failure: CheckoutFailure, commits: readonly string[]): Loss | NotStarted =>
  failure.isUnknownRef && commits.includes(failure.ref) && /^[0-9a-f]+$/.test(failure.ref)
    ? { why: `the repository no longer has the commit ${failure.ref}` }
    : failure;

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
  const isMoved = restore !== null && restore.commit !== resume.commit;
  const start = isMoved ? await commitOf(states, states.refs.first) : withoutFiles;
  const left = await takeBack(states, start, preparation.helper);
  if (left !== undefined) return left;
  const undone =
    restore && !isMoved && (await apply(preparation, states, { of: restore, isReverse: true }));
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
