import { namesAny } from "../../../../infra/agent/workspace/checks.ts";

test.each<[string, string[], boolean]>([
  ["npm test", ["a.txt"], false],
  ["bash test.sh", ["test.sh"], true],
  ["./test.sh --all", ["test.sh"], true],
  ["/workspace/test.sh", ["test.sh"], true],
  ["cd x; '../x/test.sh'", ["test.sh"], false],
  ['node "scripts/check.js"|tee out', ["scripts/check.js"], true],
  ["pytest tests/", ["tests/unit/test_a.py"], true],
  ["pytest tests/unit", ["tests/unit/test_a.py"], true],
  ["pytest ./tests/unit", ["tests/unit/test_a.py"], true],
  ["npm run build", ["build/out.js"], false],
  ["pytest tests/un", ["tests/unit/test_a.py"], false],
  ["mytest.sh", ["test.sh"], false],
  ["bash 'my test.sh'", ["my test.sh"], true],
  ["ls .", ["a.txt"], false],
  ["ls / ./ ..", ["a.txt"], false],
])("whether %s names one of %p: %p", (command, paths, expected) => {
  expect(namesAny(command, paths)).toBe(expected);
});
