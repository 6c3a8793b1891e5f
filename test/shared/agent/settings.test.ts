import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { AgentSettings } from "../../../shared/agent/settings.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";

const validate = validatorOf(AgentSettings);
const isTaken = (ref: string): boolean =>
  validate({ repository: { url: "https://git.example/x", ref } }).ok;

/** Whether git takes a name for a branch. */
const isLegal = (ref: string): boolean =>
  spawnSync("git", ["check-ref-format", "--allow-onelevel", ref]).status === 0;

test.each([
  ...["feature/#12-fix", "release/v1.2+build", "dépôt", "_wip", "fix/(scope)", "a,b", "user@topic"],
  ...["HEAD", "v1.0", "+x", "a/-b", "a@", "@/a", "a.lock.b", "😀", "%", "a{b}", "0123abc", "!"],
])("the ref %s is taken", (ref) => {
  expect([isTaken(ref), isLegal(ref)]).toEqual([true, true]);
});

test.each([
  ...["a\u2028..b", "a\u2029/.b", "a\u2028.lock"],
  ...["a..b", "-x", "--upload-pack=x", "", "@", "a@{1}", "a b", "a~1", "a^", "a:b", "a?", "a*"],
  ...[
    "a[b",
    "a\\b",
    "/a",
    "a/",
    "a//b",
    "a.",
    ".a",
    "a/.b",
    "a.lock",
    "a.lock/b",
    "a\nb",
    "a\u007f",
  ],
])("the ref %j is refused", (ref) => {
  expect(isTaken(ref)).toBe(false);
});

test("a ref is taken exactly when git takes it and it begins with no hyphen", () => {
  const pieces = [
    ".",
    "..",
    "/",
    "@",
    "{",
    "}",
    ".lock",
    "-",
    "~",
    "^",
    ":",
    "a",
    "é",
    "\\",
    "[",
    "\t",
  ];
  const ref = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 5 });
  const property = fc.property(ref, (drawn) => {
    const name = drawn.join("");
    expect([name, isTaken(name)]).toEqual([name, !name.startsWith("-") && isLegal(name)]);
  });
  fc.assert(property, { numRuns: 300, seed: 10 });
});
