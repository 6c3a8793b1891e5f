import { matchesGlob } from "node:path";
import { AgentSettings } from "../../../shared/agent/settings.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";

const validate = validatorOf(AgentSettings);

test.each<[string, boolean]>([
  ["dist/**", true],
  ["report.html", true],
  ["**/target/**/*.jar", true],
  ["packages/{a,b}/dist/[a-z]?.js", true],
  ["@scope/a+b ä.txt", true],
  ["", false],
  ["/etc/passwd", false],
  ["../outside", false],
  ["a/../../b", false],
  ["a\u2028/../../b", false],
  ["./a", false],
  ["a/./b", false],
  ["a//b", false],
  ["dist/", false],
  ["a\\b", false],
  ["!(a|b)", false],
  ["**/*a*b*c*d", false],
  ["{1..9999999}", false],
  ["{a,b}{a,b}{a,b}", false],
  ["a\nb", false],
  ["x".repeat(201), false],
])("artifacts: %p", (pattern, isValid) => {
  expect(validate({ artifacts: [pattern] }).ok).toBe(isValid);
});

test("a pattern that is refused is told in words", () => {
  expect(validate({ artifacts: ["dist/", "ok"] })).toMatchObject({
    faults: [
      {
        pointer: "/artifacts/0",
        detail: expect.stringMatching(/^must be a path below the workspace.*such as "dist\/\*\*"/),
      },
    ],
  });
  expect(validate({ artifacts: Array.from({ length: 21 }, () => "a") }).ok).toBe(false);
});

test("the dearest pattern that is taken is quick on the dearest path", () => {
  const path = "a".repeat(300);
  expect(validate({ artifacts: ["*a*a*a*b"] }).ok).toBe(true);
  expect(matchesGlob(path, "**/*a*a*b")).toBe(false);
});
