import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { CloudBuildClient } from "@google-cloud/cloudbuild";
import { credentials } from "@grpc/grpc-js";
import { unpackTar } from "modern-tar";
import { type InjectedFaults, injectFaults } from "../../infra/emulators/wire/faults.ts";
import { LOCAL } from "../../infra/local/names.ts";
import type { SeenNeed } from "../../infra/local/recorded-callers.ts";
import { PRODUCT_TAG } from "../../shared/attempt/build-plan.ts";
import { type AttemptInput, INPUT_FILES } from "../../shared/documents/attempt.ts";
import type { Run } from "../../shared/documents/run.ts";
import { CAPACITY } from "../../shared/limits.ts";
import { COLLECTIONS, TOPICS } from "../../shared/names.ts";
import { delivered } from "./access-deliveries.ts";
import { hooked, startedByEvents, toldBySweep, uploaded } from "./access-parts.ts";
import { webhooksAreTold } from "./access-webhooks.ts";
import { eventually } from "./eventually.ts";
import { snapshotsUntil } from "./follow.ts";
import type { World } from "./world.ts";

const PARENT = "projects/runyard-local/locations/us-central1";
const PAST = new Date(0);

/** What goes wrong in the story, each while it is said. */
export interface StoryFaults {
  faults: InjectedFaults;
  wrong: { publish: boolean; create: boolean; slowCreate: boolean; deaf: boolean };
}

export function storyFaults(): StoryFaults {
  const wrong = { publish: false, create: false, slowCreate: false, deaf: false };
  const create = "google.devtools.cloudbuild.v1.CloudBuild/CreateBuild";
  const faults = injectFaults([
    {
      method: "google.pubsub.v1.Publisher/Publish",
      when: { matches: () => wrong.publish },
      do: { type: "failBefore", status: "INVALID_ARGUMENT" },
    },
    { method: "cloud-builds", when: { matches: () => wrong.deaf }, do: { type: "drop" } },
    {
      method: create,
      when: { matches: () => wrong.create },
      do: { type: "failBefore", status: "INVALID_ARGUMENT" },
    },
    {
      method: create,
      when: { matches: () => wrong.slowCreate },
      do: { type: "delay", ms: 600, at: "after" },
    },
  ]);
  return { faults, wrong };
}

/** What the story works with. */
interface Stage {
  world: World;
  wrong: StoryFaults["wrong"];
  builds: CloudBuildClient;
  /** Whether an account was seen to need a permission. */
  saw(account: string, permission: string): boolean;
}

/**
 * Everything that functions and runner do: a run from its POST to its deletion, talks, agents,
 * lists, cancels at each stage, what gets lost, what is overdue, and what no function can handle.
 */
export async function tellWholeStory(
  world: World,
  { wrong }: StoryFaults,
  seen: () => SeenNeed[],
): Promise<void> {
  const [host = "", port] = (world.local.address.clients["CLOUD_BUILD_EMULATOR_HOST"] ?? "").split(
    ":",
  );
  const builds = new CloudBuildClient({
    projectId: "runyard-local",
    apiEndpoint: host,
    port: Number(port),
    sslCreds: credentials.createInsecure(),
  });
  const saw = (account: string, permission: string) =>
    seen().some((need) => need.account === account && need.permission === permission);
  const stage: Stage = { world, wrong, builds, saw };
  try {
    const run = await oneRun(stage);
    await Promise.all([
      talk(stage),
      look(stage, run),
      agents(stage),
      startedByEvents(stage.world, stage.saw),
      deadLetters(stage, run),
      cancelAtWork(stage),
      overdue(stage),
      webhooksAreTold(world, () => saw("deliverWebhook", "pubsub.topics.publish")),
    ]);
    await delivered(stage, { wrong, send: (prompt, more) => send(stage, prompt, more) });
    await refused(stage);
    await refusedTurn(stage);
    await unpublished(stage);
    await cancelWhileCreated(stage);
    await inDoubt(stage);
    await lateReport(stage, run);
    await strays(stage, run);
  } finally {
    await builds.close();
  }
}

async function send({ world }: Stage, prompt: string, more: object = {}): Promise<Run> {
  const response = await world.call("/runs", { json: { prompt, ...more } });
  expect({ status: response.status, body: await response.clone().text() }).toMatchObject({
    status: 202,
  });
  return (await response.json()) as Run;
}

const ended = async ({ world }: Stage, { id }: Run): Promise<Run> =>
  (await snapshotsUntil(world.firestore, id)).at(-1) as Run;

const state = ({ world }: Stage, { id }: Run) =>
  world.firestore.doc(`${COLLECTIONS.runStates}/${id}`);

const atWork = ({ world }: Stage, { id }: Run) =>
  snapshotsUntil(world.firestore, id, (run) => (run.progress?.text ?? "").includes("Bash"));

async function answered(
  { world }: Stage,
  path: string,
  init?: Parameters<World["call"]>[1],
): Promise<string> {
  const response = await world.call(path, init);
  const body = await response.text();
  expect({ path, fault: response.ok ? "" : body }).toEqual({ path, fault: "" });
  return body;
}

async function oneRun(stage: Stage): Promise<Run> {
  const files = [await uploaded(stage.world, "notes.txt", "uploaded")];
  const run = await ended(stage, await send(stage, "Create hello.txt and explain it", { files }));
  expect(run.status).toBe("succeeded");
  await toldBySweep(stage.world, run.id);
  await hooked(stage.world);
  return run;
}

/** Two turns, of which the second waits for the first. */
async function talk(stage: Stage): Promise<void> {
  const first = await send(stage, "echo one");
  const path = `/conversations/${first.conversation.id}/runs`;
  const json = { prompt: "what did I ask before", onBusy: "queue" };
  const second = JSON.parse(await answered(stage, path, { json })) as Run;
  await ended(stage, second);
}

async function look(stage: Stage, { id }: Run): Promise<void> {
  const paths = [
    ...["", "/events", "/logs", "/artifacts", "/artifacts/result.json", "/patch", "/request"].map(
      (part) => `/runs/${id}${part}`,
    ),
    ...["/runs", "/conversations", "/usage", "/runs?status=succeeded"],
  ];
  for (const path of paths) await answered(stage, path);
  await answered(stage, `/runs/${id}/archive`, { method: "POST" });
  await answered(stage, "/tokens", { method: "POST" });
}

async function agents(stage: Stage): Promise<void> {
  const settings = { maxTurns: 5 };
  const made = await answered(stage, "/agents", { json: { name: "one", settings } });
  const { id } = JSON.parse(made) as { id: string };
  await answered(stage, "/agents");
  await answered(stage, `/agents/${id}/versions`);
  await ended(stage, await send(stage, "echo agent", { agent: { id } }));
  await answered(stage, `/agents/${id}/archive`, { method: "POST" });
}

/** What is no message of ours, on each topic. */
async function deadLetters({ world, saw }: Stage, { id }: Run): Promise<void> {
  const ofRun = JSON.stringify({ runId: id, attempt: "none" });
  for (const [topic, data] of [
    [TOPICS.cloudBuilds, "no JSON"],
    [TOPICS.runRequests, ofRun],
    [TOPICS.runDeliveries, "no JSON"],
    [TOPICS.webhookDeliveries, "no JSON"],
  ] as const) {
    await world.pubsub.topic(topic).publishMessage({ data: Buffer.from(data) });
  }
  for (const verb of ["create", "get"]) {
    await eventually(() => expect(saw("keepDeadLetter", `datastore.entities.${verb}`)).toBe(true));
  }
}

async function cancelAtWork(stage: Stage): Promise<void> {
  const run = await send(stage, "wait 100 seconds");
  await atWork(stage, run);
  await answered(stage, `/runs/${run.id}/cancel`, { method: "POST" });
  expect((await ended(stage, run)).status).toBe("cancelled");
}

/** A run past its deadline, whose build the sweep ends. */
async function overdue(stage: Stage): Promise<void> {
  const run = await send(stage, "wait 100 seconds");
  await atWork(stage, run);
  const { firestore, local } = stage.world;
  const slots = firestore.collection(COLLECTIONS.slots).where("holder.runId", "==", run.id);
  for (const slot of (await slots.get()).docs) await slot.ref.update({ dueAt: PAST });
  await local.tick();
  await state(stage, run).update({ dueAt: PAST, deadlineAt: PAST });
  await local.tick();
  await ended(stage, run);
}

async function refused(stage: Stage): Promise<void> {
  stage.wrong.create = true;
  const run = await ended(stage, await send(stage, "echo refused"));
  stage.wrong.create = false;
  expect(run.status).toBe("failed");
}

/** Whoever learns that a turn gets no build tells of the next one. */
async function refusedTurn(stage: Stage): Promise<void> {
  const { world, wrong } = stage;
  wrong.publish = true;
  const first = await send(stage, "echo refused");
  const path = `/conversations/${first.conversation.id}/runs`;
  const json = { prompt: "echo next", onBusy: "queue" };
  const second = JSON.parse(await answered(stage, path, { json })) as Run;
  await sleep(200);
  Object.assign(wrong, { publish: false, create: true });
  await state(stage, first).update({ dueAt: PAST });
  await world.local.tick();
  expect((await ended(stage, first)).status).toBe("failed");
  wrong.create = false;
  await ended(stage, second);
}

/** Accepted, and no message tells so. */
async function unpublished(stage: Stage): Promise<void> {
  stage.wrong.publish = true;
  const run = await send(stage, "echo unpublished");
  await sleep(200);
  stage.wrong.publish = false;
  await state(stage, run).update({ dueAt: PAST });
  await stage.world.local.tick();
  expect((await ended(stage, run)).status).toBe("succeeded");
}

/** Whoever creates the build learns then that nobody wants it. */
async function cancelWhileCreated(stage: Stage): Promise<void> {
  stage.wrong.slowCreate = true;
  await eventually(async () => {
    const run = await send(stage, "wait 100 seconds");
    await eventually(async () => {
      expect((await state(stage, run).get()).get("phase")).toBe("submitting");
    });
    await answered(stage, `/runs/${run.id}/cancel`, { method: "POST" });
    await ended(stage, run);
    expect(stage.saw("submitBuild", "cloudbuild.builds.update")).toBe(true);
  }, 60);
  stage.wrong.slowCreate = false;
}

/** A target of which nobody knows whether it answers: it is asked for a sign of life. */
async function inDoubt(stage: Stage): Promise<void> {
  const target = stage.world.firestore.doc(`${COLLECTIONS.targets}/local`);
  await eventually(async () => {
    await target.update({ unknowns: CAPACITY.unknowns });
    expect((await ended(stage, await send(stage, "echo doubt"))).status).toBe("succeeded");
    expect(stage.saw("submitBuild", "cloudbuild.builds.list")).toBe(true);
  }, 60);
}

/** A report of a build that is over, with the token that its input has. */
async function lateReport(stage: Stage, run: Run): Promise<void> {
  const bucket = stage.world.storage.bucket("runyard-local");
  const [files] = await bucket.getFiles({ prefix: `attempts/${run.id}/` });
  const input = files.find(({ name }) => name.endsWith(".tar.gz"));
  const [archive] = (await input?.download()) ?? [];
  const entries = await unpackTar(gunzipSync(archive ?? Buffer.alloc(0)));
  const attempt = entries.find(({ header }) => header.name === INPUT_FILES.attempt);
  const { progress } = JSON.parse(Buffer.from(attempt?.data ?? []).toString()) as AttemptInput;
  const { id: buildId } = (await state(stage, run).get()).get("build") as { id: string };
  const response = await fetch(progress.url, {
    method: "POST",
    headers: { authorization: `Bearer ${progress.token}`, "content-type": "application/json" },
    body: JSON.stringify({ attempt: 1, buildId, text: "", turn: 0 }),
  });
  expect(response.status).toBe(409);
}

/**
 * Builds that nobody needs: a second one of a run, and one that is there when its run is deleted.
 */
async function strays(stage: Stage, { id }: Run): Promise<void> {
  const { world, builds, saw } = stage;
  const [all] = await builds.listBuilds({ parent: PARENT, projectId: "runyard-local" });
  const own = all.find(({ tags }) => tags?.includes(id));
  const { source = null, steps = null, tags = null, options = null } = own ?? {};
  const { serviceAccount = null, logsBucket = null, availableSecrets = null } = own ?? {};
  expect(tags).toContain(PRODUCT_TAG);
  const stray = { source, steps, tags, serviceAccount, logsBucket, availableSecrets, options };
  const create = () =>
    builds.createBuild({ parent: PARENT, projectId: "runyard-local", build: stray });
  await eventually(async () => {
    await create();
    await eventually(
      () => expect(saw("recordBuildStatus", "cloudbuild.builds.update")).toBe(true),
      2,
    );
  });
  stage.wrong.deaf = true;
  await eventually(async () => {
    await create();
    await world.call(`/runs/${id}`, { method: "DELETE" });
    expect(saw("api", "cloudbuild.builds.update")).toBe(true);
  });
  stage.wrong.deaf = false;
  // What an operator or an age has deleted already.
  await world.storage.bucket(LOCAL.logsBucket).deleteFiles({ force: true });
  await eventually(async () => {
    const { status } = await world.call(`/runs/${id}`, { method: "DELETE" });
    expect(status).toBe(204);
  });
}
