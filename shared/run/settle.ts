import type { BuildRef } from "../attempt/build-view.ts";
import { verifiedBy } from "../attempt/checked.ts";
import { outcomeEntry } from "../attempt/outcomes.ts";
import type { Settlement } from "../attempt/settlement.ts";
import type { Verdict } from "../attempt/verdict.ts";
import { after } from "../clock.ts";
import type { DeniedCall } from "../documents/manifest.ts";
import type { Run, RunError } from "../documents/run.ts";
import { CAPACITY, RETRY_LIMITS, TIMING } from "../limits.ts";
import { charged } from "./owner-day.ts";
import { phasesWith } from "./phases.ts";
import type {
  AttemptBuild,
  Effect,
  RunRecord,
  RunState,
  SettledEvent,
  Transition,
} from "./record.ts";
import { admitting, overAt, slotOf, strayOverAt } from "./submission.ts";
import { move, refused } from "./transition.ts";
import { usageWith } from "./usage.ts";

/**
 * An attempt has been settled: the run ends with it, or goes on with the next attempt if the cause
 * lies outside the request and attempts are left. A cancel that was committed before decides the
 * status.
 */
export function onSettled(record: RunRecord, event: SettledEvent, now: Date): Transition {
  if (record.state.phase === "pending" && !record.state.leaseTaken) {
    return refused("the attempt has not begun");
  }
  if (record.state.cancelRequestedAt !== null) return end(record, event, now);
  return isRetried(record, event.settlement.verdict)
    ? retry(record, event, now)
    : end(record, event, now);
}

function isRetried({ state }: RunRecord, { outcome }: Verdict): boolean {
  if (isLost({ outcome })) return state.lostSubmissions < RETRY_LIMITS.maxLostSubmissions;
  return outcomeEntry(outcome).retry === true && state.failures + 1 < RETRY_LIMITS.maxAttempts;
}

/** No agent was ever at work, and neither the request nor the build had a part in it. */
const isLost = ({ outcome }: Pick<Verdict, "outcome">): boolean =>
  outcome === "submission_lost" || outcome === "build_expired";

/** The state of an attempt that nobody has taken. */
const BEFORE_LEASE = {
  reported: 0,
  workingAt: null,
  leaseTaken: false,
  leaseUntil: null,
  progressTokenHash: null,
  build: null,
  slot: null,
  parent: null,
  line: null,
  input: null,
  deniedSince: null,
  deadlineAt: null,
  submissionTrace: null,
} satisfies Partial<RunState>;

function retry(record: RunRecord, event: SettledEvent, now: Date): Transition {
  const { verdict, result, session, checkpoint } = event.settlement;
  const from = checkpoint ? `, from what was kept at ${timeOf(checkpoint.at)}` : "";
  const lost = isLost(verdict);
  const failures = record.state.failures + (lost ? 0 : 1);
  const lostSubmissions = record.state.lostSubmissions + (lost ? 1 : 0);
  const backoff = lost
    ? lostBackoffSeconds(lostSubmissions, event.next.chance)
    : Math.max(backoffSeconds(failures), modelWaitOf(verdict));
  const due = after(now, backoff === 0 ? TIMING.pendingDue : backoff);
  const until = backoff === 0 ? "" : ` at ${timeOf(due)}`;
  const attempt = record.state.attempt + 1;
  return move(record, "pending", {
    now,
    cause: `attempt ${attempt - 1}: ${verdict.outcome}`,
    why: `Trying again${until} (attempt ${attempt}${from}): ${verdict.message}`,
    run: {
      attempt,
      progress: null,
      phases: [],
      isolation: null,
      usage: usageWith(record.run.usage, event.settlement),
      // What it had come to stands in the run until a later attempt has come to more.
      ...(session && result && { output: result.output, artifacts: result.artifacts }),
      changes: session && result ? result.changes : null,
      ...(session && { checkpoint: checkpoint ?? null }),
    },
    state: {
      ...BEFORE_LEASE,
      attempt,
      nonce: event.next.nonce,
      sessionId: event.next.sessionId,
      ...(session && { resume: session }),
      ...charged(record.state, event.settlement.spentUsd),
      ...spentWith(record, event.settlement),
      waitsSince: due,
      notBefore: backoff === 0 ? null : due,
      pastBuilds: buildsOf(record, event.build),
      dueAt: due,
      failures,
      lostSubmissions,
    },
    slot: slotAfter(record, event, now),
    effects: [
      ...(backoff === 0 ? [{ type: "publish" as const }] : []),
      ...cancelling(event),
      ...admitting(record),
    ],
  });
}

/** What the attempt is known to have spent, beside what those before it have. */
function spentWith(
  { state: { attempt, spentBefore = [] } }: RunRecord,
  { spentUsd }: Settlement,
): Pick<RunState, "spentBefore"> {
  return spentUsd === undefined ? {} : { spentBefore: [...spentBefore, { attempt, spentUsd }] };
}

/** How long to leave a model's API alone that asked for it, in seconds. */
const modelWaitOf = ({ retryAfterSeconds = 0 }: Verdict): number =>
  Math.min(retryAfterSeconds, TIMING.modelWait);

/** `12:34:56 UTC` */
const timeOf = (at: Date): string => `${at.toISOString().slice(11, 19)} UTC`;

/** The builds of a run so far, oldest first, each with its attempt. */
export function buildsOf({ state }: RunRecord, claimant: BuildRef | null = null): AttemptBuild[] {
  const { attempt, pastBuilds } = state;
  const build = claimant ?? state.build;
  return build === null ? pastBuilds : [...pastBuilds, { attempt, id: build.id }];
}

function backoffSeconds(failures: number): number {
  return RETRY_LIMITS.attemptBackoffSeconds[failures - 1] ?? 0;
}

/** Doubled each time up to a bound, less up to a half. */
function lostBackoffSeconds(times: number, chance: number): number {
  const most = Math.min(CAPACITY.minPause * 2 ** (times - 1), CAPACITY.maxPause);
  return most * (1 - chance / 2);
}

/**
 * An attempt that did not do it, and leaves nothing to go on from, takes nothing away from the one
 * before it.
 */
function isLess(
  { state: { resume = null } }: RunRecord,
  { verdict, session }: Settlement,
): boolean {
  return !session && resume !== null && outcomeEntry(verdict.outcome).status !== "succeeded";
}

/** Without a slot, which outlives it, a run sees itself to the end of its build. */
function buildAtEnd({ state }: RunRecord, { build, liveBuild }: SettledEvent, now: Date) {
  const live = liveBuild === "unknown" ? null : liveBuild;
  const owes = live !== null && state.slot === null;
  return {
    build: build ?? live ?? state.build,
    obligations: owes ? ["build" as const] : [],
    dueAt: owes ? after(now, TIMING.cancelStep) : null,
  };
}

/** The build is over, or there was none: the slot is free. Else it is kept until the build is. */
function slotAfter(record: RunRecord, { liveBuild, ended }: SettledEvent, now: Date) {
  if (liveBuild === null) return slotOf(record, { type: "over", build: ended });
  return liveBuild === "unknown"
    ? slotOf(record, { type: "lost", overAt: strayOverAt(now) })
    : slotOf(record, { type: "unneeded", build: liveBuild, overAt: overAt(record, now) });
}

const cancelling = ({ liveBuild }: SettledEvent): Effect[] =>
  liveBuild === null || liveBuild === "unknown" ? [] : [{ type: "cancelBuild", build: liveBuild }];

function end(record: RunRecord, event: SettledEvent, now: Date): Transition {
  const { settlement } = event;
  const { verdict, result } = settlement;
  const { resume = null, restore } = record.state;
  const session = settlement.session ?? resume ?? restore;
  const { output, artifacts, changes } = record.run;
  const isBefore = !result || isLess(record, settlement);
  const checkpoint = (isBefore ? record.run.checkpoint : settlement.checkpoint) ?? null;
  const cancelled = record.state.cancelRequestedAt !== null;
  const status = cancelled ? "cancelled" : outcomeEntry(verdict.outcome).status;
  return move(record, status, {
    now,
    cause: verdict.outcome,
    why: [cancelled ? "Cancelled." : verdict.message, keptWords(checkpoint)].join(""),
    run: {
      ...result,
      ...(isBefore && { output, artifacts, changes: output === null ? null : changes }),
      phases: phasesWith(record.run.phases, settlement.phases),
      usage: usageWith(record.run.usage, settlement),
      checkpoint,
      conversation: conversationOf(record, result?.conversation),
      verdict: {
        outcome: verdict.outcome,
        deniedTools: verdict.deniedTools,
        ...(verdict.deniedCalls && { deniedCalls: verdict.deniedCalls }),
        ...(verdict.failedServers && { failedServers: verdict.failedServers }),
        ...(verdict.checks && { checks: verdict.checks }),
        ...(verdict.rounds !== undefined && { rounds: verdict.rounds }),
        ...(verdict.artifactGaps && { artifactGaps: verdict.artifactGaps }),
        verified: verifiedBy(verdict.checks),
      },
      error: status === "succeeded" || status === "cancelled" ? null : errorOf(verdict),
    },
    state: {
      ...charged(record.state, settlement.spentUsd),
      session,
      leaseUntil: null,
      notBefore: null,
      deadlineAt: null,
      slot: null,
      line: null,
      input: null,
      ...buildAtEnd(record, event, now),
    },
    slot: slotAfter(record, event, now),
    effects: [...cancelling(event), ...admitting(record)],
  });
}

const keptWords = (checkpoint: Run["checkpoint"]): string =>
  checkpoint ? ` Kept is what there was at ${timeOf(checkpoint.at)}.` : "";

/**
 * The run's place in its conversation, with what became of the session that it should have gone on
 * from.
 */
function conversationOf(
  { run: { conversation }, state: { restore } }: RunRecord,
  session: NonNullable<Settlement["result"]>["conversation"] | undefined,
): Run["conversation"] {
  const isLost = session?.session === "new" && conversation.turn > 1 && restore === null;
  if (!isLost) return { ...conversation, ...session };
  const remark = "The turns before left no session to go on from, so this one began anew.";
  return { ...conversation, session: "lost", remark };
}

/** Names of rules in a remedy. */
const PROPOSED = 3;
/** A call that fits into a rule as it stands. */
const RULE_INPUT = /^[^\n()*]{1,100}$/;

/**
 * What the table says; for denied calls also the rules that would have allowed them, for checks the
 * names of those that did not pass.
 */
function remedyOf({ outcome, deniedCalls = [], checks = [] }: Verdict): string {
  const { remedy = "" } = outcomeEntry(outcome);
  if (outcome === "checks_failed") return `${remedy} Not passed: ${missedOf(checks)}.`;
  const rules = [...new Set(deniedCalls.map(ruleOf))].slice(0, PROPOSED);
  if (outcome !== "permission_denied" || rules.length === 0) return remedy;
  return `${remedy} As it was, this would do: "allowedTools": ${JSON.stringify(rules)}.`;
}

const missedOf = (checks: NonNullable<Verdict["checks"]>): string =>
  checks
    .flatMap(({ name, required, state }) => (required && state !== "passed" ? [name] : []))
    .join(", ");

/** @see https://code.claude.com/docs/en/permissions, "Permission rule syntax" */
const ruleOf = ({ tool, input }: DeniedCall): string =>
  tool === "Bash" && RULE_INPUT.test(input) ? `Bash(${input})` : tool;

function errorOf(verdict: Verdict): RunError {
  const entry = outcomeEntry(verdict.outcome);
  return {
    code: verdict.outcome,
    kind: entry.kind ?? "agent",
    message: verdict.message,
    remedy: remedyOf(verdict),
    retryable: entry.retry ?? false,
    ...(verdict.outputFaults && { errors: verdict.outputFaults }),
  };
}
