import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildPrograms } from "../../infra/bundle/build-programs.ts";
import { bundlesIn } from "../../infra/local/programs.ts";
import type { Run } from "../../shared/documents/run.ts";
import { unpackBefore } from "../faults/upgrade/before.ts";
import { eventually } from "../support/eventually.ts";
import { snapshotsUntil } from "../support/follow.ts";
import { startWorld, type World } from "../support/world.ts";
import { type BothRevisions, bothRevisions } from "./both-revisions.ts";

const TIMEOUT_MS = 180_000;

let folder: string;
let sources: string;
let revisions: BothRevisions;
let world: World;
beforeAll(async () => {
  // Where the command line of the agent is found, which no bundle has.
  folder = mkdtempSync(join(process.cwd(), "node_modules/.bundles-"));
  sources = await unpackBefore();
  const [before, present] = [join(folder, "before"), join(folder, "present")];
  await Promise.all([buildPrograms(before, { root: sources }), buildPrograms(present)]);
  revisions = bothRevisions(folder, { before: bundlesIn(before), present: bundlesIn(present) });
  // An agent that sees this machine's files can be waited for, and can wait.
  world = await startWorld({ programs: revisions.programs, sandbox: "none" });
}, TIMEOUT_MS);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  for (const made of [folder, sources]) rmSync(made, { recursive: true, force: true });
});

async function send(path: string, body: { prompt: string; onBusy?: "queue" }): Promise<Run> {
  const response = await world.call(path, { json: body });
  expect(response.status).toBe(202);
  return (await response.json()) as Run;
}

const endOf = async ({ id }: Run) => (await snapshotsUntil(world.firestore, id)).at(-1) as Run;

/** A deployment of some functions: instances of before finish what they have, and others come. */
async function deploy(targets: readonly string[], which: "before" | "present"): Promise<void> {
  revisions.start(targets, which);
  const { functions } = world.local;
  const before = targets.map((target) => functions.pidOf(target));
  for (const pid of before) if (pid !== undefined) process.kill(pid, "SIGTERM");
  await eventually(async () => {
    await functions.warm();
    for (const [at, target] of targets.entries()) {
      if (target !== "runner") expect(functions.pidOf(target)).not.toBe(before[at]);
    }
  });
}

test(
  "an upgrade loses no run in flight: the bundles of before, both side by side, then these",
  async () => {
    const go = join(folder, "go");
    const waiting = `run: echo kept > a.txt; until test -e ${go}; do sleep 0.1; done`;
    const first = await send("/runs", { prompt: waiting });
    await snapshotsUntil(world.firestore, first.id, ({ status }) => status === "running");
    const turns = `/conversations/${first.conversation.id}/runs`;
    const turn = await send(turns, { prompt: "run: cat a.txt", onBusy: "queue" });

    await deploy(["submitBuild", "sweep", "runner"], "present");
    const accepted = await send("/runs", { prompt: "run: echo by the api and the end of before" });
    expect(await endOf(accepted)).toMatchObject({ status: "succeeded", attempt: 1 });

    await deploy(["api", "recordBuildStatus"], "present");
    await deploy(["submitBuild", "runner"], "before");
    const submitted = await send("/runs", {
      prompt: "run: echo by the submission and the runner of before",
    });
    expect(await endOf(submitted)).toMatchObject({ status: "succeeded", attempt: 1 });

    expect((await (await world.call(`/runs/${first.id}`)).json()) as Run).toMatchObject({
      status: "running",
    });
    await deploy(["submitBuild", "runner"], "present");
    writeFileSync(go, "");
    expect(await endOf(first)).toMatchObject({ status: "succeeded", attempt: 1 });
    const after = await endOf(turn);
    expect(after).toMatchObject({ status: "succeeded", conversation: { session: "restored" } });
    expect(after.output?.text).toContain("kept");
    const started = world.log.filter((line) => line.includes(": revision "));
    expect(started).toEqual(
      expect.arrayContaining(["api: revision before", "api: revision present"]),
    );
  },
  TIMEOUT_MS,
);
