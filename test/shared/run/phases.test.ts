import type { AgentEvent } from "../../../shared/documents/event.ts";
import type { RunEvent } from "../../../shared/run/record.ts";
import { next } from "../../../shared/run/run.ts";
import {
  at,
  BUILD,
  changed,
  claimed,
  makeRunsInEveryPhase,
  OTHER_BUILD,
  settled,
} from "../../support/make-run.ts";

const RUNS = makeRunsInEveryPhase();
const working = (seconds: number, build = BUILD): RunEvent => ({
  type: "working",
  attempt: 1,
  build,
  since: at(seconds),
});
const reported = (...events: AgentEvent[]): RunEvent => ({
  type: "progress",
  attempt: 1,
  build: BUILD,
  text: "x",
  turn: 1,
  events: events.map((event, index) => ({ number: index + 1, agoMs: 10 * index, event })),
});

describe("phases", () => {
  test("of a build that is seen to start are the queue and the fetching of its image", () => {
    const started = changed(RUNS.queued, working(7), at(8));
    expect(started.record.run).toMatchObject({
      status: "queued",
      why: "Cloud Build has started the build; its image is being fetched.",
      phases: [{ name: "queue", ms: 7_000 }],
    });
    expect(started.events.map(({ event }) => event)).toEqual([
      { type: "phase", name: "queue", state: "done", ms: 7_000 },
      { type: "phase", name: "image", state: "started" },
    ]);
    const running = changed(started.record, claimed, at(9));
    expect(running.record.run.phases).toEqual([
      { name: "queue", ms: 7_000 },
      { name: "image", ms: 2_000 },
    ]);
    expect(running.events[0]?.event).toEqual({
      type: "phase",
      name: "image",
      state: "done",
      ms: 2_000,
    });
  });

  test("of one whose start nobody saw are the queue alone", () => {
    expect(changed(RUNS.queued, claimed, at(9)).record.run.phases).toEqual([
      { name: "queue", ms: 9_000 },
    ]);
  });

  test.each(["submitting", "running", "cancelling", "succeeded"] as const)(
    "a start that is told to a run that is %s says nothing",
    (phase) => {
      expect(next(RUNS[phase], working(7), at(8)).changed).toBe(false);
    },
  );

  test("nor does one that is told again, or of another build", () => {
    const started = changed(RUNS.queued, working(7), at(8)).record;
    expect(next(started, working(7), at(9)).changed).toBe(false);
    expect(next(RUNS.queued, working(7, OTHER_BUILD), at(8)).changed).toBe(false);
  });

  test("that clocks put the wrong way round took no time", () => {
    expect(changed(RUNS.queued, working(-5), at(8)).record.run.phases[0]?.ms).toBe(0);
  });

  test("of the runner are the run's as they are reported, and at the end as its manifest has them", () => {
    const events: AgentEvent[] = [
      { type: "phase", name: "claim", state: "done", ms: 40 },
      { type: "phase", name: "agent", state: "started" },
    ];
    const { record } = changed(
      changed(RUNS.queued, claimed, at(9)).record,
      reported(...events),
      at(12),
    );
    const queue = { name: "queue", ms: 9_000 };
    expect(record.run.phases).toEqual([queue, { name: "claim", ms: 40 }]);
    const phases = [
      { name: "claim" as const, ms: 41 },
      { name: "agent" as const, ms: 500 },
    ];
    const verdict = { outcome: "succeeded" as const, message: "Done.", deniedTools: [] };
    const end = settled("succeeded", { settlement: { verdict, phases } });
    expect(changed(record, end, at(20)).record.run.phases).toEqual([queue, ...phases]);
    expect(changed(record, settled("build_lost"), at(20)).record.run.phases).toEqual([]);
  });

  test("are no more than there can be, however many are reported", () => {
    const many = Array.from({ length: 90 }, () => ({
      type: "phase" as const,
      name: "claim" as const,
      state: "done" as const,
      ms: 1,
    }));
    expect(changed(RUNS.running, reported(...many)).record.run.phases).toHaveLength(18);
  });
});

test("what the agent changes is the run's while it works", () => {
  const counts = { files: 2, added: 30, removed: 4 };
  const first: AgentEvent = { type: "changes", files: 1, added: 1, removed: 0 };
  const { run } = changed(RUNS.running, reported(first, { type: "changes", ...counts })).record;
  expect(run.changes).toEqual(counts);
});

test("each event is later than the one before, and as long ago as it was said to be", () => {
  const words = Array.from(
    { length: 3 },
    (_, index): AgentEvent => ({ type: "text", text: `${index}` }),
  );
  const report = (agoMs: number[], first = 1): RunEvent => ({
    ...(reported() as Extract<RunEvent, { type: "progress" }>),
    events: words.map((event, index) => ({
      number: first + index,
      agoMs: agoMs[index] ?? 0,
      event,
    })),
  });
  const once = changed(RUNS.running, report([900, 900, 0]), at(10));
  const offsets = (events: typeof once.events) =>
    events.map((event) => event.at.getTime() - at(10).getTime());
  expect(offsets(once.events)).toEqual([-900, -899, 0]);
  const again = changed(once.record, report([5_000, 10, 0], 4), at(10));
  expect(offsets(again.events)).toEqual([1, 2, 3]);
});
