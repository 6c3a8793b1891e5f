import { execFileSync } from "node:child_process";

const ROOT = new URL("../", import.meta.url).pathname;

/** The tests that `npm test -- -o` would run if these files had changed. */
function testsOf(...files: string[]): string[] {
  const jest = ["node_modules/jest/bin/jest.js", "--listTests", "--findRelatedTests", ...files];
  const listed = execFileSync(process.execPath, jest, { cwd: ROOT, encoding: "utf8" });
  return listed.split("\n").flatMap((path) => (path ? [path.replace(ROOT, "")] : []));
}

test.each([
  ["what a sandbox starts", "infra/agent/sandbox/relay.mjs", "test/infra/agent/runner.test.ts"],
  ["a function", "functions/attempts/sweep.ts", "test/story/run.test.ts"],
  ["a command", "cli/terminal.ts", "test/story/command-line.test.ts"],
  ["a type", "functions/services/services.ts", "test/functions/attempts/submit-build.test.ts"],
])("a change of %s runs the tests that start or use it", (_name, file, wanted) => {
  expect(testsOf(file)).toContain(wanted);
});

test("a change that concerns one test runs that one, beside this which names its file", () => {
  const wanted = ["test/changed.test.ts", "test/docs/papers.test.ts"];
  expect(testsOf("test/docs/papers.test.ts").toSorted()).toEqual(wanted);
});
