import { sha256 } from "../../shared/hash.ts";
import { COLLECTIONS, TOPICS } from "../../shared/names.ts";
import { EVENT_MESSAGE_BYTES } from "../../shared/triggers/event-object.ts";
import { eventually } from "./eventually.ts";
import { github, writeHook } from "./hooks.ts";
import type { World } from "./world.ts";

/** Uploads a file, and returns what a request names it by. */
export async function uploaded(world: World, path: string, content: string) {
  const json = { sha256: sha256(content), sizeBytes: content.length };
  const announced = await world.call("/uploads", { json });
  const { id, url, headers } = (await announced.json()) as {
    id: string;
    url: string;
    headers: Record<string, string>;
  };
  const sent = await fetch(url, { method: "PUT", headers, body: content });
  expect([announced.status, sent.status]).toEqual([201, 200]);
  return { path, upload: id };
}

/** Nobody has noted that a run's changes of status were told: the sweep tells them. */
export async function toldBySweep(world: World, runId: string): Promise<void> {
  const past = new Date(0);
  const state = world.firestore.doc(`runState/${runId}`);
  await state.update({ told: 0, tellAt: past, dueAt: past });
  await world.local.tick();
  await eventually(async () => expect((await state.get()).get("tellAt") ?? null).toBeNull());
}

/** A hook whose delivery is more than a message carries. */
export async function hooked(world: World): Promise<void> {
  const secret = "secret";
  const id = await writeHook(world, { verify: { scheme: "github" }, current: secret });
  const body = JSON.stringify("x".repeat(EVENT_MESSAGE_BYTES));
  const url = `${world.local.address.apiUrl}/hooks/${id}`;
  const response = await fetch(url, { method: "POST", headers: github(secret, body), body });
  expect([response.status, await response.text()]).toEqual([202, expect.any(String)]);
}

/** An event starts a run, another ends it to start its own; and what is no event at all. */
export async function startedByEvents(
  world: World,
  saw: (account: string, permission: string) => boolean,
): Promise<void> {
  const source = { kind: "event", type: "com.example.thing.v1" };
  const json = { name: "things", source, overlap: "cancel", prompt: "wait 100 seconds" };
  expect((await world.call("/triggers", { json })).status).toBe(201);
  const topic = world.pubsub.topic(TOPICS.triggerEvents);
  for (const id of ["one", "two"]) {
    const attributes = {
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-source": "//example/inbox",
      "ce-type": source.type,
    };
    await topic.publishMessage({ attributes, data: Buffer.from("{}") });
    await eventually(async () => {
      const runs = await startedRuns(world, "running");
      expect(runs.map((run) => run.get("origin.depth"))).toEqual([1]);
      const firing = await world.firestore.doc(`firings/${runs[0]?.get("origin.firingId")}`).get();
      expect(firing.get("event.id")).toBe(id);
    }, 60);
  }
  await world.pubsub.topic(TOPICS.triggerFires).publishMessage({ data: Buffer.from("no JSON") });
  await eventually(() => expect(saw("receiveEvent", "pubsub.topics.publish")).toBe(true));
  for (const run of await startedRuns(world, "running")) {
    await world.call(`/runs/${run.id}/cancel`, { method: "POST" });
  }
  await eventually(async () => expect(await startedRuns(world, "running")).toEqual([]), 60);
}

async function startedRuns(world: World, phase: string) {
  const states = await world.firestore.collection(COLLECTIONS.runStates).get();
  return states.docs.filter(
    (one) => one.get("origin.depth") !== undefined && one.get("phase") === phase,
  );
}
