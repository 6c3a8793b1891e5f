import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { recordState } from "../../../../infra/agent/workspace/git-states.ts";
import { startCloneWorld, startEmptyWorld, writeFiles } from "./patch-world.ts";

const modeOf = (...path: string[]) => (statSync(join(...path)).mode & 0o7777).toString(8);

test("empty folders and modes come back in the next turn, and the patch says what it does not hold", async () => {
  await using world = await startCloneWorld({ "kept/x": "x\n", same: "s\n", run: "r\n" });
  writeFiles(world.workspace, { key: "k\n", "-n": "x\n", "dir/a\nb": "q\n", run: "r2\n" });
  chmodSync(world.at("key"), 0o600);
  chmodSync(world.at("same"), 0o640);
  chmodSync(world.at("-n"), 0o000);
  chmodSync(world.at("run"), 0o700);
  chmodSync(world.at("dir/a\nb"), 0o4755);
  mkdirSync(world.at("empty/é\\ \n/inner"), { recursive: true });
  mkdirSync(world.at("shut/inner"), { recursive: true });
  chmodSync(world.at("shut"), 0o500);
  rmSync(world.at("kept/x"));
  const { notes, forNextTurn } = await world.write();
  expect(notes).toEqual([
    expect.stringMatching(/^No patch holds empty folders: "empty.*inner", "kept", "shut.inner".$/),
    'No patch holds the modes of: "-n", "dir/a\\nb", "key", "run", "same", "shut".',
  ]);
  expect(forNextTurn).toEqual([]);
  const fresh = world.clone("fresh");
  world.apply(fresh);
  expect(existsSync(join(fresh, "key"))).toBe(true);
  const next = world.clone("next");
  expect(await world.restore(next)).toEqual([]);
  for (const path of [
    "key",
    "same",
    "-n",
    "run",
    "dir/a\nb",
    "shut",
    "empty/é\\ \n/inner",
    "kept",
  ]) {
    expect([path, modeOf(next, path)]).toEqual([path, modeOf(world.workspace, path)]);
  }
});

test("a turn that changes nothing more keeps them for the turn after it", async () => {
  await using world = await startEmptyWorld();
  writeFiles(world.workspace, { key: "k\n" });
  mkdirSync(world.at("empty"));
  chmodSync(world.at("key"), 0o600);
  await recordState(world.states, "restored");
  const { notes } = await world.write();
  expect(notes).toEqual([]);
  const next = world.newPlace("next");
  await world.restore(next);
  expect([modeOf(next, "key"), existsSync(join(next, "empty"))]).toEqual(["600", true]);
});

test("what setup commands made and the agent left is not in it: they run again", async () => {
  await using world = await startEmptyWorld();
  mkdirSync(world.at("cache"));
  writeFileSync(world.at("token"), "t", { mode: 0o600 });
  await recordState(world.states, "before");
  mkdirSync(world.at("mine"));
  await world.write();
  expect(world.diff()).toContain('# Runyard-folder: "mine"\n');
  expect(world.diff()).not.toMatch(/cache|token/);
});

test("thousands of modes are restored at once", async () => {
  await using world = await startEmptyWorld();
  for (let i = 0; i < 3000; i += 1) writeFileSync(world.at(`f${i}`), "x", { mode: 0o600 });
  await world.write();
  const next = world.newPlace("next");
  expect(await world.restore(next)).toEqual([]);
  expect([modeOf(next, "f0"), modeOf(next, "f2999")]).toEqual(["600", "600"]);
});
