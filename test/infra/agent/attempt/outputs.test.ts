import { mkdtempSync, readFileSync } from "node:fs";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Objects } from "../../../../infra/agent/attempt/objects.ts";
import {
  collectSession,
  outputFile,
  uploadOutputs,
} from "../../../../infra/agent/attempt/outputs.ts";

async function startWorld() {
  const root = mkdtempSync(join(tmpdir(), "runyard-outputs-"));
  const home = join(root, "home");
  const project = join(home, ".claude", "projects", "session");
  await mkdir(project, { recursive: true });
  return {
    root,
    home,
    project,
    collect: () =>
      collectSession(home, "sid", {
        copies: join(root, "copies"),
        whatPassed: (content) => content,
      }),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

test("the session's file and folder are copied, and nothing else of the home", async () => {
  await using world = await startWorld();
  await mkdir(join(world.project, "sid", "tool-results"), { recursive: true });
  await writeFile(join(world.project, "sid.jsonl"), "lines");
  await writeFile(join(world.project, "sid", "tool-results", "1.txt"), "large");
  await writeFile(join(world.project, "other.jsonl"), "other");
  await writeFile(join(world.home, ".claude", "settings.json"), "{}");
  const { files, omitted } = await world.collect();
  expect(omitted).toBe(0);
  const copied = files.map(({ name, path }) => [name, readFileSync(path, "utf8")]);
  expect(copied).toEqual([
    ["session/sid.jsonl", "lines"],
    ["session/sid/tool-results/1.txt", "large"],
  ]);
});

test("links are not followed, neither as the session's file nor as its folder", async () => {
  await using world = await startWorld();
  await writeFile(join(world.root, "secret"), "secret");
  await symlink(join(world.root, "secret"), join(world.project, "sid.jsonl"));
  await symlink(world.root, join(world.project, "sid"));
  expect(await world.collect()).toEqual({ files: [], omitted: 1 });
});

test("a link in the place of a parent folder is not followed", async () => {
  await using world = await startWorld();
  await writeFile(join(world.project, "sid.jsonl"), "lines");
  await rm(join(world.home, ".claude"), { recursive: true });
  await symlink(world.root, join(world.home, ".claude"));
  expect(await world.collect()).toEqual({ files: [], omitted: 0 });
});

test("names that are no plain file names, and files that are too large, are left out", async () => {
  await using world = await startWorld();
  await mkdir(join(world.project, "sid"));
  await writeFile(join(world.project, "sid", "new\nline"), "x");
  await writeFile(join(world.project, "sid.jsonl"), Buffer.alloc(65 * 1024 * 1024));
  expect(await world.collect()).toEqual({ files: [], omitted: 2 });
});

test("an output that cannot be uploaded is told, and the others are uploaded in their order", async () => {
  const objects = {
    async upload(name: string) {
      if (name.endsWith("bad")) throw new Error("no room");
      return { sizeBytes: 1, sha256: "00" };
    },
  } as unknown as Objects;
  const files = ["a", "bad", "result.json"].map((name) => outputFile(name, "/x"));
  const { outputs, failures } = await uploadOutputs(objects, "p/", files);
  expect(failures).toEqual(["bad: no room"]);
  expect(outputs.map(({ object, contentType }) => [object, contentType])).toEqual([
    ["p/a", "application/octet-stream"],
    ["p/result.json", "application/json"],
  ]);
});
