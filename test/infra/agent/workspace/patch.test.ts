import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recordLeft } from "../../../../infra/agent/workspace/checked-states.ts";
import {
  openStates,
  PATCH_LIMITS,
  type PatchLimits,
  recordState,
} from "../../../../infra/agent/workspace/git-states.ts";
import {
  type Changes,
  needsWorkspaceDiff,
  patchOf,
  writeWorkspaceDiff,
} from "../../../../infra/agent/workspace/patch.ts";

const PATH = process.env["PATH"] ?? "";
const GIT = { ...process.env, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" };

/** A workspace with `files` in it, before the agent comes. */
async function startWorld(files: Record<string, string> = {}, limits: Partial<PatchLimits> = {}) {
  const root = mkdtempSync(join(tmpdir(), "runyard-patch-"));
  const workspace = join(root, "workspace");
  mkdirSync(workspace);
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(workspace, name), content);
  const copy = join(root, "copy");
  cpSync(workspace, copy, { recursive: true });
  const folders = { gitFolder: join(root, "git"), workspace };
  const states = await openStates(folders, PATH, { ...PATCH_LIMITS, ...limits });
  await recordState(states, "first");
  const patchFile = join(root, "patch.diff");
  return {
    states,
    workspace,
    copy,
    at: (...names: string[]) => join(workspace, ...names),
    patch: () => readFileSync(patchFile, "utf8"),
    write: async (maxFiles = 100) => patchOf(await recordLeft(states), { patchFile, maxFiles }),
    /** Writes the diff for the next turn, after the patch. */
    writeWorkspaceDiff: async (omitted: Changes["omitted"]) =>
      (await writeWorkspaceDiff(states, { file: patchFile, omitted })).notes,
    /**
     * Applies the patch to a copy of the first state; gives what differs from the workspace then.
     */
    applied(): string {
      const env = { ...GIT, GIT_CEILING_DIRECTORIES: root };
      execFileSync("git", ["apply", "--whitespace=nowarn", patchFile], { cwd: copy, env });
      const options = ["-r", "--no-dereference", "--exclude=.git", workspace, copy];
      try {
        return execFileSync("diff", options).toString();
      } catch (error) {
        return String((error as { stdout: Buffer }).stdout);
      }
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

const NOTHING = { named: [], ignored: [] };

test("a patch holds new, changed, binary and deleted files, modes and links, and applies", async () => {
  await using world = await startWorld({
    "changed.txt": "a\nb\n",
    "gone.bin": "\0\u0001",
    same: "s",
  });
  await writeFile(world.at("changed.txt"), "a\nc\nd\n");
  await rm(world.at("gone.bin"));
  await writeFile(
    world.at("new.bin"),
    Buffer.from(Array.from({ length: 3000 }, (_, n) => (n * 7) % 256)),
  );
  await writeFile(world.at("run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  await symlink("/etc/passwd", world.at("link"));
  const changes = await world.write();
  expect(changes).toEqual({
    files: [
      { path: "changed.txt", status: "modified", added: 2, removed: 1 },
      { path: "gone.bin", status: "deleted", added: null, removed: null },
      { path: "link", status: "added", added: 1, removed: 0 },
      { path: "new.bin", status: "added", added: null, removed: null },
      { path: "run.sh", status: "added", added: 1, removed: 0 },
    ],
    paths: ["changed.txt", "gone.bin", "link", "new.bin", "run.sh"],
    moreFiles: 0,
    counts: { files: 5, added: 4, removed: 1 },
    notes: [],
    omitted: NOTHING,
  });
  expect(world.patch()).not.toContain("root:");
  expect(world.applied()).toBe("");
});

test("files become folders and folders files", async () => {
  await using world = await startWorld({ file: "f\n" });
  await rm(world.at("file"));
  await mkdir(world.at("file"));
  await writeFile(world.at("file", "inner"), "i\n");
  await world.write();
  expect(world.applied()).toBe("");
});

test("ignored files and files of nested repositories are in the patch, their .git is not", async () => {
  await using world = await startWorld({ ".gitignore": "ignored\nnested\n" });
  await writeFile(world.at("ignored"), "i\n");
  for (const folder of [world.workspace, world.at("nested")]) {
    await mkdir(folder, { recursive: true });
    execFileSync("git", ["init", "-q", folder], { env: GIT });
  }
  await writeFile(world.at("nested", "file"), "n\n");
  const { files } = await world.write();
  expect(files.map(({ path }) => path)).toEqual(["ignored", "nested/file"]);
  expect(world.applied()).toBe("");
});

test("attributes, filters and hooks of the workspace neither run nor change the patch", async () => {
  await using world = await startWorld();
  const ran = world.at("ran");
  const attributes = "* text eol=crlf ident filter=evil diff=evil working-tree-encoding=UTF-16\n";
  await writeFile(world.at(".gitattributes"), attributes);
  await mkdir(world.at(".git", "hooks"), { recursive: true });
  await writeFile(
    world.at(".git", "config"),
    `[filter "evil"]\nclean = touch ${ran}\n[core]\nfsmonitor = touch ${ran}\n[diff "evil"]\ncommand = touch ${ran}\ntextconv = touch ${ran}\n`,
  );
  await writeFile(world.at("mixed.txt"), "a\r\nb\n$Id$\n");
  await world.write();
  expect(existsSync(ran)).toBe(false);
  expect(world.patch()).toContain("+a\r\n+b\n+$Id$\n");
  expect(world.applied()).toBe("");
});

test("hostile names stay names", async () => {
  await using world = await startWorld();
  const names = ["-n", "a b", 'q"uo\\te', "new\nline", "tab\t", "$(id)`id`", "é😀", ":(top)", "#"];
  for (const name of names) await writeFile(world.at(name), "x\n");
  await writeFile(Buffer.concat([Buffer.from(`${world.workspace}/`), Buffer.from([0xff])]), "y\n");
  const { files } = await world.write();
  expect(files.map(({ path }) => path).sort()).toEqual([...names, "\ufffd"].sort());
  expect(world.applied()).toBe("");
});

test("pipes are left out, and folders that were closed are opened again", async () => {
  await using world = await startWorld();
  execFileSync("mkfifo", [world.at("pipe")]);
  await mkdir(world.at("closed"));
  await writeFile(world.at("closed", "file"), "c\n", { mode: 0o000 });
  await chmod(world.at("closed"), 0o000);
  const { files } = await world.write();
  expect(files.map(({ path }) => path)).toEqual(["closed/file"]);
});

test("nothing changed gives an empty patch", async () => {
  await using world = await startWorld({ same: "s\n" });
  const counts = { files: 0, added: 0, removed: 0 };
  const nothing = { files: [], paths: [], moreFiles: 0, counts, notes: [], omitted: NOTHING };
  expect(await world.write()).toEqual(nothing);
  expect(world.patch()).toBe("");
});

test("a file that is too large is left out with a note, and the rest applies", async () => {
  await using world = await startWorld({ big: "x".repeat(2000) }, { fileBytes: 1000 });
  await writeFile(world.at("big"), "y".repeat(3000));
  await writeFile(world.at("grown"), "y".repeat(3000));
  await writeFile(world.at("small"), "s\n");
  const { files, notes, paths } = await world.write();
  expect(files.map(({ path }) => path)).toEqual(["small"]);
  expect(paths).toEqual(["small", "big", "grown"]);
  expect(notes).toEqual(['2 files are left out: "big" (too large), "grown" (too large).']);
  expect(world.patch()).toMatch(/\n# Runyard: 2 files are left out: .*\n$/);
  expect(world.applied()).toContain("grown");
  expect(readFileSync(join(world.copy, "small"), "utf8")).toBe("s\n");
});

test("a patch that would be too long has whole files only, names the others, and applies", async () => {
  await using world = await startWorld({}, { patchBytes: 1500 });
  for (const name of ["a", "b", "c"]) await writeFile(world.at(name), `${"x".repeat(600)}\n`);
  const { files, notes } = await world.write();
  expect(files).toHaveLength(3);
  expect(notes).toEqual(['2 files are left out: "b" (no room left), "c" (no room left).']);
  world.applied();
  expect(existsSync(join(world.copy, "a"))).toBe(true);
  expect(existsSync(join(world.copy, "c"))).toBe(false);
});

test("the list of changed files is bounded and the others are counted", async () => {
  await using world = await startWorld();
  for (let index = 0; index < 5; index += 1) await writeFile(world.at(`f${index}`), "x");
  const { files, moreFiles, counts } = await world.write(2);
  expect([files.length, moreFiles, counts.files]).toEqual([2, 3, 5]);
});

test("a patch begins with what the agent found, the diff for the next turn with the first state", async () => {
  await using world = await startWorld({ first: "1\n", removed: "r\n" });
  await writeFile(world.at("earlier.bin"), Buffer.from([0, 255, 0, 1]));
  await rm(world.at("removed"));
  await recordState(world.states, "restored");
  await writeFile(world.at("now"), "n\n");
  const { files } = await world.write();
  expect(files.map(({ path }) => path)).toEqual(["now"]);
  expect(needsWorkspaceDiff(world.states)).toBe(true);
  expect(await world.writeWorkspaceDiff(NOTHING)).toEqual([]);
  expect(world.applied()).toBe("");
});

test("what setup commands did is not in the diff for the next turn, unless the agent changed it", async () => {
  await using world = await startWorld({ "package.json": "1\n", lock: "1\n" });
  await writeFile(world.at("installed"), "i\n");
  await writeFile(world.at("lock"), "2\n");
  await writeFile(world.at("shared"), "s\n");
  await recordState(world.states, "before");
  await writeFile(world.at("shared"), "s\nagent\n");
  await rm(world.at("package.json"));
  await writeFile(world.at("now"), "n\n");
  await world.write();
  await world.writeWorkspaceDiff(NOTHING);
  expect(needsWorkspaceDiff(world.states)).toBe(true);
  const left = world.applied();
  expect(left).toMatch(/^Only in .*workspace: installed\n/);
  expect(readFileSync(join(world.copy, "lock"), "utf8")).toBe("1\n");
  expect(readFileSync(join(world.copy, "shared"), "utf8")).toBe("s\nagent\n");
  expect(existsSync(join(world.copy, "package.json"))).toBe(false);
  expect(readFileSync(join(world.copy, "now"), "utf8")).toBe("n\n");
});

test("a file that grows too large later keeps the state that it had", async () => {
  await using world = await startWorld({}, { fileBytes: 1000 });
  await writeFile(world.at("grows"), "small\n");
  await recordState(world.states, "restored");
  await writeFile(world.at("grows"), "x".repeat(2000));
  const { files, omitted } = await world.write();
  expect(files).toEqual([]);
  const notes = await world.writeWorkspaceDiff(omitted);
  expect(notes).toEqual(['1 file is left out: "grows" (too large).']);
  world.applied();
  expect(readFileSync(join(world.copy, "grows"), "utf8")).toBe("small\n");
});

test("without git the error says so", async () => {
  const root = mkdtempSync(join(tmpdir(), "runyard-patch-"));
  const folders = { gitFolder: join(root, "git"), workspace: root };
  await expect(openStates(folders, "/nonexistent")).rejects.toThrow(/git is not installed/);
  await rm(root, { recursive: true });
});
