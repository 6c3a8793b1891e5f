import { readFileSync } from "node:fs";
import { CloudBuildClient } from "@google-cloud/cloudbuild";
import { credentials } from "@grpc/grpc-js";
import { checkpointObject, pathsUnder } from "../../shared/documents/attempt.ts";
import type { Run } from "../../shared/documents/run.ts";
import type { RunState } from "../../shared/run/record.ts";
import { eventually } from "../support/eventually.ts";
import { snapshotsUntil } from "../support/follow.ts";
import { descendantsOf } from "../support/processes.ts";
import { startWorld, type World } from "../support/world.ts";

const TIMEOUT_MS = 180_000;

/** The agent makes a file, and has much to do after that. */
const wait = (seconds: number) => `timeout ${seconds} tail -f /dev/null; true`;
const PROMPT = ["run each:", "echo one > one.txt", wait(2), wait(5), wait(110)].join("\n");

async function send(world: World): Promise<Run> {
  const settings = { timeoutSeconds: 200 };
  const response = await world.call("/runs", { json: { prompt: PROMPT, agent: { settings } } });
  expect(response.status).toBe(202);
  return (await response.json()) as Run;
}

const stateOf = async (world: World, id: string) =>
  (await world.firestore.doc(`runState/${id}`).get()).data() as RunState;

/** Waits until a checkpoint has the file. */
async function untilKept(world: World, { id }: Run): Promise<RunState> {
  const { nonce } = await stateOf(world, id);
  const paths = pathsUnder(`attempts/${id}/1-${nonce}/`);
  const bucket = world.storage.bucket("runyard-local");
  const isThere = async (number: number) => {
    const file = bucket.file(checkpointObject(paths, number));
    const [content] = await file.download().catch(() => [Buffer.alloc(0)]);
    return content.includes('"one.txt"');
  };
  await eventually(async () => {
    const found = await Promise.all(Array.from({ length: 20 }, (_, index) => isThere(index + 1)));
    expect(found).toContain(true);
  }, 90);
  return stateOf(world, id);
}

/** The process that a build runs. */
function runnerOf(buildId: string): number {
  const found = descendantsOf(process.pid).find((pid) => {
    try {
      const isRunner = readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("runner/main.cjs");
      return isRunner && readFileSync(`/proc/${pid}/environ`, "latin1").includes(buildId);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`build ${buildId} runs nothing`);
  return found;
}

test(
  "a runner that is killed takes nothing with it: the next attempt goes on with files and session",
  async () => {
    await using world = await startWorld();
    const accepted = await send(world);
    const { build } = await untilKept(world, accepted);
    process.kill(runnerOf(build?.id ?? ""), "SIGKILL");
    const snapshots = await snapshotsUntil(world.firestore, accepted.id);
    const waiting = snapshots.find(({ attempt, status }) => attempt === 2 && status === "pending");
    expect(waiting?.why).toMatch(
      /^Trying again \(attempt 2, from what was kept at \d\d:\d\d:\d\d UTC\)/,
    );
    expect(waiting).toMatchObject({ checkpoint: { attempt: 1 }, usage: { incomplete: true } });
    expect(waiting?.output?.changedFiles).toMatchObject([{ path: "one.txt" }]);
    const run = snapshots.at(-1);
    expect(run).toMatchObject({
      status: "succeeded",
      attempt: 2,
      checkpoint: null,
      usage: { incomplete: true },
      conversation: { session: "restored" },
    });
    expect(run?.usage?.turns).toBeGreaterThan(3);
    expect(run?.output?.changedFiles.map(({ path }) => path)).toEqual(["hello.txt", "one.txt"]);
    const told = JSON.stringify(world.modelRequests.at(-1)?.body);
    expect(told).toContain("Your machine was lost while you worked on this");
    expect(told).toContain("echo one > one.txt");
  },
  TIMEOUT_MS,
);

test(
  "a build that somebody ends in Cloud Build leaves what it had stored, and the run can be continued",
  async () => {
    await using world = await startWorld();
    const accepted = await send(world);
    const { build } = await untilKept(world, accepted);
    const [apiEndpoint, port] =
      world.local.address.clients["CLOUD_BUILD_EMULATOR_HOST"]?.split(":") ?? [];
    const sslCreds = credentials.createInsecure();
    const builds = new CloudBuildClient({
      apiEndpoint: `${apiEndpoint}`,
      port: Number(port),
      sslCreds,
    });
    await builds.cancelBuild({ name: build?.name ?? "" });
    await builds.close();
    const run = (await snapshotsUntil(world.firestore, accepted.id)).at(-1);
    expect(run).toMatchObject({
      status: "cancelled",
      attempt: 1,
      verdict: { outcome: "build_cancelled" },
      checkpoint: { attempt: 1 },
      output: { changedFiles: [{ path: "one.txt", status: "added" }] },
    });
    expect(run?.why).toMatch(/Kept is what there was at \d\d:\d\d:\d\d UTC\.$/);
    const patch = await world.call(`/runs/${run?.id}/patch`);
    expect(await patch.text()).toContain("+++ b/one.txt");
    const json = { prompt: "run: cat one.txt" };
    const response = await world.call(`/runs/${run?.id}/continue`, { json });
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as Run;
    const continued = (await snapshotsUntil(world.firestore, id)).at(-1);
    expect(continued).toMatchObject({ status: "succeeded", conversation: { session: "restored" } });
    expect(continued?.output?.text).toContain("one");
  },
  TIMEOUT_MS,
);
