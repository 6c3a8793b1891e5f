import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeTree } from "../../../../infra/emulators/cloud-build/remove-tree.ts";

/**
 * Folders deeper than a path can be long, without modes, and with a name that is none for a
 * terminal.
 */
const OBSTACLES = `
n=$(printf 'd%.0s' {1..250}); for i in {1..60}; do mkdir $n; cd $n; done; touch a; cd "$0"
mkdir -p shut/in; touch shut/in/a; chmod 000 shut/in shut
mkdir -p kept/a; touch kept/a/b; chmod 500 kept/a kept; ln -s / root; chmod 000 .`;

test("a build's folder is removed, whatever a step did in it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "remove-"));
  execFileSync("bash", ["-c", OBSTACLES, folder], { cwd: folder });
  await removeTree(folder);
  expect(existsSync(folder)).toBe(false);
  expect(existsSync("/usr")).toBe(true);
});

test("what is not there is no error, and what stays is said on standard error", async () => {
  const written: string[] = [];
  const { write } = process.stderr;
  process.stderr.write = (text: string) => written.push(text) > 0;
  try {
    await removeTree("/nonexistent/folder");
    await removeTree("/proc/self/task");
  } finally {
    process.stderr.write = write;
  }
  expect(written).toEqual([
    expect.stringMatching(/^stand-in: cannot be removed: \/proc\/self\/task \(.+\)\n$/),
  ]);
});
