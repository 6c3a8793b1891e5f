import { type Event, eventDocuments, eventsIn } from "../../../shared/documents/event.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import type { RunEvent, RunRecord } from "../../../shared/run/record.ts";
import { next } from "../../../shared/run/run.ts";
import { at, BUILD, makeRunsInEveryPhase, settled } from "../../support/make-run.ts";

const RUNNING = makeRunsInEveryPhase().running;

function report(numbers: number[], text = "works"): RunEvent {
  const events = numbers.map((number) => ({
    number,
    event: { type: "text", text: `event ${number}` } as const,
  }));
  return { type: "progress", attempt: 1, build: BUILD, text, turn: 1, events };
}

function changed(record: RunRecord, event: RunEvent, seconds = 10) {
  const transition = next(record, event, at(seconds));
  if (!transition.changed) throw new Error(transition.reason);
  return transition;
}

test("each transition and each reported event has the next id of one ordered list", () => {
  const reported = changed(RUNNING, report([1, 2]));
  const first = RUNNING.state.events + 1;
  expect(reported.events.map(({ id }) => id)).toEqual([
    `1-${String(first).padStart(6, "0")}`,
    `1-${String(first + 1).padStart(6, "0")}`,
  ]);
  const ended = changed(reported.record, settled("succeeded"));
  expect(ended.events).toMatchObject([
    {
      id: `1-${String(first + 2).padStart(6, "0")}`,
      event: { type: "status", status: "succeeded" },
    },
  ]);
});

test("an event that was reported before is not taken again", () => {
  const once = changed(RUNNING, report([1, 2]));
  const twice = changed(once.record, report([1, 2, 3]), 20);
  expect(twice.events.map(({ event }) => event)).toEqual([{ type: "text", text: "event 3" }]);
});

test("events are taken although the progress is too recent to be shown", () => {
  const first = changed(RUNNING, report([1], "first"));
  const soon = next(first.record, report([2], "second"), at(10.5));
  expect(soon).toMatchObject({ changed: true, events: [{ event: { text: "event 2" } }] });
  expect(soon.changed && soon.record.run.progress?.text).toBe("first");
  expect(next(first.record, report([], "third"), at(10.5)).changed).toBe(false);
});

test("the claim and the first events are one change", () => {
  const { queued } = makeRunsInEveryPhase();
  const { record, events } = changed(queued, report([1]));
  expect(record.run.status).toBe("running");
  expect(record.state.version).toBe(queued.state.version + 1);
  expect(events.map(({ event }) => event.type)).toEqual(["phase", "status", "text"]);
});

test("a run has a bounded number of events, and the last of the agent's says what is missing", () => {
  const events = RUN_LIMITS.events - 2;
  const almost = { ...RUNNING, state: { ...RUNNING.state, events } };
  const full = changed(almost, report([1, 2, 3, 4]));
  expect(full.events.map(({ event }) => event)).toEqual([
    { type: "text", text: "event 1" },
    { type: "text", text: "(This run's later events are left out.)" },
  ]);
  const after = changed(full.record, report([5]), 20);
  expect(after.events).toEqual([]);
  expect(changed(after.record, settled("succeeded")).events).toHaveLength(1);
});

test("the next attempt's events are counted anew by its build and go on in the list", () => {
  const { record } = changed(RUNNING, report([1, 2, 3]));
  const again = changed(record, settled("build_lost")).record;
  expect(again.state.reported).toBe(0);
  expect(again.state.events).toBe(record.state.events + 1);
});

const eventOf = (number: number, text = `event ${number}`): Event => ({
  ...{ id: `1-${String(number).padStart(6, "0")}`, schemaVersion: 1, owner: "o", runId: "run_1" },
  ...{ at: at(number), expireAt: at(3600), event: { type: "text", text } },
});
const eventsOf = (count: number, text?: string): Event[] =>
  Array.from({ length: count }, (_, index) => eventOf(index + 1, text));

test("what one commit adds is one document, which is the last event and holds those before it", () => {
  const events = eventsOf(3);
  const [document, ...more] = eventDocuments(events);
  expect(more).toEqual([]);
  const earlier = events.slice(0, 2).map(({ id, at, event }) => ({ id, at, event }));
  expect(document).toEqual({ ...eventOf(3), earlier });
  expect(eventsIn(document ?? eventOf(0))).toEqual(events);
});

test("an event by itself is its document, as each was before", () => {
  expect(eventDocuments(eventsOf(1))).toEqual(eventsOf(1));
  expect(eventsIn(eventOf(1))).toEqual([eventOf(1)]);
  expect(eventDocuments([])).toEqual([]);
});

test("no document outgrows its bound, and none of the events is lost", () => {
  const events = eventsOf(RUN_LIMITS.reportedEvents, "ü".repeat(RUN_LIMITS.eventTextBytes));
  const documents = eventDocuments(events);
  expect(documents.flatMap(eventsIn)).toEqual(events);
  for (const document of documents) {
    expect(JSON.stringify(document).length).toBeLessThan(RUN_LIMITS.eventDocumentBytes);
  }
  expect(documents.length).toBeLessThan(events.length / 4);
});
