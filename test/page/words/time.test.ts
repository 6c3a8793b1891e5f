import {
  clockText,
  countedText,
  dayStart,
  durationText,
  timeText,
  unbroken,
  utcText,
  writtenSeconds,
} from "../../../page/words/time.ts";

test.each([
  [0, "0.0 s"],
  [200, "0.2 s"],
  [6_140, "6.1 s"],
  [9_949, "9.9 s"],
  [9_950, "10 s"],
  [38_400, "38 s"],
  [59_700, "1 m 00 s"],
  [252_000, "4 m 12 s"],
  [7_500_000, "2 h 05 m"],
  [-50, "0.0 s"],
])("%d ms took %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test("what takes so far counts whole seconds, and never back", () => {
  expect([999, 1000, 59_999, 60_000].map(countedText)).toEqual(["0 s", "1 s", "59 s", "1 m 00 s"]);
  expect(countedText(-3000)).toBe("0 s");
});

test("an instant is a time today, a day this year, and has its year before that", () => {
  const now = new Date(2026, 10, 29, 14, 30).getTime();
  const told = (...at: [number, number, number, number, number]) =>
    timeText(new Date(...at).toISOString(), now);
  expect(told(2026, 10, 29, 9, 5)).toBe("09:05");
  expect(told(2026, 10, 28, 23, 59)).toBe("28 Nov");
  expect(told(2025, 10, 28, 12, 0)).toBe("28 Nov 2025");
  expect(clockText(new Date(2026, 10, 29, 14, 6, 3).getTime())).toBe("14:06:03");
  expect(utcText("2026-11-29T14:02:07.123Z")).toBe("2026-11-29 14:02:07 UTC");
});

test.each([
  ["90", 90],
  ["90 s", 90],
  ["20 min", 1200],
  ["1 h 30 min", 5400],
  ["1.5h", 5400],
  ["20 minuts", undefined],
  ["soon", undefined],
  ["", undefined],
  ["5 min!", undefined],
])("a time written as %j is %d seconds", (text, seconds) => {
  expect(writtenSeconds(text)).toBe(seconds);
});

test("a day begins where the reader is, and is written as the API writes instants", () => {
  const now = new Date(2026, 10, 30, 14, 2).getTime();
  expect(dayStart(now, 0)).toBe(new Date(2026, 10, 30).toISOString());
  expect(dayStart(now, 1)).toBe(new Date(2026, 10, 29).toISOString());
});

test.each([
  ["Done in 4 m 55 s: 1 file changed", "Done in 4_m_55_s: 1 file changed"],
  ["half wait less than 24 s", "half wait less than 24_s"],
  ["1,024 of 1,100; 80.0 % before", "1,024 of 1,100; 80.0_% before"],
  ["Continue from 4 messages", "Continue from 4 messages"],
])("%s has no break within a duration", (words, joined) => {
  expect(unbroken(words).replaceAll("\u00a0", "_")).toBe(joined);
});
