import { prefersAsync, waitSecondsOf } from "../../../../functions/api/accept/prefer.ts";
import { STREAMS } from "../../../../shared/limits.ts";

test.each<[string | undefined, number]>([
  [undefined, 0],
  ["", 0],
  ["wait=10", 10],
  ["wait=0", 0],
  ["Wait = 10", 10],
  ['wait="10"', 10],
  ["respond-async", 0],
  ["respond-async, wait=10", 10],
  ["wait=10, respond-async", 10],
  ["return=minimal; foo=bar, wait=7; some", 7],
  ['foo="a, wait=9"; bar="\\", wait=8", wait=7', 7],
  [", ,wait=3", 3],
  ["wait=1, wait=2", 1],
  ["wait=301", STREAMS.waitSeconds],
  [`wait=${"9".repeat(400)}`, STREAMS.waitSeconds],
  ["wait", 0],
  ["wait=", 0],
  ["wait=-1", 0],
  ["wait=1.5", 0],
  ["wait=1e2", 0],
  ["wait=x, wait=5", 0],
  ["await=5", 0],
  ['foo="unterminated, wait=5', 0],
  ["wait=5; wait=6", 5],
])("Prefer: %s is a wait of %i s", (header, seconds) => {
  expect(waitSecondsOf(header)).toBe(seconds);
});

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ["respond-async", true],
  ["wait=10, Respond-Async; x=y", true],
  ['foo="respond-async"', false],
  ["respond-asynchronously", false],
])("Prefer: %s asks for an answer at once: %s", (header, expected) => {
  expect(prefersAsync(header)).toBe(expected);
});

test("a long header that is malformed costs no time", () => {
  const start = process.cpuUsage();
  for (const text of ['"\\"', ", ;= ", ' "', "wait="]) waitSecondsOf(text.repeat(16_000));
  expect(process.cpuUsage(start).user).toBeLessThan(500_000);
});
