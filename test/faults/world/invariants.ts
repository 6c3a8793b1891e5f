/**
 * What must be true in every world, whatever goes wrong in it. Each is a function by its own name;
 * it returns what is wrong, or undefined. Everything that proves anything here uses these, and
 * nothing else judges.
 */
import type { Slot } from "../../../shared/capacity/slot.ts";
import type { Conversation } from "../../../shared/documents/conversation.ts";
import type { BuildManifest, Claim, Manifest } from "../../../shared/documents/manifest.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { RETRY_LIMITS } from "../../../shared/limits.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { untold } from "../../../shared/run/telling.ts";
import { isLive, type ModelBuild } from "./cloud-build.ts";
import type { Agent } from "./runner.ts";

/** What is wrong; undefined: nothing. */
type Wrong = string | undefined;

/** A run before and after a commit; undefined: it did not exist, or does not any more. */
export interface Step {
  before: RunRecord | undefined;
  after: RunRecord | undefined;
}

/** Agents that are at work, and all that ever started. */
export interface Agents {
  live: readonly Agent[];
  started: readonly Agent[];
}

/** Each change of a run, or of what the server knows of it, raises its version by one. */
export function versionRisesByOne({ before, after }: Step): Wrong {
  if (after === undefined) return undefined;
  const expected = (before?.state.version ?? 0) + 1;
  if (after.state.version === expected) return undefined;
  return `version ${after.state.version} follows ${expected - 1}`;
}

const FINAL = ["succeeded", "failed", "timed_out", "cancelled", "expired"];

/** Where a status leads. */
const WAYS: Record<string, readonly string[]> = {
  pending: ["pending", "queued", "running", "cancelling", ...FINAL],
  queued: ["pending", "running", "cancelling", ...FINAL],
  running: ["pending", "cancelling", ...FINAL],
  cancelling: FINAL,
};

/** A run's history is a way through the states, and its last entry is the run's status. */
export function historyIsAWay({ before, after }: Step): Wrong {
  if (after === undefined) return undefined;
  const from = before?.run.status;
  const to = after.run.status;
  const isWay = from === undefined ? to === "pending" : from === to || WAYS[from]?.includes(to);
  if (!isWay) return `${from} led to ${to}`;
  const last = after.run.history.at(-1);
  return last?.status === to ? undefined : `it is ${to}, and its history ends with ${last?.status}`;
}

/** What a final state says of the run; its later commits change none of it. */
const final = ({ status, done, verdict, output, error, finishedAt, usage, artifacts }: Run) =>
  JSON.stringify([status, done, verdict, output, error, finishedAt, usage, artifacts]);

/** The first final state stays, with all that it says. */
export function finalStateStays({ before, after }: Step): Wrong {
  if (!before?.run.done || after === undefined) return undefined;
  if (final(before.run) === final(after.run)) return undefined;
  return `it was over, ${final(before.run)}, and became ${final(after.run)}`;
}

/** After a cancel was committed a run ends as cancelled. */
export function cancelHolds({ before, after }: Step): Wrong {
  if (before?.state.cancelRequestedAt == null || !after?.run.done) return undefined;
  return after.run.status === "cancelled" ? undefined : `it was cancelled, and ${after.run.status}`;
}

/** No lease is taken before the time that the run waits for. */
export function backoffHolds({ before, after }: Step, now: Date): Wrong {
  const notBefore = before?.state.notBefore ?? null;
  if (notBefore === null || after?.state.phase !== "submitting") return undefined;
  return now < notBefore ? `a lease was taken before ${notBefore.toISOString()}` : undefined;
}

/** A run does not end, and is not tried again, while an agent of it is at work. */
export function noEndWhileAnAgentWorks({ before, after }: Step, { live }: Agents): Wrong {
  if (before === undefined || after === undefined) return undefined;
  const left = after.run.done ? !before.run.done : after.state.attempt > before.state.attempt;
  if (!left) return undefined;
  const agent = live.find(({ runId }) => runId === after.run.id);
  return agent && `its attempt ended while the agent of ${agent.buildId} worked`;
}

/** No attempt is begun beyond what a run may have. */
export function attemptsAreBounded({ after }: Step): Wrong {
  if (after === undefined) return undefined;
  const { attempt, failures, lostSubmissions } = after.state;
  const most = RETRY_LIMITS.maxAttempts + RETRY_LIMITS.maxLostSubmissions;
  const isCounted = failures < RETRY_LIMITS.maxAttempts;
  if (attempt <= most && lostSubmissions <= RETRY_LIMITS.maxLostSubmissions && isCounted) {
    return undefined;
  }
  return `attempt ${attempt} after ${failures} failures and ${lostSubmissions} lost submissions`;
}

/** Never two agents of one run at work. */
export function oneAgentOfARun(agent: Agent, { live }: Agents): Wrong {
  const other = live.find(({ runId }) => runId === agent.runId);
  return other && `${agent.buildId} has an agent while that of ${other.buildId} works`;
}

/** Never agents of two turns of a conversation at work. */
export function oneTurnAtATime(
  agent: Agent,
  { live }: Agents,
  conversationOf: (runId: string) => string | undefined,
): Wrong {
  const own = conversationOf(agent.runId);
  const other = live.find(({ runId }) => own !== undefined && conversationOf(runId) === own);
  return other && `${agent.buildId} has an agent while the turn of ${other.runId} works`;
}

/** An attempt's agent starts once. */
export function oneAgentOfAnAttempt(agent: Agent, { started }: Agents): Wrong {
  const other = started.find(
    ({ runId, attempt }) => runId === agent.runId && attempt === agent.attempt,
  );
  return (
    other && `attempt ${agent.attempt} had an agent in ${other.buildId}, now in ${agent.buildId}`
  );
}

/** No agent starts for a run that is over, or of an attempt that was left. */
export function noAgentOfWhatIsOver(agent: Agent, record: RunRecord | undefined): Wrong {
  if (record === undefined) return `an agent of a run that does not exist, in ${agent.buildId}`;
  if (record.run.done) return `${agent.buildId} has an agent, and the run ${record.run.status}`;
  const { attempt } = record.state;
  return attempt === agent.attempt
    ? undefined
    : `${agent.buildId} has an agent of attempt ${agent.attempt}, and the run is in ${attempt}`;
}

/** At rest every accepted run is over. */
export function everyRunIsOver({ run, state }: RunRecord): Wrong {
  return run.done ? undefined : `it is ${state.phase} in attempt ${state.attempt}: ${run.why}`;
}

/** At rest a run owes nothing and is due no more: `dueAt` is that of its document, for whatever. */
export function nothingIsOwed({ state }: RunRecord): Wrong {
  if (state.obligations.length === 0 && state.dueAt === null) return undefined;
  const { obligations, dueAt, tellAt } = state;
  return `it is due at ${dueAt?.toISOString()}, to be told at ${tellAt?.toISOString()}, and owes [${obligations}]`;
}

const tagOf = ({ holder }: Slot): string => `${holder?.runId}.${holder?.attempt}`;

/** A build that we create has the slot of its attempt: so there are never more than slots. */
export function everyBuildHasASlot(build: ModelBuild, held: readonly Slot[]): Wrong {
  if (build.isRetry || held.some((slot) => build.tags.includes(tagOf(slot)))) return undefined;
  return `${build.id} was created for ${build.tags[2]}, which has no slot`;
}

/** A slot is given away only when no build of its holder is live. */
export function freedWithItsBuild(slot: Slot, builds: readonly ModelBuild[]): Wrong {
  const ofAttempt = builds.filter(({ tags }) => tags.includes(tagOf(slot)));
  // With an operator's second build, and where the answer to the create was lost, nobody can tell
  // which of the two has the slot: the other is ended when its message comes.
  if (ofAttempt.some(({ isRetry }) => isRetry)) return undefined;
  const own = ofAttempt.find(isLive);
  return own && `${slot.id} of ${tagOf(slot)} is free, and ${own.id} is ${own.status}`;
}

/** Where nothing goes wrong any more, no slot is free for long while somebody waits. */
export function noSlotIdles(ticks: number): Wrong {
  return ticks > 3 ? `a slot was free for ${ticks} ticks while a run waited` : undefined;
}

/** At rest nobody holds a slot. */
export function everySlotIsFree(held: readonly Slot[]): Wrong {
  if (held.length === 0) return undefined;
  return held
    .map(
      ({ id, state, holder, overAt }) =>
        `${id} is ${state} by ${holder?.runId} ${overAt?.toISOString()}`,
    )
    .join("; ");
}

/** Each run that ended is in what its owner used, once. */
export function everyEndIsCounted(counted: number, ended: number): Wrong {
  return counted === ended ? undefined : `${counted} runs are counted, and ${ended} have ended`;
}

/** At rest no build of ours is live. */
export function noBuildIsLive(live: readonly { id: string; status: string }[]): Wrong {
  if (live.length === 0) return undefined;
  return `still live: ${live.map(({ id, status }) => `${id} ${status}`).join(", ")}`;
}

/** What succeeded is what the build with the claim has left, and its whole result. */
export function successIsTheClaimants(
  { run }: RunRecord,
  { claim, manifest }: { claim: Claim | undefined; manifest: Manifest | undefined },
): Wrong {
  if (run.status !== "succeeded") return undefined;
  if (claim?.by !== "build") return "it succeeded, and no build has its claim";
  if (manifest?.by !== "build") return "it succeeded without a manifest";
  if (manifest.buildId !== claim.buildId) return `the manifest is of ${manifest.buildId}`;
  const text = manifest.facts.result?.result;
  return run.output?.text === text ? undefined : `its text is not the manifest's: ${text}`;
}

/** Whether a manifest says that the work was done, and nothing is missing. */
function isOfDoneWork(manifest: Manifest | undefined): manifest is BuildManifest {
  if (manifest?.by !== "build") return false;
  const { started, stoppedBy, result, error } = manifest.facts;
  return started && stoppedBy === null && error === null && result?.is_error === false;
}

/** What a build has left counts: if it says that the work was done, the run says so, too. */
export function whatWasLeftCounts(
  { run }: RunRecord,
  { manifest, isWhole }: { manifest: Manifest | undefined; isWhole: boolean },
): Wrong {
  if (run.status === "succeeded" || run.status === "cancelled") return undefined;
  if (!isWhole || !isOfDoneWork(manifest)) return undefined;
  return `${manifest.buildId} has done the work, and the run ${run.status}`;
}

/** No attempt is left whose work was done: it would be done a second time. */
export function noWorkIsDoneTwice(
  { state }: RunRecord,
  manifests: readonly (Manifest | undefined)[],
): Wrong {
  const left = manifests.find((one) => isOfDoneWork(one) && one.attempt !== state.attempt);
  return left && `an attempt had done the work, and ${state.attempt} was begun`;
}

/** Work that an agent did, as it is told by traces outside of the system's books. */
export interface Deed {
  buildId: string;
  startedAt: Date;
  /** When it was done; undefined: it never was. */
  endedAt: Date | undefined;
}

/** What succeeded is the work of one agent, that of the build with the claim. */
export function successIsADeed(
  { run }: RunRecord,
  { claim, deeds }: { claim: Claim | undefined; deeds: readonly Deed[] },
): Wrong {
  if (run.status !== "succeeded" || claim?.by !== "build") return undefined;
  const { buildId } = claim;
  const own = deeds.filter((deed) => deed.buildId === buildId && deed.endedAt !== undefined);
  if (own.length !== 1) return `the agent of ${buildId} did its work ${own.length} times`;
  const isTold = run.output?.text.includes(buildId);
  return isTold ? undefined : `its answer is not that of ${buildId}: ${run.output?.text}`;
}

/** No agent starts, or does anything, when its run is over. */
export function noDeedAfterTheEnd({ run }: RunRecord, deeds: readonly Deed[]): Wrong {
  const { finishedAt } = run;
  if (finishedAt === null) return undefined;
  const late = deeds.find(
    ({ startedAt, endedAt }) => startedAt > finishedAt || (endedAt && endedAt > finishedAt),
  );
  return late && `the agent of ${late.buildId} worked after its end at ${finishedAt.toISOString()}`;
}

/** At rest no process of a build is there. */
export function noProcessLivesOn(pids: readonly number[]): Wrong {
  return pids.length === 0 ? undefined : `processes of builds are there: ${pids.join(", ")}`;
}

/** What succeeded is stored as its manifest says, byte for byte. */
export function successIsWhole({ run }: RunRecord, { isWhole }: { isWhole: boolean }): Wrong {
  return run.status !== "succeeded" || isWhole ? undefined : "what it has stored is something else";
}

/** Nothing is cancelled but by who may: a caller, or whoever ends its build outside. */
export function onlyACancelCancels({ run, state }: RunRecord, isEndedOutside: boolean): Wrong {
  if (run.status !== "cancelled" || state.cancelRequestedAt !== null || isEndedOutside) {
    return undefined;
  }
  return "it is cancelled, and nobody has asked for that";
}

/** What nothing but a crash of ours stands in the way of is done. */
export function workIsDone({ run }: RunRecord, expected: readonly string[]): Wrong {
  if (expected.includes(run.status)) return undefined;
  return `it ${run.status} (${run.verdict?.outcome}) and should have ${expected.join(" or ")}`;
}

/** Whoever asks, and asks again, is answered. */
export function callersAreAnswered(key: string, answer: unknown): Wrong {
  return answer === undefined ? `the request of ${key} was not answered` : undefined;
}

/** What is told of a run has happened to it; of one that is not there any more nobody knows. */
export function onlyChangesAreTold(
  told: { version: number; status: string },
  record: RunRecord | undefined,
): Wrong {
  const entry = record?.run.history.find(({ version }) => version === told.version);
  if (record === undefined || entry?.status === told.status) return undefined;
  return `version ${told.version} was told as ${told.status}, and is ${entry?.status}`;
}

/** Each change of a run's status is told, once it is at rest or erased. */
export function everyChangeIsTold(record: RunRecord, told: ReadonlySet<number>): Wrong {
  const { run, state } = record;
  const changes = untold({ run, state: { ...state, told: 0 } });
  const missing = changes.filter(({ version }) => !told.has(version));
  if (missing.length === 0) return undefined;
  return `nobody was told of ${missing.map(({ version, status }) => `${version} ${status}`)}`;
}

/** At rest nobody has a conversation's turn, and nobody waits for it. */
export function conversationIsFree({ activeRun, queue }: Conversation): Wrong {
  if (activeRun === null && queue.length === 0) return undefined;
  return `${activeRun} has the turn, and [${queue}] wait`;
}

/** Requests with one key are one run. */
export function oneRunOfAKey(key: string, runIds: readonly string[]): Wrong {
  return new Set(runIds).size <= 1 ? undefined : `${key} is ${[...new Set(runIds)].join(" and ")}`;
}

/** There is no run that nobody has asked for, or for which two were made. */
export function everyRunIsSomebodys(runId: string, accepted: ReadonlySet<string>): Wrong {
  return accepted.has(runId) ? undefined : "it was made, and nobody was told of it";
}

/** An accepted request is seen by whoever reads after it. */
export function acceptedIsThere(runId: string, found: RunRecord | undefined): Wrong {
  return found === undefined ? `${runId} was accepted, and is not there` : undefined;
}

/** What nobody could handle is empty: every message was done with. */
export function noDeadLetters(letters: readonly Buffer[]): Wrong {
  return letters.length === 0 ? undefined : `${letters.length}, as ${letters[0]?.toString()}`;
}

/** What succeeded names the build that has its claim: its logs are that one's. */
export function buildIsTheClaimants({ run, state }: RunRecord, claim: Claim | undefined): Wrong {
  if (run.status !== "succeeded" || claim?.by !== "build") return undefined;
  if (state.build?.id === claim.buildId) return undefined;
  return `its build is ${state.build?.id}, and the claim is that of ${claim.buildId}`;
}

/** No submission is given up that was in somebody's hands, or whose fate could be known. */
export function noSubmissionIsLost({ state }: RunRecord): Wrong {
  const { lostSubmissions } = state;
  return lostSubmissions === 0 ? undefined : `${lostSubmissions} submissions were given up`;
}

/** No attempt is given up whose build was well. */
export function attemptsAreSpared({ state }: RunRecord): Wrong {
  return state.failures === 0 ? undefined : `${state.failures} attempts were given up`;
}

/** Whoever holds no slot, or fewer than another who waits, gets the next ones. */
export function fewestIsNext(served: readonly RunRecord[], fewest: readonly string[]): Wrong {
  const next = served.slice(0, fewest.length).map(({ run }) => run.id);
  if (fewest.every((id) => next.includes(id))) return undefined;
  return `the next slots went to ${next}, and ${fewest} waited`;
}

/** Who waits in one line is served in the order in which the runs were accepted. */
export function lineKeepsItsOrder(served: readonly RunRecord[]): Wrong {
  const times = served.map(({ state }) => state.acceptedAt.getTime());
  const late = times.findIndex((time, at) => at > 0 && time < (times[at - 1] ?? 0));
  return late === -1 ? undefined : `${served[late]?.run.id} came after one that was accepted later`;
}

/** What was ended from outside is not begun again. */
export function whatWasEndedStaysEnded({ state }: RunRecord): Wrong {
  return state.attempt === 1
    ? undefined
    : `it was ended outside, and is in attempt ${state.attempt}`;
}

/**
 * No promise of a handler is rejected behind its back: its process would end with all that it does.
 */
export function noRejectionIsStray(count: number): Wrong {
  return count === 0 ? undefined : `${count} rejections were handled by nobody`;
}
