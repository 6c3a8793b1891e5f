import { RETRY_LIMITS, TIMING } from "../../../shared/limits.ts";
import type { RunEvent, RunRecord, RunState } from "../../../shared/run/record.ts";
import { next } from "../../../shared/run/run.ts";
import {
  after,
  at,
  BUILD,
  cancel,
  changed,
  claimed,
  deferred,
  lease,
  makeRunsInEveryPhase,
  NEXT,
  OTHER_BUILD,
  SLOT,
  settled,
  submitted,
} from "../../support/make-run.ts";

type Phase = RunState["phase"];
const RUNS = makeRunsInEveryPhase();
const PHASES = Object.keys(RUNS) as Phase[];
const FINAL: Phase[] = ["succeeded", "failed", "timed_out", "cancelled", "expired"];

/** The room that an attempt's end makes. */
const ADMIT = { type: "admit", machineType: "E2_STANDARD_2" };
const TELL = { type: "tell" };

const EVENTS: Record<RunEvent["type"], RunEvent> = {
  lease,
  park: { type: "park", attempt: 1 },
  admit: { type: "admit", attempt: 1, slot: "t.E2_STANDARD_2.0" },
  deferred,
  submitted,
  working: { type: "working", attempt: 1, build: BUILD, since: at(10) },
  claimed,
  progress: { type: "progress", attempt: 1, build: BUILD, text: "Write a", turn: 1, events: [] },
  turn: { type: "turn", restore: null },
  cancel,
  settled: settled("succeeded"),
  buildOver: { type: "buildOver" },
  placed: { type: "placed", in: "archive" },
  postponed: { type: "postponed", seconds: 80 },
  visitFailed: { type: "visitFailed" },
  told: { type: "told", version: 1 },
  finished: { type: "finished", attempt: 1 },
  // None of these runs is delivered.
  deliveryTaken: { type: "deliveryTaken" },
  deliveryAsked: { type: "deliveryAsked" },
  deliveryPutOff: { type: "deliveryPutOff", tries: 1, cause: "it is away", retryAfterSeconds: 0 },
  pullRequestAsked: { type: "pullRequestAsked" },
  pullRequestPutOff: { type: "pullRequestPutOff", retryAfterSeconds: 0 },
  pullRequestSeen: { type: "pullRequestSeen", url: "", seen: { state: "open", conflict: null } },
  delivered: { type: "delivered", tries: 1, result: { delivery: "done", why: "Delivered." } },
};

/** Every legal edge: from, event, to. All that is not here is refused. */
const EDGES: readonly (readonly [Phase, RunEvent["type"], Phase])[] = [
  ["pending", "park", "pending"],
  ["pending", "lease", "submitting"],
  ["pending", "cancel", "cancelled"],
  ["pending", "claimed", "running"],
  ["pending", "progress", "running"],
  ["pending", "postponed", "pending"],
  ["submitting", "deferred", "pending"],
  ["submitting", "submitted", "queued"],
  ["submitting", "claimed", "running"],
  ["submitting", "progress", "running"],
  ["submitting", "cancel", "cancelling"],
  ["submitting", "settled", "succeeded"],
  ["submitting", "postponed", "submitting"],
  ["queued", "working", "queued"],
  ["queued", "claimed", "running"],
  ["queued", "progress", "running"],
  ["queued", "cancel", "cancelling"],
  ["queued", "settled", "succeeded"],
  ["queued", "postponed", "queued"],
  ["running", "progress", "running"],
  ["running", "cancel", "cancelling"],
  ["running", "settled", "succeeded"],
  ["running", "postponed", "running"],
  ["cancelling", "progress", "cancelling"],
  ["cancelling", "settled", "cancelled"],
  ["cancelling", "postponed", "cancelling"],
  ...FINAL.flatMap(
    (phase) =>
      [
        [phase, "placed", phase],
        // The changes of its status are still to be told.
        [phase, "visitFailed", phase],
      ] as const,
  ),
  ...PHASES.map((phase) => [phase, "told", phase] as const),
  ...(["pending", "submitting", "queued", "running", "cancelling"] as const).flatMap(
    (phase) =>
      [
        [phase, "visitFailed", phase],
        [phase, "finished", phase],
      ] as const,
  ),
];

describe("the state machine", () => {
  const combinations = PHASES.flatMap((phase) =>
    (Object.keys(EVENTS) as RunEvent["type"][]).map((type) => [phase, type] as const),
  );
  const edgeOf = (phase: Phase, type: string) =>
    EDGES.find(([from, event]) => from === phase && event === type);

  test.each(combinations)("%s, %s: goes where the table says or is refused", (phase, type) => {
    const record = RUNS[phase];
    const transition = next(record, EVENTS[type], at(10));
    const edge = edgeOf(phase, type);
    if (edge === undefined) {
      expect(transition.changed).toBe(false);
      return;
    }
    if (!transition.changed) throw new Error(`refused: ${transition.reason}`);
    expect(transition.record.state.phase).toBe(edge[2]);
    expect(transition.record.state.version).toBe(record.state.version + 1);
  });

  test("every accepted change raises the version by one and history repeats it", () => {
    const { run, state } = RUNS.succeeded;
    expect(run.history.map((entry) => entry.version)).toEqual([1, 2, 3, 4, 5]);
    expect(state.version).toBe(5);
    expect(run.history.map((entry) => entry.status)).toEqual([
      "pending",
      "pending",
      "queued",
      "running",
      "succeeded",
    ]);
  });

  test("submitting is shown as pending", () => {
    expect(RUNS.submitting.run.status).toBe("pending");
  });

  test.each(FINAL)("nothing changes the status, result or error of a run that %s", (phase) => {
    for (const event of Object.values(EVENTS)) {
      const transition = next(RUNS[phase], event, at(100));
      if (!transition.changed) continue;
      const { archivedAt: _, updatedAt: __, ...run } = transition.record.run;
      expect(RUNS[phase].run).toMatchObject(run);
    }
  });

  test.each(PHASES)(
    "dueAt is absent exactly when the run is over and owes nothing: %s",
    (phase) => {
      expect(RUNS[phase].state.dueAt === null).toBe(FINAL.includes(phase));
    },
  );
});

describe("leases", () => {
  test("a lease lasts until its end, when the sweep comes", () => {
    const { state } = changed(RUNS.pending, lease, at(10)).record;
    expect(state.leaseUntil).toEqual(at(10 + TIMING.lease));
    expect(state.dueAt).toEqual(state.leaseUntil);
  });

  test("a second delivery gets no lease", () => {
    expect(next(RUNS.submitting, lease, at(10))).toMatchObject({ changed: false, effects: [] });
  });

  test("a deferred attempt waits in its line, and takes a lease with the slot that it is given", () => {
    const waiting = changed(RUNS.submitting, EVENTS.deferred);
    expect(waiting.record.run.why).toBe("Waiting for a build slot: over quota.");
    expect(waiting.slot).toMatchObject({ id: SLOT.id, event: { type: "over" } });
    expect(next(waiting.record, lease, at(60)).changed).toBe(false);
    const admitted = changed(waiting.record, { type: "admit", attempt: 1, slot: "t.E.7" });
    expect(admitted.slot).toMatchObject({ id: "t.E.7", event: { type: "take" } });
    expect(admitted.record.state).toMatchObject({ line: null, slot: "t.E.7" });
    expect(next(admitted.record, lease, at(60)).changed).toBe(false);
    const leased = changed(admitted.record, {
      ...lease,
      slot: { ...SLOT, id: "t.E.7" },
    } as RunEvent);
    expect(leased).toMatchObject({ slot: { event: { type: "lease" } }, creates: SLOT.target });
  });

  test("a submission that was refused hands its input and its token on to the next", () => {
    const input = { bucket: "b", object: "o", generation: "1" };
    const waiting = changed(RUNS.submitting, { ...deferred, input } as RunEvent).record;
    const admitted = changed(waiting, { type: "admit", attempt: 1, slot: SLOT.id }).record;
    const { state } = changed(admitted, {
      ...lease,
      progressTokenHash: "other",
    } as RunEvent).record;
    expect(state).toMatchObject({ input, progressTokenHash: "token" });
  });

  test("a message of another attempt gets no lease", () => {
    expect(next(RUNS.pending, { ...lease, attempt: 2 } as RunEvent, at(10)).changed).toBe(false);
  });
});

describe("live builds that must not live are cancelled", () => {
  const stray = { ...submitted, build: OTHER_BUILD } as RunEvent;
  const cases: [string, RunRecord, RunEvent][] = [
    ["the run is over", RUNS.cancelled, submitted],
    ["another build is known", RUNS.queued, stray],
    ["the attempt is not the run's", RUNS.pending, { ...submitted, attempt: 7 } as RunEvent],
    ["progress of a run that is over", RUNS.failed, EVENTS.progress],
  ];
  test.each(cases)("%s", (_name, record, event) => {
    const build = "build" in event ? event.build : BUILD;
    expect(next(record, event, at(10))).toMatchObject({
      changed: false,
      effects: [{ type: "cancelBuild", build }],
    });
  });

  test("but not the run's own, however often it is named", () => {
    expect(next(RUNS.queued, submitted, at(10))).toMatchObject({ changed: false, effects: [] });
  });
});

describe("cancel", () => {
  test("before any lease ends the run at once", () => {
    const { run, state } = changed(RUNS.pending, cancel).record;
    expect(run).toMatchObject({ status: "cancelled", done: true, finishedAt: at(10) });
    expect(state.dueAt).toBeNull();
  });

  test("after a lease needs the attempt to be settled, even back in pending", () => {
    const deferred = changed(RUNS.submitting, EVENTS.deferred).record;
    for (const record of [RUNS.submitting, RUNS.queued, RUNS.running, deferred]) {
      const transition = changed(record, cancel);
      expect(transition.record.state.phase).toBe("cancelling");
      expect(transition.effects).toEqual([{ type: "stopAttempt" }, TELL]);
    }
  });

  test("committed before the decision decides the status; the result is kept", () => {
    const result = {
      output: null,
      changes: null,
      artifacts: [],
      isolation: "none",
      conversation: { session: "new", remark: "" },
      usage: { costUsd: 1, inputTokens: 2, outputTokens: 3, turns: 4, incomplete: false },
    } as const;
    const event = settled("succeeded", {
      settlement: {
        verdict: { outcome: "succeeded", message: "Done.", deniedTools: [] },
        result: { ...result, artifacts: [] },
      },
    });
    const { run } = changed(RUNS.cancelling, event).record;
    expect(run).toMatchObject({ status: "cancelled", error: null, usage: { costUsd: 1 } });
    expect(run.verdict?.outcome).toBe("succeeded");
  });

  test("is never followed by another attempt", () => {
    const { run } = changed(RUNS.cancelling, settled("build_lost")).record;
    expect(run.status).toBe("cancelled");
  });

  test("a build that shows up while cancelling is told to stop", () => {
    const cancelling = after(RUNS.submitting, cancel);
    const transition = changed(cancelling, submitted);
    expect(transition.effects).toEqual([{ type: "stopAttempt" }]);
    expect(transition.record.state.build).toEqual(BUILD);
  });
});

describe("retry", () => {
  test("a cause outside the request starts the next attempt with fresh names", () => {
    const transition = changed(RUNS.running, settled("build_lost"));
    const { run, state } = transition.record;
    expect(run).toMatchObject({ status: "pending", attempt: 2, done: false, progress: null });
    const { chance: _chance, ...names } = NEXT;
    expect(state).toMatchObject({ attempt: 2, ...names, leaseTaken: false, build: null });
    expect(transition.effects).toEqual([{ type: "publish" }, ADMIT, TELL]);
    expect(transition.slot).toMatchObject({ id: SLOT.id, event: { type: "over" } });
  });

  test("the second retry waits for its backoff instead of being published", () => {
    const once = { ...RUNS.running, state: { ...RUNS.running.state, failures: 1 } };
    const transition = changed(once, settled("build_lost"), at(10));
    expect(transition.effects).toEqual([ADMIT, TELL]);
    expect(transition.record.state.notBefore).toEqual(at(40));
  });

  test("attempts are bounded", () => {
    const failures = RETRY_LIMITS.maxAttempts - 1;
    const last = { ...RUNS.running, state: { ...RUNS.running.state, failures } };
    const { run } = changed(last, settled("build_lost")).record;
    expect(run).toMatchObject({ status: "failed", error: { code: "build_lost", retryable: true } });
  });

  test("a lost submission does not count as a failed attempt, but not without end", () => {
    const { state } = changed(RUNS.submitting, settled("submission_lost")).record;
    expect(state).toMatchObject({ failures: 0, lostSubmissions: 1, attempt: 2 });
    const often = {
      ...RUNS.submitting,
      state: { ...RUNS.submitting.state, lostSubmissions: RETRY_LIMITS.maxLostSubmissions },
    };
    expect(changed(often, settled("submission_lost")).record.run.status).toBe("failed");
  });

  test("a cause inside the request is final", () => {
    expect(changed(RUNS.running, settled("max_turns")).record.run).toMatchObject({
      status: "failed",
      error: { code: "max_turns", kind: "limit", retryable: false },
    });
  });
});

describe("what a finished run still owes", () => {
  // Of before there were slots, which outlive their runs.
  const slotless = { ...RUNS.queued, state: { ...RUNS.queued.state, slot: null } };
  const owing = changed(slotless, settled("build_rejected", { liveBuild: BUILD })).record;

  test("a live build is cancelled and seen to its end", () => {
    expect(owing.state).toMatchObject({
      obligations: ["build"],
      dueAt: at(10 + TIMING.cancelStep),
    });
    const postponed = changed(owing, EVENTS.postponed).record;
    expect(postponed.state.dueAt).toEqual(at(90));
    const { state } = changed(postponed, EVENTS.buildOver).record;
    expect(state).toMatchObject({ obligations: [], dueAt: null });
  });

  test("seeing it through does not touch the public document", () => {
    expect(changed(owing, EVENTS.buildOver).record.run).toEqual(owing.run);
  });
});
