import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isInUse } from "../../../../cli/local-server.ts";
import { sealKeysOf } from "../../../../functions/seal-keys.ts";
import { sealKeysIn, takeStateDirectory } from "../../../../infra/local/state/directory.ts";
import { bringUpToDate } from "../../../../infra/local/state/format.ts";

function temporaryDirectory(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "state-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const formatOf = (path: string) => JSON.parse(readFileSync(join(path, "format.json"), "utf8"));

/** Takes a directory in a process of its own and says so; returns when it has printed. */
async function holder(path: string) {
  const module = new URL("../../../../infra/local/state/directory.ts", import.meta.url).href;
  const code = `const { takeStateDirectory } = await import(${JSON.stringify(module)});
    globalThis.state = takeStateDirectory(process.argv[1]); console.log("taken"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code, path], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  return child;
}

test("a new directory gets its format file, and is taken once at a time", () => {
  using temporary = temporaryDirectory();
  const path = join(temporary.path, "deep", "state");
  const state = takeStateDirectory(path);
  expect(formatOf(path)).toEqual({ format: "runyard-state", version: 1 });
  expect(() => takeStateDirectory(path)).toThrow(/in use by another process/);
  state.release();
  takeStateDirectory(path).release();
});

test("the keys that seal are made once, and are their user's alone", () => {
  using temporary = temporaryDirectory();
  const keys = sealKeysIn(temporary.path);
  expect(sealKeysOf(keys)).toHaveLength(1);
  expect(sealKeysIn(temporary.path)).toBe(keys);
  expect(statSync(join(temporary.path, "seal-keys")).mode & 0o777).toBe(0o600);
});

test("another process keeps the directory until it is killed, and not longer", async () => {
  using temporary = temporaryDirectory();
  const child = await holder(temporary.path);
  expect(isInUse(temporary.path)).toBe(true);
  expect(() => takeStateDirectory(temporary.path)).toThrow(/in use by another process/);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isInUse(temporary.path)).toBe(false);
  takeStateDirectory(temporary.path).release();
});

test.each([
  [
    "a newer version",
    { "format.json": '{"format":"runyard-state","version":7}' },
    /version 7.* up to 1.*--state/,
  ],
  ["another program's files", { "notes.txt": "mine" }, /not empty and no state directory/],
  ["another program's format file", { "format.json": '{"version":1}' }, /no state directory/],
  ["a damaged format file", { "format.json": "{" }, /format\.json is damaged/],
  ["a half cleared state", { "clearing.json": "{}" }, /being cleared.*npx runyard state clear/],
])("%s is refused, and nothing is written", (_name, files, reason) => {
  using temporary = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(temporary.path, name), content ?? "");
  }
  expect(() => takeStateDirectory(temporary.path)).toThrow(reason);
  expect(readdirSync(temporary.path)).toEqual(Object.keys(files));
});

test("a path that is a file is refused as such", () => {
  using temporary = temporaryDirectory();
  const path = join(temporary.path, "file");
  writeFileSync(path, "");
  expect(() => takeStateDirectory(path)).toThrow(/file is a file, not a directory/);
  expect(() => takeStateDirectory(join(path, "below"))).toThrow(/is a file|cannot be written/);
});

test("a directory on a disk that may only be read is refused as such", () => {
  using temporary = temporaryDirectory();
  const { path } = temporary;
  const module = new URL("../../../../infra/local/state/directory.ts", import.meta.url).href;
  const code = `const { takeStateDirectory } = await import(${JSON.stringify(module)});
    try { takeStateDirectory(process.argv[1]); } catch (error) { console.log(error.message); }`;
  const mounts = ["--dev-bind", "/", "/", "--ro-bind", path, path];
  const node = [process.execPath, "--input-type=module", "-e", code, path];
  const { stdout } = spawnSync("bwrap", [...mounts, ...node], { encoding: "utf8" });
  expect(stdout).toMatch(/cannot be written .*read-only.*--state DIR/);
});

test("an older version is brought up step by step, and a step that fails is begun again", () => {
  using temporary = temporaryDirectory();
  const path = join(temporary.path, "state");
  mkdirSync(path);
  bringUpToDate(path);
  const done: number[] = [];
  let isBroken = true;
  const steps = {
    1: () => void done.push(1),
    2: () => {
      if (isBroken) throw new Error("broken off");
      done.push(2);
    },
  };
  expect(() => bringUpToDate(path, { version: 3, steps })).toThrow("broken off");
  expect(formatOf(path).version).toBe(2);
  isBroken = false;
  bringUpToDate(path, { version: 3, steps });
  expect(done).toEqual([1, 2]);
  expect(formatOf(path).version).toBe(3);
  expect(() => bringUpToDate(path)).toThrow(/version 3/);
});
