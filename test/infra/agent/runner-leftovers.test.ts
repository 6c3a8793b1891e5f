import { verdict } from "../../../shared/attempt/verdict.ts";
import { TIMING } from "../../../shared/limits.ts";
import { eventually } from "../../support/eventually.ts";
import { isAnyProcessWith } from "../../support/processes.ts";
import { startWorld } from "./runner-world.ts";

const ISOLATIONS = ["bubblewrap", "none"];

/** A command that leaves `script` at work in a session of its own and is over at once. */
const leave = (script: string): string => `run: setsid nohup ${script} >/dev/null 2>&1 & echo left`;

test.each(ISOLATIONS)(
  "what the agent left at work may end by itself, and what it wrote is in the patch (%s)",
  async (isolation) => {
    await using world = await startWorld();
    const prompt = leave("sh -c 'timeout 4 tail -f /dev/null; echo late > late.txt'");
    await (await world.start(prompt, {}, { RUNYARD_SANDBOX: isolation })).ended;
    const { changedFiles, facts } = await world.manifest();
    expect(changedFiles).toMatchObject([{ path: "late.txt", status: "added", added: 1 }]);
    expect(facts.leftProcesses).toBeUndefined();
    expect(verdict(facts)).toMatchObject({ outcome: "succeeded", message: "Done." });
  },
  60_000,
);

test.each(ISOLATIONS)(
  "what the agent left is ended when it does not end in time, and the run names it (%s)",
  async (isolation) => {
    await using world = await startWorld();
    const mark = `${world.root}/mark`;
    const prompt = leave(`sh -c 'trap "" TERM; tail -f /dev/null ${mark}; true'`);
    const environment = { RUNYARD_SANDBOX: isolation, RUNYARD_ENV_TOKEN: world.root };
    const startedAt = Date.now();
    await (await world.start(prompt, {}, environment)).ended;
    expect(Date.now() - startedAt).toBeGreaterThan(10_000);
    expect(isAnyProcessWith(mark)).toBe(false);
    const { facts } = await world.manifest();
    const command = `sh -c trap "" TERM; tail -f /dev/null ***/mark; true`;
    expect(facts.leftProcesses).toEqual({ commands: [command], more: 0 });
    expect(verdict(facts)).toMatchObject({
      outcome: "background_ended",
      message: `Done, but processes that the agent left did not end in time: ${command}.`,
    });
  },
  60_000,
);

test.each<[string, (world: World, end: () => void) => unknown]>([
  ["the build is ended from outside", (_world, end) => end()],
  ["the run is cancelled", (world) => world.bucket.file(world.paths.cancel).save("")],
])(
  "what the agent left gets no time once %s",
  async (_name, stop) => {
    await using world = await startWorld();
    const mark = `${world.root}/mark`;
    const { child, ended } = await world.start(leave(`tail -f /dev/null ${mark}`));
    await eventually(() => expect(isAnyProcessWith(world.sessionId)).toBe(true));
    await eventually(() => expect(isAnyProcessWith(mark)).toBe(true));
    await eventually(() => expect(isAnyProcessWith(world.sessionId)).toBe(false));
    expect(isAnyProcessWith(mark)).toBe(true);
    const stoppedAt = Date.now();
    await stop(world, () => child.kill("SIGTERM"));
    await ended;
    expect(Date.now() - stoppedAt).toBeLessThan(TIMING.leftoverGrace * 1000);
    const { facts } = await world.manifest();
    expect(facts).toMatchObject({ stoppedBy: null, leftProcesses: { more: 0 } });
  },
  60_000,
);

type World = Awaited<ReturnType<typeof startWorld>>;
