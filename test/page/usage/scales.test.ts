import { dayText, dayTicks, durationScale, roundScale } from "../../../page/usage/scales.ts";

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
