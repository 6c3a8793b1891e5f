import type { Mutant } from "./mutant.ts";

const RUN = "shared/run/run.ts";
const BUILD_EVENTS = "shared/run/build-events.ts";
const SUBMISSION = "shared/run/submission.ts";
const SETTLE = "shared/run/settle.ts";
const TRANSITION = "shared/run/transition.ts";

/** Guards of what decides. */
export const DECISIONS: readonly Mutant[] = [
  {
    name: "lease: one holder",
    file: SUBMISSION,
    from: 'if (state.phase !== "pending") return `the attempt is ${state.phase} already`;',
    to: "",
  },
  {
    name: "lease: not before its turn",
    file: SUBMISSION,
    from: 'if (state.waitsForTurn) return "the turn before this one is not over";',
    to: "",
  },
  {
    name: "lease: not before its backoff",
    file: SUBMISSION,
    from: "if (state.notBefore !== null && now < state.notBefore)",
    to: "if (state.notBefore !== null && now < state.notBefore && state.version < 0)",
  },
  {
    name: "lease: its end is due",
    file: SUBMISSION,
    from: "dueAt: leaseUntil,",
    to: "dueAt: null,",
  },
  {
    name: "done-guard: nothing after the end",
    file: RUN,
    from: "if (record.run.done && !OF_ENDED_RUNS.includes(event.type)) {",
    to: "if (record.run.done && record.state.version < 0) {",
  },
  {
    name: "events of an attempt that was left",
    file: RUN,
    from: 'if ("attempt" in event && event.attempt !== record.state.attempt) return stale(record, event);',
    to: "void stale;",
  },
  {
    name: "a build that is known is not a stray",
    file: BUILD_EVENTS,
    from: 'if (known?.id === build.id) return refused("the build is known");',
    to: "",
  },
  {
    name: "cancel: a lease that was taken needs the claim",
    file: RUN,
    from: 'if (phase === "pending" && !leaseTaken) {',
    to: 'if (leaseTaken || phase === "pending") {',
  },
  {
    name: "cancel: its stop is due",
    file: RUN,
    from: "state: { cancelRequestedAt: now, dueAt: after(now, TIMING.cancelStep), line: null },",
    to: "state: { cancelRequestedAt: now, dueAt: null, line: null },",
  },
  {
    name: "queued, running: the deadline is due",
    file: BUILD_EVENTS,
    from: "return { deadlineAt, dueAt: deadlineAt };",
    to: "return { deadlineAt, dueAt: null };",
  },
  {
    name: "turn: its publication is due",
    file: RUN,
    from: "waitsSince: now,\n      dueAt: after(now, TIMING.pendingDue),",
    to: "waitsSince: now,\n      dueAt: null,",
  },
  {
    name: "admitted: its submission is due",
    file: SUBMISSION,
    from: "state: { line: null, slot, dueAt: after(now, CAPACITY.submission) },",
    to: "state: { line: null, slot, dueAt: null },",
  },
  {
    name: "retry: it is due",
    file: SETTLE,
    from: "      dueAt: due,\n",
    to: "      dueAt: null,\n",
  },
  {
    name: "retry: no more than so many attempts",
    file: SETTLE,
    from: "state.failures + 1 < RETRY_LIMITS.maxAttempts;",
    to: "state.failures + 1 < 99;",
  },
  {
    name: "retry: none after a cancel",
    file: SETTLE,
    from: "if (record.state.cancelRequestedAt !== null) return end(record, event, now);",
    to: "",
  },
  {
    name: "end: a cancel decides the status",
    file: SETTLE,
    from: "const cancelled = record.state.cancelRequestedAt !== null;",
    to: "const cancelled = false;",
  },
  {
    name: "version: raised with each change",
    file: TRANSITION,
    from: "const version = record.state.version + 1;",
    to: "const version = record.state.version;",
  },
  {
    name: "change of status: that it is told is due",
    file: TRANSITION,
    from: "const tellAt = isChange ? after(now, TIMING.tell) : record.state.tellAt;",
    to: "const tellAt = null;",
  },
  {
    name: "change of status: it is told before that is noted",
    file: "functions/attempts/tell-changes.ts",
    from: "    await publisher.publishEvent({ ...event, attributes });\n",
    to: "    void publisher.publishEvent({ ...event, attributes }).catch(() => {});\n",
  },
  {
    name: "accept: its publication is due",
    file: "shared/run/accept.ts",
    from: "dueAt: after(acceptance.now, waits ? TIMING.turnDue : TIMING.pendingDue),",
    to: "dueAt: null,",
  },
  {
    name: "conversation: one turn at a time",
    file: "shared/documents/conversation.ts",
    from: "return turns.activeRun === null",
    to: "return turns.queue !== null",
  },
];
