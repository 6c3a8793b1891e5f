import { checkFaults, roundsOf } from "../../../shared/agent/checks.ts";
import { AgentSettings } from "../../../shared/agent/settings.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";

const validate = validatorOf(AgentSettings);
const unit = { name: "unit", command: "npm test" };

test("a check that is named as another is refused where it stands", () => {
  expect(checkFaults({})).toEqual([]);
  expect(checkFaults({ checks: [unit, { ...unit, name: "lint" }] })).toEqual([]);
  expect(checkFaults({ checks: [unit, { ...unit, name: "lint" }, unit] })).toEqual([
    { pointer: "/checks/2/name", detail: "is the name of another check: unit" },
  ]);
});

test.each<[string, object[], boolean]>([
  ["a name and a command", [unit], true],
  ["everything", [{ ...unit, timeoutSeconds: 60, required: false }], true],
  ["no command", [{ name: "unit" }], false],
  ["an empty command", [{ ...unit, command: "" }], false],
  ["too long a command", [{ ...unit, command: "x".repeat(8193) }], false],
  ["a name of control characters", [{ ...unit, name: "a\u001b[2J" }], false],
  ["too long a name", [{ ...unit, name: "x".repeat(51) }], false],
  ["no time at all", [{ ...unit, timeoutSeconds: 0 }], false],
  ["too much time", [{ ...unit, timeoutSeconds: 24 * 3600 }], false],
  ["a field that there is not", [{ ...unit, onFailure: "again" }], false],
  ["too many", Array.from({ length: 21 }, (_, i) => ({ ...unit, name: `c${i}` })), false],
])("checks with %s: %p", (_name, checks, isValid) => {
  expect(validate({ checks }).ok).toBe(isValid);
});

test.each<[unknown, boolean, number?]>([
  ["stop", true, 1],
  ["again", true, 2],
  [{ again: 5 }, true, 6],
  [{ again: 6 }, false],
  [{ again: 0 }, false],
  [{ again: 1, more: 1 }, false],
  ["often", false],
])("onFailure %p", (onFailure, isValid, rounds) => {
  const settings = { checks: [unit], onFailure } as AgentSettings;
  expect(validate(settings).ok).toBe(isValid);
  if (rounds !== undefined) expect(roundsOf(settings)).toBe(rounds);
});

test("what happens when a check fails is refused where none can, and said in words", () => {
  const optional = { ...unit, required: false };
  const fault = {
    pointer: "/onFailure",
    detail: "is about required checks, and there are none: add one to checks",
  };
  expect(checkFaults({ onFailure: "again" })).toEqual([fault]);
  expect(checkFaults({ onFailure: { again: 2 }, checks: [optional] })).toEqual([fault]);
  expect(checkFaults({ onFailure: "again", checks: [optional, { ...unit, name: "x" }] })).toEqual(
    [],
  );
  expect(checkFaults({ onFailure: "stop" })).toEqual([]);
  const detail = expect.stringMatching(/^must be "stop", "again", or \{"again": N\} for N times/);
  for (const onFailure of ["often", 3]) {
    expect(validate({ onFailure })).toMatchObject({ faults: [{ pointer: "/onFailure", detail }] });
  }
});
