import { createAgenda } from "../../../../infra/emulators/pubsub/agenda.ts";
import {
  durationText,
  timestampJson,
  toTimestamp,
} from "../../../../infra/emulators/pubsub/duration.ts";
import { backoffMs, pushPauseMs } from "../../../../infra/emulators/pubsub/retry.ts";
import { fakeClock } from "../../../contract/pubsub/world.ts";

const seconds = (value: number) => ({ seconds: value });

test.each([
  [undefined, [0, 0, 0]],
  [{}, [10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000]],
  [{ minimumBackoff: seconds(1), maximumBackoff: seconds(5) }, [1000, 2000, 4000, 5000, 5000]],
  [{ minimumBackoff: { nanos: 5e8 }, maximumBackoff: seconds(1) }, [500, 1000, 1000]],
  [{ minimumBackoff: seconds(0), maximumBackoff: seconds(600) }, [0, 0, 0]],
])("the policy %j makes a message wait %j ms", (policy, expected) => {
  expect(expected.map((_, index) => backoffMs(policy, index + 1))).toEqual(expected);
});

test("the wait stays at the maximum however often a message fails", () => {
  expect(backoffMs({}, 100_000)).toBe(600_000);
});

test("pushes pause from the third failure in a row, for 100 ms to a minute", () => {
  const pauses = [0, 1, 2, 3, 4, 5, 11, 12, 13, 10_000].map(pushPauseMs);
  expect(pauses).toEqual([0, 0, 0, 100, 200, 400, 25_600, 51_200, 60_000, 60_000]);
});

test.each([
  [0, "0s"],
  [599_000, "9m59s"],
  [600_000, "10m"],
  [3_600_000, "1h"],
  [2_678_400_000, "744h"],
  [3_661_500, "1h1m1.5s"],
])("%d ms are written %s", (milliseconds, text) => {
  expect(durationText(milliseconds)).toBe(text);
});

test("times have their fraction in the JSON form, and whole seconds have none", () => {
  expect(timestampJson(1_767_323_045_678)).toBe("2026-01-02T03:04:05.678Z");
  expect(timestampJson(1_767_323_045_000)).toBe("2026-01-02T03:04:05Z");
  expect(toTimestamp(1_767_323_045_678)).toEqual({ seconds: "1767323045", nanos: 678_000_000 });
});

test("an agenda wakes each item once, at its last time, in order, with one timer", () => {
  const clock = fakeClock();
  const start = clock.now();
  const woken: [string, number][] = [];
  const agenda = createAgenda<{ name: string; wakeAtMs: number }>(clock, ({ name }) => {
    woken.push([name, clock.now() - start]);
  });
  const items = ["a", "b", "c", "d"].map((name) => ({ name, wakeAtMs: 0 }));
  for (const [index, item] of items.entries()) agenda.schedule(item, start + 400 - 100 * index);
  const [a, b, c] = items;
  if (!a || !b || !c) throw new Error("unreachable");
  agenda.schedule(b, start + 150);
  agenda.schedule(c, start + 900);
  agenda.cancel(a);
  expect(clock.waiting()).toBe(1);
  clock.advance(1000);
  expect(woken).toEqual([
    ["d", 100],
    ["b", 150],
    ["c", 900],
  ]);
  expect(clock.waiting()).toBe(0);
});

test("an agenda keeps its order with many items", () => {
  const clock = fakeClock();
  const start = clock.now();
  const woken: number[] = [];
  const agenda = createAgenda<{ wakeAtMs: number }>(clock, () => woken.push(clock.now() - start));
  const delays = Array.from({ length: 500 }, (_, i) => (i * 7919) % 1000);
  for (const delay of delays) agenda.schedule({ wakeAtMs: 0 }, start + delay);
  clock.advance(1000);
  expect(woken).toEqual(delays.toSorted((a, b) => a - b));
});
