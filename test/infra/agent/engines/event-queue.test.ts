import { openEventQueue } from "../../../../infra/agent/engines/event-queue.ts";
import type { AgentEvent } from "../../../../shared/documents/event.ts";

const word = (text: string | number): AgentEvent => ({ type: "text", text: String(text) });

let now = 1_000;
const clock = { now: () => now };

const numbers = (queue: ReturnType<typeof openEventQueue>): number[] =>
  queue.batch().map(({ number }) => number);

function drain(queue: ReturnType<typeof openEventQueue>) {
  const all = [];
  while (!queue.isEmpty()) {
    const batch = queue.batch();
    all.push(...batch);
    queue.remove(batch);
  }
  return all;
}

test("events are numbered from 1, come in batches of at most 100, and stay until they are removed", () => {
  const queue = openEventQueue(clock);
  for (let count = 1; count <= 150; count += 1) queue.add(word(count));
  expect(numbers(queue)).toHaveLength(100);
  expect(queue.batch()).toEqual(queue.batch());
  queue.remove(queue.batch());
  expect(numbers(queue)).toEqual(Array.from({ length: 50 }, (_, index) => 101 + index));
  queue.remove(queue.batch());
  expect(queue.isEmpty()).toBe(true);
  expect(queue.batch()).toEqual([]);
});

test("a batch of large events is a small part of what a request may have", () => {
  const queue = openEventQueue(clock);
  for (let count = 0; count < 100; count += 1) queue.add(word("\u0001".repeat(4096)));
  expect(Buffer.byteLength(JSON.stringify(queue.batch()))).toBeLessThan(300_000);
  expect(drain(queue)).toHaveLength(100);
});

test("in a full queue one event says how many were left out, and later ones come after it", () => {
  const queue = openEventQueue(clock, 5);
  for (let count = 1; count <= 8; count += 1) queue.add(word(count));
  const first = queue.batch();
  expect(first.map(({ event }) => event)).toEqual([
    ...[1, 2, 3, 4].map(word),
    word("[4 events are left out here: they came too fast.]"),
  ]);
  queue.remove(first);
  queue.add(word(9));
  expect(queue.batch()).toEqual([{ number: 6, agoMs: 0, event: word(9) }]);
});

test("each event says how long ago it happened when it is reported, also the second time", () => {
  const queue = openEventQueue(clock);
  queue.add(word("a"));
  now += 300;
  queue.add(word("b"));
  now += 50;
  expect(queue.batch().map(({ agoMs }) => agoMs)).toEqual([350, 50]);
  now += 1_000;
  expect(queue.batch().map(({ agoMs }) => agoMs)).toEqual([1_350, 1_050]);
});

test("a phase that is over before its beginning was reported is one event, else two", () => {
  const phase = (name: "claim" | "upload", state: "started" | "done"): AgentEvent => ({
    type: "phase",
    name,
    state,
  });
  const queue = openEventQueue(clock);
  for (const state of ["started", "done"] as const) queue.add(phase("claim", state));
  queue.add(phase("upload", "started"));
  const first = queue.batch();
  expect(first.map(({ event }) => event)).toEqual([
    phase("claim", "done"),
    phase("upload", "started"),
  ]);
  queue.add(phase("upload", "done"));
  expect(queue.batch().map(({ number }) => number)).toEqual([1, 2, 3]);
});

test("a phase that is one event is told when it ended", () => {
  let nowMs = 1_000;
  const queue = openEventQueue({ now: () => nowMs });
  queue.add({ type: "phase", name: "upload", state: "started" });
  nowMs += 500;
  queue.add({ type: "phase", name: "upload", state: "done", ms: 500 });
  nowMs += 100;
  expect(queue.batch()).toMatchObject([{ number: 1, agoMs: 100 }]);
});
