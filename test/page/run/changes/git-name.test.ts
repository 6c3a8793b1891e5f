import { gitName } from "../../../../page/run/changes/git-name.ts";

test.each([
  ["src/plain.ts", "src/plain.ts"],
  ["gr\\303\\274n.txt", "grün.txt"],
  ['a\\tb\\\\c\\"d', 'a\tb\\c"d'],
  ["\\033[2J", "\u001b[2J"],
])("git's %j is the name %j", (quoted, name) => {
  expect(gitName(quoted)).toBe(name);
});
