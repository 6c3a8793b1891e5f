import { EXIT, exitCodeOf, firstOther } from "../../cli/exit-codes.ts";

const ended = (status: string, more: object = {}) => ({
  status,
  verdict: { outcome: status, deniedTools: [] },
  output: null,
  ...more,
});

test.each([
  ["succeeded", 0],
  ["failed", 1],
  ["expired", 1],
  ["cancelled", 5],
  ["timed_out", 124],
  ["some_new_status", 1],
])("a run that is %s ends the command with %d", (status, code) => {
  expect(exitCodeOf(ended(status))).toBe(code);
  expect(exitCodeOf(ended(status), true)).toBe(code);
});

test.each([
  ["denied tools", { verdict: { outcome: "succeeded_with_denials", deniedTools: ["Bash"] } }],
  ["files that are not kept", { output: { omitted: { files: [{}], moreFiles: 0 } } }],
])("a success with %s is one, unless it is to be strict", (_name, more) => {
  expect(exitCodeOf(ended("succeeded", more))).toBe(0);
  expect(exitCodeOf(ended("succeeded", more), true)).toBe(4);
});

test("what git ignores is no omission", () => {
  const output = { omitted: { files: [], moreFiles: 0 } };
  expect(exitCodeOf(ended("succeeded", { output }), true)).toBe(0);
});

test("of several runs the first that is no success decides", () => {
  expect(firstOther([])).toBe(0);
  expect(firstOther([EXIT.done, EXIT.cancelled, EXIT.failed])).toBe(5);
});
