import { execFileSync } from "node:child_process";
import {
  recordChecked,
  recordLeft,
  withoutChecks,
} from "../../../../infra/agent/workspace/checked-states.ts";
import {
  liveStates,
  PATCH_LIMITS,
  recordState,
} from "../../../../infra/agent/workspace/git-states.ts";
import { startCloneWorld } from "./patch-world.ts";

test("what checks did is in no patch of an agent that goes on after them, but for what it then changed", async () => {
  await using world = await startCloneWorld({
    "kept.txt": "one\n",
    "both.txt": "old\n",
    "gone.txt": "x\n",
  });
  const { states, workspace } = world;
  const shell = (script: string) =>
    execFileSync("/bin/bash", ["-ec", script], { cwd: workspace, stdio: "pipe" });
  shell("echo agent > mine.txt; mkdir -p src; echo 1 > src/a.txt");
  await world.write();
  // The checks of the first round.
  shell(`echo check >> kept.txt; rm gone.txt; echo check > both.txt; echo check > mine.txt
    mkdir -p out/deep empty; echo log > out/deep/log.txt; echo c > src/cache; chmod 600 kept.txt`);
  await recordChecked(states);
  expect((await world.write()).files.map(({ path }) => path)).toEqual(["mine.txt", "src/a.txt"]);
  // The agent's second round.
  shell("echo again > both.txt; echo 2 > src/a.txt; echo mended > out/mine.txt");
  const live = liveStates(states, PATCH_LIMITS);
  await recordState(live, "after");
  expect((await withoutChecks(live)).paths).toContain("out/mine.txt");
  const { files, notes } = await world.write();
  expect(files.map(({ path, status }) => `${status} ${path}`)).toEqual([
    "modified both.txt",
    "added mine.txt",
    "added out/mine.txt",
    "added src/a.txt",
  ]);
  expect(notes).toEqual([]);
  expect(world.diff()).toContain("+agent\n");
  expect(world.diff()).not.toMatch(/check|log\.txt|empty|kept/);
  // Those of the second, and a third round that undoes what the agent did.
  shell("echo check > more.txt; rm -r out/deep");
  await recordChecked(states);
  shell("rm both.txt out/mine.txt; echo old > both.txt");
  const third = await world.write();
  expect(third.files.map(({ path }) => path)).toEqual(["mine.txt", "src/a.txt"]);
  expect((await recordLeft(states)).paths).not.toContain("more.txt");
});
