import { outcomeEntry } from "../attempt/outcomes.ts";
import type { Settlement } from "../attempt/settlement.ts";
import type { Verdict } from "../attempt/verdict.ts";
import type { Run, RunError } from "../documents/run.ts";
import { RETRY_LIMITS, TIMING } from "../limits.ts";
import type { AttemptBuild, RunRecord, SettledEvent, Transition } from "./record.ts";
import { after, move, refused } from "./transition.ts";

/**
 * An attempt has been settled: the run ends with it, or goes on with the next attempt if the cause lies
 * outside the request and attempts are left. A cancel that was committed before decides the status.
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
  if (outcome === "submission_lost") {
    return state.lostSubmissions < RETRY_LIMITS.maxLostSubmissions;
  }
  return outcomeEntry(outcome).retry === true && state.failures + 1 < RETRY_LIMITS.maxAttempts;
}

function retry(record: RunRecord, event: SettledEvent, now: Date): Transition {
  const { verdict } = event.settlement;
  const lost = verdict.outcome === "submission_lost";
  const failures = record.state.failures + (lost ? 0 : 1);
  const backoff = lost ? 0 : backoffSeconds(failures);
  const due = after(now, backoff === 0 ? TIMING.pendingDue : backoff);
  const attempt = record.state.attempt + 1;
  return move(record, "pending", {
    now,
    cause: `attempt ${attempt - 1}: ${verdict.outcome}`,
    why: `Trying again (attempt ${attempt}): ${verdict.message}`,
    run: { attempt, progress: null, isolation: null },
    state: {
      attempt,
      ...event.next,
      reported: 0,
      leaseTaken: false,
      leaseUntil: null,
      notBefore: backoff === 0 ? null : due,
      progressTokenHash: null,
      build: null,
      pastBuilds: buildsOf(record),
      deadlineAt: null,
      dueAt: due,
      failures,
      lostSubmissions: record.state.lostSubmissions + (lost ? 1 : 0),
    },
    effects: [
      ...(backoff === 0 ? [{ type: "publish" as const }] : []),
      ...(event.liveBuild ? [{ type: "cancelBuild" as const, build: event.liveBuild }] : []),
    ],
  });
}

/** The builds of a run so far, oldest first, each with its attempt. */
export function buildsOf({ state }: RunRecord): AttemptBuild[] {
  const { build, attempt, pastBuilds } = state;
  return build === null ? pastBuilds : [...pastBuilds, { attempt, id: build.id }];
}

function backoffSeconds(failures: number): number {
  return RETRY_LIMITS.attemptBackoffSeconds[failures - 1] ?? 0;
}

function end(record: RunRecord, { settlement, liveBuild }: SettledEvent, now: Date): Transition {
  const { verdict, result, session = null } = settlement;
  const cancelled = record.state.cancelRequestedAt !== null;
  const status = cancelled ? "cancelled" : outcomeEntry(verdict.outcome).status;
  return move(record, status, {
    now,
    cause: verdict.outcome,
    why: cancelled ? "Cancelled." : verdict.message,
    run: {
      ...result,
      conversation: conversationOf(record, result?.conversation),
      verdict: { outcome: verdict.outcome, deniedTools: verdict.deniedTools },
      error: status === "succeeded" || status === "cancelled" ? null : errorOf(verdict),
    },
    state: {
      session: session ?? record.state.restore,
      leaseUntil: null,
      notBefore: null,
      deadlineAt: null,
      build: liveBuild ?? record.state.build,
      obligations: liveBuild ? ["build"] : [],
      dueAt: liveBuild ? after(now, TIMING.cancelStep) : null,
    },
    effects: liveBuild ? [{ type: "cancelBuild", build: liveBuild }] : [],
  });
}

/** The run's place in its conversation, with what became of the session that it should have gone on from. */
function conversationOf(
  { run: { conversation }, state: { restore } }: RunRecord,
  session: NonNullable<Settlement["result"]>["conversation"] | undefined,
): Run["conversation"] {
  const isLost = session?.session === "new" && conversation.turn > 1 && restore === null;
  if (!isLost) return { ...conversation, ...session };
  const remark = "The turns before left no session to go on from, so this one began anew.";
  return { ...conversation, session: "lost", remark };
}

function errorOf(verdict: Verdict): RunError {
  const entry = outcomeEntry(verdict.outcome);
  return {
    code: verdict.outcome,
    kind: entry.kind ?? "agent",
    message: verdict.message,
    remedy: entry.remedy ?? "",
    retryable: entry.retry ?? false,
    ...(verdict.outputFaults && { errors: verdict.outputFaults }),
  };
}
