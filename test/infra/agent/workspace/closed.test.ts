import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removeTree } from "../../../../infra/agent/sandbox/remove-tree.ts";
import type { Changes } from "../../../../infra/agent/workspace/patch.ts";

const PROGRAM = fileURLToPath(new URL("patch-process.ts", import.meta.url));
/** Somebody who is not root. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** What a run of somebody who is not root would leave of what the script did. */
function changesOf(before: string, script: string) {
  const root = mkdtempSync(join(tmpdir(), "runyard-closed-"));
  if (isRoot) chownSync(root, NOBODY, NOBODY);
  const owner = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const env = { PATH: process.env["PATH"] ?? "" };
  const said = execFileSync(process.execPath, [PROGRAM, root, before, script], { ...owner, env });
  const changes: Changes = JSON.parse(said.toString());
  return {
    ...changes,
    modeOf: (path: string) => (statSync(join(root, "workspace", path)).mode & 0o7777).toString(8),
    read: (path: string) => readFileSync(join(root, path), "utf8"),
    [Symbol.asyncDispose]: async () => void (await removeTree(root)),
  };
}

const TREE = "mkdir -p a/b; echo 1 > a/x; echo 1 > a/b/y; echo 1 > z; chmod 0700 a";

test.each(["0000", "0200", "0400", "0100", "0600", "0500"])(
  "a folder of mode %s is read, told as it is, and has its mode again",
  async (mode) => {
    await using left = changesOf(TREE, `echo 2 > a/x; echo n > a/b/n; chmod ${mode} a/b a`);
    expect(left.omitted.named).toEqual([]);
    expect(left.files.map(({ path, status }) => [path, status])).toEqual([
      ["a/b/n", "added"],
      ["a/x", "modified"],
    ]);
    expect(left.modeOf("a")).toBe(Number.parseInt(mode, 8).toString(8));
    expect(left.read("workspace.diff")).toContain(`# Runyard-mode: ${mode} d "a"\n`);
  },
);

test("files without modes are read, and have them again", async () => {
  await using left = changesOf(TREE, "echo 2 > a/x; echo n > n; chmod 0000 a/x n z; chmod 0400 a");
  expect(left.omitted.named).toEqual([]);
  expect(left.files.map(({ path, status }) => [path, status])).toEqual([
    ["a/x", "modified"],
    ["n", "added"],
  ]);
  expect([left.modeOf("n"), left.modeOf("z")]).toEqual(["0", "0"]);
});

test("what belongs to another and is closed is named as unread", async () => {
  // Who is not root makes no file of another: of root's there are enough.
  const closed = mkdtempSync(join(tmpdir(), "runyard-closed-"));
  if (isRoot) chownSync(closed, NOBODY, NOBODY);
  if (isRoot) writeFileSync(join(closed, "theirs"), "s", { mode: 0o600 });
  await using left = changesOf(TREE, `mv ${closed}/theirs a 2> /dev/null || true; echo 2 > z`);
  const theirs = { path: "a/theirs", isFolder: false, why: "unreadable" };
  expect(left.omitted.named).toEqual(isRoot ? [theirs] : []);
  expect(left.files.map(({ path }) => path)).toEqual(["z"]);
  await removeTree(closed);
});
