import { clockOf, secondsOf, usd } from "../../cli/text.ts";

test.each([
  [0, "0:00"],
  [-5, "0:00"],
  [7_900, "0:07"],
  [760_000, "12:40"],
  [10_931_000, "3:02:11"],
])("%d ms are %s on a clock", (milliseconds, text) => {
  expect(clockOf(milliseconds)).toBe(text);
});

test.each([
  ["90", 90],
  ["90s", 90],
  ["10m", 600],
  ["2h", 7200],
  ["1.5h", undefined],
  ["", undefined],
  ["-1", undefined],
  ["10 m", undefined],
])("%j is %s seconds", (text, seconds) => {
  expect(secondsOf(text)).toBe(seconds);
});

test("money has four digits, nothing has none", () => {
  expect([usd(0), usd(1.23456)]).toEqual(["$0", "$1.2346"]);
});
