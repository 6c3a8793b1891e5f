import { verdict } from "../../../shared/attempt/verdict.ts";
import { mountSmallDisk, type SmallDisk } from "../../support/small-disk.ts";
import { MAIN, startWorld } from "./runner-world.ts";

const MEBIBYTE = 1024 ** 2;
type World = Awaited<ReturnType<typeof startWorld>>;

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Lets a runner work whose temporary folder is on the small disk; gives what it prints. */
async function run(world: World, disk: SmallDisk, prompt: string) {
  const folder = await world.writeInput(prompt, {});
  const environment = { ...world.environmentOfBuild, RUNYARD_SANDBOX: "none" };
  const variables = Object.entries({ ...environment, TMPDIR: disk.path });
  const given = variables.map(([name, value]) => quoted(`${name}=${value}`));
  const command = `env -i ${given.join(" ")} ${quoted(process.execPath)} ${quoted(MAIN)}`;
  return disk.run(`(cd ${quoted(folder)} && ${command} 2>&1)`);
}

test("an agent that fills the disk leaves its answer, its usage and its work", async () => {
  await using world = await startWorld();
  await using disk = mountSmallDisk(48 * MEBIBYTE);
  const prompt = "run: echo 1 > work.txt; sync; cat /dev/zero > filler; echo filled";
  const said = await run(world, disk, prompt);
  expect(said).toContain("done\n");
  const { facts, omitted, changedFiles } = await world.manifest();
  expect(verdict(facts, omitted).outcome).toMatch(/^(out_of_disk|succeeded_with_omissions)$/);
  expect(facts.spending?.inputTokens).toBeGreaterThanOrEqual(0);
  expect(changedFiles.map(({ path }) => path)).toContain("work.txt");
  expect(omitted?.files).toContainEqual({ path: "filler", why: "too_large" });
});

test("a disk without room from the start is an outcome that names it", async () => {
  await using world = await startWorld();
  await using disk = mountSmallDisk(8 * MEBIBYTE);
  await disk.fill();
  expect(await run(world, disk, "Say hello.")).toContain("done\n");
  const { facts, outputs } = await world.manifest();
  expect(verdict(facts)).toMatchObject({
    outcome: "out_of_disk",
    message: expect.stringMatching(/^The machine's disk is full\. .*(space|ENOSPC)/),
  });
  expect(outputs).toEqual(expect.any(Array));
});

test("an answer whose patch has no room is kept with its usage", async () => {
  await using world = await startWorld();
  await using disk = mountSmallDisk(40 * MEBIBYTE);
  const noise = "for i in 1 2 3 4 5 6 7 8 9; do head -c 3M /dev/urandom > n$i; done";
  const prompt = `run: ${noise}; cat /dev/zero > filler; rm filler; ls`;
  const said = await run(world, disk, prompt);
  expect(said).toContain("done\n");
  const { facts, omitted } = await world.manifest();
  expect(facts.result?.result).toContain("n9");
  const { outcome, message } = verdict(facts, omitted);
  expect({ outcome, message }).toEqual({
    outcome: "out_of_disk",
    message: expect.stringContaining("patch.diff"),
  });
});
