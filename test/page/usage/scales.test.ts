import {
  apart,
  dayText,
  dayTicks,
  durationScale,
  heightOf,
  indexAt,
  middleOf,
  roundScale,
  stacked,
} from "../../../page/usage/scales.ts";

test.each([
  [38, ["0", "10", "20", "30", "40"]],
  [0.9, ["0", "0.25", "0.5", "0.75", "1"]],
  [4, ["0", "1", "2", "3", "4"]],
  [73, ["0", "20", "40", "60", "80"]],
  [100, ["0", "25", "50", "75", "100"]],
])("%d lies under round lines, at most five", (most, words) => {
  expect(roundScale(most, String).words).toEqual(words);
});

test.each([
  [
    [29_000, 131_000],
    ["10 s", "1 min", "5 min"],
  ],
  [
    [24_000, 600_000],
    ["10 s", "1 min", "5 min", "20 min"],
  ],
  [
    [100, 3_600_000],
    ["0.1 s", "1 s", "10 s", "5 min", "1 h"],
  ],
  [
    [1000, 1000],
    ["1 s", "3 s"],
  ],
  [[], ["1 s", "3 s", "10 s", "1 min"]],
])("%j lie between durations that people say", (values, words) => {
  const scale = durationScale(values);
  expect(scale.words).toEqual(words);
  if (values.length === 0) return;
  expect(scale.ticks[0]).toBeLessThanOrEqual(Math.min(...values));
  expect(scale.ticks.at(-1)).toBeGreaterThanOrEqual(Math.max(...values));
});

test("at most five days are written, the last among them", () => {
  expect(dayTicks(30)).toEqual([1, 8, 15, 22, 29]);
  expect(dayTicks(7)).toEqual([0, 2, 4, 6]);
  expect(dayTicks(1)).toEqual([0]);
  expect(dayTicks(90)).toHaveLength(5);
  expect(dayText("2026-11-08")).toBe("8 Nov");
});

test("a value stands in proportion on a round scale, by its factor on one of durations", () => {
  expect([0, 10, 30, 40].map((value) => heightOf(value, roundScale(38, String)))).toEqual([
    0, 0.25, 0.75, 1,
  ]);
  const scale = durationScale([1000, 60_000]);
  expect(scale.words).toEqual(["1 s", "3 s", "10 s", "1 min"]);
  expect(heightOf(Math.sqrt(60) * 1000, scale)).toBeCloseTo(0.5);
  expect([1, 1e9].map((value) => heightOf(value, scale))).toEqual([0, 1]);
});

test("a pointer is at the day over whose middle it stands, or at the nearest", () => {
  expect([0, 6].map((index) => indexAt(middleOf(index, 7), 7))).toEqual([0, 6]);
  expect([-0.2, 0, 0.999, 1.3].map((share) => indexAt(share, 7))).toEqual([0, 0, 6, 6]);
});

test("bars stand on each other, the first at the foot", () => {
  const feet = stacked([
    [1, 0],
    [2, 3],
  ]);
  expect(feet).toEqual([
    [
      [0, 1],
      [0, 0],
    ],
    [
      [1, 3],
      [0, 3],
    ],
  ]);
});

test("names that would lie on each other are moved apart, upwards", () => {
  expect(apart([0.52, 0.5], 0.07)).toEqual([0.5 + 0.07, 0.5]);
  expect(apart([0.9, 0.5], 0.07)).toEqual([0.9, 0.5]);
});
