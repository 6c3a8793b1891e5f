import { execFileSync } from "node:child_process";
import {
  existsSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { recordState } from "../../../../infra/agent/workspace/git-states.ts";
import { type Files, git, startCloneWorld, startEmptyWorld, writeFiles } from "./patch-world.ts";

const many = (folder: string, number: number, content = "x"): Files =>
  Object.fromEntries(Array.from({ length: number }, (_, i) => [`${folder}/f${i}.js`, content]));

test("ignored bulk takes no room from what is tracked or not ignored, and is counted", async () => {
  await using world = await startCloneWorld(
    { ".gitignore": "node_modules/\n", "src/index.ts": "1\n" },
    { treeBytes: 1000, files: 20 },
  );
  writeFiles(world.workspace, {
    ...many("node_modules/a", 30),
    "node_modules/big.bin": "b".repeat(900),
    "src/index.ts": "2\n",
    "src/new.ts": "n".repeat(500),
  });
  const { files, notes, omitted, forNextTurn } = await world.write();
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(["src/index.ts", "src/new.ts"]));
  expect(omitted.named).toEqual([]);
  expect(omitted.ignored.length).toBe(31 - (paths.length - 2));
  expect(notes).toEqual([`${omitted.ignored.length} ignored files are left out.`]);
  expect(forNextTurn).toEqual(notes);
  const next = world.newPlace("next");
  expect(await world.restore(next)).toEqual(notes);
  expect(readFileSync(join(next, "src/index.ts"), "utf8")).toBe("2\n");
});

test("without a rule that ignores it, a bulk in one folder takes nothing from the others", async () => {
  await using world = await startEmptyWorld({ files: 30 });
  writeFiles(world.workspace, {
    ...many("node_modules/a/b", 500),
    ...many("app/node_modules/c", 500),
    ...many("src", 8, "a longer text"),
    ...many("app/src", 4, "a longer text"),
  });
  const { files, omitted } = await world.write(10_000);
  const paths = files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(Object.keys(many("src", 8))));
  expect(paths).toEqual(expect.arrayContaining(Object.keys(many("app/src", 4))));
  expect(omitted.named).toHaveLength(1012 - 30);
  expect(omitted.named[0]).toEqual({
    path: expect.stringContaining("node_modules/"),
    isFolder: false,
    why: "too_many",
  });
});

test("a repository of more files and bytes than a patch may have keeps every edit", async () => {
  const tracked = many("lib", 300, "0123456789");
  await using world = await startCloneWorld(tracked, { files: 50, treeBytes: 1000 });
  for (const path of Object.keys(tracked).slice(0, 90)) writeFileSync(world.at(path), "changed\n");
  for (const path of Object.keys(tracked).slice(290)) rmSync(world.at(path));
  const { files, omitted } = await world.write(1000);
  expect(omitted).toEqual({ named: [], ignored: [] });
  expect(files).toHaveLength(100);
  const fresh = world.clone("fresh");
  world.apply(fresh);
  expect(git(fresh, "status", "--porcelain").trim().split("\n")).toHaveLength(100);
});

test("a large file that nobody touched is no omission; one that was changed or removed is", async () => {
  await using world = await startCloneWorld(
    {
      "a.bin": "a".repeat(2000),
      "b.bin": "b".repeat(2000),
      "c.bin": "c".repeat(2000),
      "d.bin": "d".repeat(2000),
    },
    { fileBytes: 1000 },
  );
  writeFileSync(world.at("d.bin"), "small now\n");
  writeFileSync(world.at("b.bin"), "B".repeat(2000));
  rmSync(world.at("c.bin"));
  const { notes } = await world.write();
  const names = ["b", "c", "d"].map((name) => `"${name}.bin" (too large)`);
  expect(notes).toEqual([`3 files are left out: ${names.join(", ")}.`]);
  world.apply(world.clone("fresh"));
});

test("what setup commands made beyond the limits is told only if the agent changed it", async () => {
  await using world = await startCloneWorld({ a: "1" }, { fileBytes: 1000 });
  writeFiles(world.workspace, { "made/one": "x".repeat(2000), "made/two": "x".repeat(2000) });
  await recordState(world.states, "before");
  expect((await world.write()).notes).toEqual([]);
  writeFileSync(world.at("made/two"), "y".repeat(3000));
  expect((await world.write()).notes).toEqual(['1 file is left out: "made/two" (too large).']);
});

test("a patch that would be too long loses what is ignored first", async () => {
  await using world = await startCloneWorld({ ".gitignore": "dist\n" }, { patchBytes: 1700 });
  const noise = (seed: number) =>
    Array.from({ length: 100 }, (_, i) => `${(i * seed) % 997}\n`).join("");
  writeFiles(world.workspace, { "dist/a": noise(31), "dist/b": noise(37), "src/z": noise(41) });
  symlinkSync("a", world.at("dist", "link"));
  const { omitted } = await world.write();
  expect(omitted.named).toEqual([]);
  expect(omitted.ignored.map(({ path }) => path)).toEqual([expect.stringMatching(/^dist\/[ab]$/)]);
  const fresh = world.clone("fresh");
  world.apply(fresh);
  expect(existsSync(join(fresh, "src/z"))).toBe(true);
});

test("pipes, sockets and repositories' own data are named", async () => {
  await using world = await startCloneWorld({ ".gitignore": "vendor/\n" });
  execFileSync("mkfifo", [world.at("pipe")]);
  for (const folder of ["sub", "vendor/dependency"])
    git(world.root, "init", "-q", world.at(folder));
  writeFiles(world.workspace, { "sub/file": "s\n", "vendor/dependency/file": "v\n" });
  const { files, omitted } = await world.write();
  expect(files.map(({ path }) => path)).toEqual(["sub/file", "vendor/dependency/file"]);
  expect(omitted.named).toEqual([
    { path: "pipe", isFolder: false, why: "not_a_file" },
    { path: "sub/.git", isFolder: true, why: "repository" },
  ]);
  expect(omitted.ignored).toEqual([
    { path: "vendor/dependency/.git", isFolder: true, why: "repository" },
  ]);
});

test("what is too deep for a path is named, and the rest is kept", async () => {
  await using world = await startEmptyWorld();
  const deep = `d=${"d".repeat(200)}; for i in $(seq 30); do mkdir $d; cd $d; done; echo x > file`;
  execFileSync("/bin/bash", ["-c", deep], { cwd: world.workspace });
  writeFileSync(world.at("shallow"), "s\n");
  const { files, omitted } = await world.write();
  expect(files.map(({ path }) => path)).toEqual(["shallow"]);
  expect(omitted.named).toEqual([
    { path: expect.stringMatching(/^(d{200}\/){19}d{200}$/), isFolder: true, why: "path_too_long" },
  ]);
  const fresh = world.newPlace("fresh");
  world.apply(fresh);
  expect(existsSync(join(fresh, "shallow"))).toBe(true);
});

test("rules that git cannot match in time, or that are no files, keep nothing from being kept", async () => {
  await using world = await startEmptyWorld({ files: 3 });
  writeFiles(world.workspace, { "a/x": "1", "a/y": "2", "b/.gitignore": "*\n", "b/z": "3" });
  execFileSync("mkfifo", [world.at(".gitignore")]);
  symlinkSync("/dev/zero", world.at("a", ".gitignore"));
  writeFileSync(world.at("huge"), "");
  truncateSync(world.at("huge"), 40 * 1024 ** 2);
  const { files, omitted } = await world.write();
  expect(files.map(({ path }) => path)).toHaveLength(3);
  expect(omitted.ignored.map(({ path }) => path)).toEqual(expect.arrayContaining(["b/z"]));
  expect(omitted.named.map(({ path }) => path)).toEqual(
    expect.arrayContaining([".gitignore", "huge"]),
  );
});
