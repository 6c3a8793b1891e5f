/**
 * What must be true of events, triggers, webhooks and pull requests, whatever goes wrong. Each is a
 * function by its own name; it returns what is wrong, or undefined.
 */
import type { DeliveryRecord } from "../../../shared/documents/delivery.ts";
import type { Run } from "../../../shared/documents/run.ts";
import type { TriggerCount } from "../../../shared/triggers/counts.ts";
import type { Lane } from "../../../shared/triggers/lane.ts";
import type { Firing, Trigger } from "../../../shared/triggers/trigger.ts";
import type { Witness } from "../world/witness.ts";
import type { GithubInMemory, Receiver } from "./outside.ts";

type Wrong = string | undefined;

const countOf = (outcomes: readonly string[]): string =>
  [...new Set(outcomes)]
    .sort()
    .map((one) => `${outcomes.filter((other) => other === one).length} ${one}`)
    .join(", ");

/** Each event has one firing at each trigger, with the outcome that it must have. */
export function eachEventIsDecidedOnce(firings: readonly Firing[], expected: string): Wrong {
  const outcomes = countOf(firings.map(({ outcome }) => outcome));
  return outcomes === expected ? undefined : `firings are ${outcomes}, and must be ${expected}`;
}

/** One event and one trigger make one run: each that matched has its own, and all are there. */
export function oneRunOfAnEvent(firings: readonly Firing[], runs: ReadonlySet<string>): Wrong {
  const started = firings.flatMap(({ outcome, runId }) => (outcome === "matched" ? [runId] : []));
  if (new Set(started).size !== started.length) return `two firings have one run: ${started}`;
  const missing = started.filter((id) => id === null || !runs.has(id));
  return missing.length === 0 ? undefined : `there is no run ${missing}`;
}

/** The event of each firing is kept, for whoever asks for it again. */
export function eachEventIsKept(firings: readonly Firing[], objects: ReadonlySet<string>): Wrong {
  const missing = firings.filter(({ event }) => !objects.has(event.object));
  return missing.length === 0 ? undefined : `there is no object of ${missing[0]?.id}`;
}

/** Runs of one lane are not at work at the same time. */
export function oneRunAtATime(runs: readonly Run[]): Wrong {
  const spans = runs
    .flatMap(({ history, finishedAt }) => {
      const begun = history.find(({ status }) => status === "running")?.at;
      return begun && finishedAt ? [[begun, finishedAt]] : [];
    })
    .sort(([a], [b]) => Number(a) - Number(b));
  const isOver = spans.every(
    ([from], nth) => nth === 0 || (from ?? 0) >= (spans[nth - 1]?.[1] ?? 0),
  );
  return isOver ? undefined : "two runs are at work at the same time";
}

/** Where nothing goes wrong a run has its build at once, and not by the next sweep. */
export function runsBeginAtOnce(runs: readonly Run[]): Wrong {
  const late = runs.filter(({ history, createdAt }) => {
    const queued = history.find(({ status }) => status === "queued");
    return queued !== undefined && queued.at.getTime() - createdAt.getTime() > 15_000;
  });
  return late.length === 0 ? undefined : `${late[0]?.id} waits for a sweep`;
}

/** A run that nobody asked for by a request is one that a firing has started. */
export function everyRunIsOfAFiring(firings: readonly Firing[], fired: readonly string[]): Wrong {
  const known = new Set(firings.map(({ runId }) => runId));
  const stray = fired.filter((id) => !known.has(id));
  return stray.length === 0 ? undefined : `no firing has started ${stray}`;
}

/** What is counted of a trigger is what it has started, and nothing stays set aside at rest. */
export function countsAreExact(counts: readonly TriggerCount[], runs: number): Wrong {
  const counted = counts.reduce((sum, count) => sum + count.runs, 0);
  if (counted !== runs) return `${counted} runs are counted, and ${runs} were started`;
  const reserved = counts.reduce((sum, count) => sum + count.reservedMicros, 0);
  return reserved === 0 ? undefined : `${reserved} millionths of a USD are still set aside`;
}

/** Nobody is at work in a lane, or waits in one, when all runs are over. */
export function lanesAreFree(lanes: readonly Lane[]): Wrong {
  const held = lanes.filter(({ activeRun, queue }) => activeRun !== null || queue.length > 0);
  return held.length === 0 ? undefined : `lanes are held: ${JSON.stringify(held)}`;
}

/** Each tick from the first to the last was fired, and once. */
export function noTickIsMissed(firings: readonly Firing[], everyMs: number): Wrong {
  const ticks = firings.map(({ event }) => Date.parse(event.time ?? "")).sort((a, b) => a - b);
  const gap = ticks.findIndex((tick, at) => at > 0 && tick - (ticks[at - 1] ?? 0) !== everyMs);
  return gap === -1
    ? undefined
    : `a tick before ${new Date(ticks[gap] ?? 0).toISOString()} is missed`;
}

/**
 * Each tick that a schedule names has one firing that is in time, or one that says that it is
 * missed; nothing else fires.
 *
 * @param of.madeUp firings that come late, each of the latest tick until then
 * @param of.optional ticks that may fire, too
 */
export function eachTickFiresOnce(
  firings: readonly Firing[],
  of: { wanted: readonly string[]; withinSeconds: number; madeUp?: number; optional?: string[] },
): Wrong {
  const { wanted, withinSeconds, madeUp = 0, optional = [] } = of;
  const missed = firings.filter(({ outcome }) => outcome === "missed");
  const isMissed = (tick: string) =>
    missed.some(({ why }) => {
      const [from = "", to = from] = why?.match(/\d{4}-\S+Z/g) ?? [];
      return tick >= from && tick <= to;
    });
  const fired = firings.filter(({ outcome }) => outcome !== "missed");
  const times = fired.map(({ event }) => event.time ?? "");
  const wrong = [
    ...times.filter((tick, nth) => times.indexOf(tick) !== nth).map((tick) => `${tick} twice`),
    ...times.filter((tick) => !wanted.includes(tick) && !optional.includes(tick)),
    ...wanted
      .filter((tick) => isMissed(tick) === times.includes(tick))
      .map((tick) => `not ${tick}`),
  ];
  const late = fired.filter(
    ({ event, createdAt }) => +createdAt > Date.parse(event.time ?? "") + withinSeconds * 1000,
  );
  const latest = ({ createdAt }: Firing) =>
    wanted.findLast((tick) => tick <= createdAt.toISOString());
  if (late.length !== madeUp || late.some((one) => one.event.time !== latest(one))) {
    wrong.push(`late: ${late.map(({ event }) => event.time)}`);
  }
  return wrong.length === 0 ? undefined : `it fires ${wrong.slice(0, 5).join(", ")}`;
}

/** Where nothing goes wrong each event comes once, and so does each tick. */
export function nothingComesAgain(firings: readonly Firing[]): Wrong {
  const again = firings.find(({ duplicates }) => duplicates.length > 0);
  return again && `${again.event.id} came again`;
}

/** A schedule goes on, whatever became of its ticks. */
export function scheduleGoesOn({ dueAt }: Pick<Trigger, "dueAt">, now: Date): Wrong {
  const lateMs = dueAt === null ? Number.POSITIVE_INFINITY : now.getTime() - dueAt.getTime();
  return lateMs < 120_000 ? undefined : `it stands still since ${dueAt?.toISOString()}`;
}

/** No delivery is lost: each event that a webhook wants has arrived under its one id, signed. */
export function noDeliveryIsLost(
  { received }: Receiver,
  deliveries: readonly DeliveryRecord[],
  wanted: readonly string[],
): Wrong {
  const known = new Map(deliveries.map((delivery) => [delivery.event.id, delivery]));
  for (const event of wanted) {
    const delivery = known.get(event);
    if (delivery === undefined) return `nothing is to be delivered of ${event}`;
    const arrived = received.filter(({ id }) => id === delivery.id);
    if (arrived.length === 0) return `${event} has not arrived; it is ${delivery.status}`;
    if (new Set(arrived.map(({ body }) => body)).size > 1) return `${event} arrived as two`;
  }
  if (deliveries.length > wanted.length) return `${deliveries.length} deliveries of ${wanted}`;
  return received.every(({ isSigned }) => isSigned) ? undefined : "a request is not signed";
}

/** What has arrived, and was taken, is known to be delivered. */
export function whatWasTakenIsDelivered(deliveries: readonly DeliveryRecord[]): Wrong {
  const others = deliveries.filter(({ status }) => status !== "delivered");
  return others.length === 0 ? undefined : `a delivery is ${others[0]?.status}`;
}

/** A run's changes are on one branch, and in one pull request. */
export function oneBranchAndPullRequest({ state }: GithubInMemory): Wrong {
  const branches = [...state.refs.keys()].filter((ref) => ref !== "heads/trunk");
  const { pulls, checks, comments } = state;
  if (branches.length !== 1) return `there are ${branches.length} branches`;
  const [head = ""] = [...state.refs].flatMap(([ref, sha]) => (ref === "heads/trunk" ? [] : [sha]));
  const [parent] = state.commits.get(head)?.parents ?? [];
  if (parent !== state.refs.get("heads/trunk")) return "there is more than one commit";
  if (pulls.length !== 1) return `there are ${pulls.length} pull requests`;
  // Whoever stood still for longer than a lease may leave these once more: GitHub has no way to
  // create one only if it is not there.
  if (checks.length === 0) return "there is no check run";
  return comments.length === 0 ? "there is no comment" : undefined;
}

/** What became of the pull request stands in its run, though nobody told of it. */
export function pullRequestIsFollowed({ records }: Witness): Wrong {
  const states = [...records.values()].map(({ run }) => run.repository?.pullRequest?.state);
  return states.every((state) => state === "merged") ? undefined : `it is told to be ${states}`;
}

/** What nobody could handle is nothing that was sent as it should be. */
export function noDeadEvents(deadLetters: readonly Buffer[]): Wrong {
  const [first] = deadLetters;
  return first === undefined ? undefined : `given up: ${first.toString().slice(0, 200)}`;
}
