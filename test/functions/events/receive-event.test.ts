import { sweep } from "../../../functions/attempts/sweep.ts";
import { receiveEvent } from "../../../functions/events/receive-event.ts";
import type { Services } from "../../../functions/services/services.ts";
import { statusEvent } from "../../../shared/documents/status-event.ts";
import { TOPICS } from "../../../shared/names.ts";
import type { Fires } from "../../../shared/triggers/fires.ts";
import type { Trigger } from "../../../shared/triggers/trigger.ts";
import { startPipeline } from "../../support/pipeline.ts";
import { makeEvent, SOURCE, storeTrigger, withNotes } from "../../support/triggers.ts";

/** A push of Pub/Sub, as `receiveEvent` is sent it. */
function push(topic: string, message: { attributes?: Record<string, string>; json: unknown }) {
  const { attributes = {}, json } = message;
  const data = Buffer.from(typeof json === "string" ? json : JSON.stringify(json));
  const body = {
    message: { data: data.toString("base64"), attributes, messageId: "7" },
    subscription: `projects/p/subscriptions/${topic}`,
  };
  return {
    path: `/projects/p/topics/${topic}`,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(body)),
  };
}

const ceAttributes = (id: string) => ({
  "ce-specversion": "1.0",
  "ce-id": id,
  "ce-source": SOURCE,
  "ce-type": makeEvent(id).type,
  "content-type": "application/json",
});

const firings = (services: Services, { id }: Trigger) =>
  services.triggers.listFirings({ triggerId: id }, { limit: 100 });

/** What was published to `trigger-fires` is delivered, and delivered again. */
async function deliver(services: Services, fires: Fires[]): Promise<void> {
  const messages = fires.splice(0);
  for (const json of [...messages, ...messages.toReversed()]) {
    await receiveEvent(services, push(TOPICS.triggerFires, { json }));
  }
}

test("events find their triggers however they come, and schedules and runs fire theirs", async () => {
  await using pipeline = await startPipeline();
  const { services, fires, attempts, told, dead } = withNotes(pipeline.services);
  await fromTopic(services, fires);
  expect(dead).toHaveLength(3);
  await paged(services, fires);
  await byHttp(services, fires);
  await ofOurOwn(services, fires);
  await ofRuns(services, fires, pipeline.accept);
  await dying(services, fires, attempts);
  await scheduled(services);
  await pausedTold(services, told);
}, 240_000);

async function fromTopic(services: Services, fires: Fires[]): Promise<void> {
  const trigger = await storeTrigger(services);
  const plain = await storeTrigger(services, {
    source: { kind: "event", type: "google.cloud.pubsub.topic.v1.messagePublished" },
    prompt: "{{ event.data.message.data.name }}",
  });
  const one = { attributes: ceAttributes("1"), json: { name: "one" } };
  await receiveEvent(services, push(TOPICS.triggerEvents, one));
  await receiveEvent(services, push(TOPICS.triggerEvents, { json: { name: "plain" } }));
  expect(fires).toMatchObject([{ triggerIds: [trigger.id] }, { triggerIds: [plain.id] }]);
  await deliver(services, fires);
  for (const [at, name] of [
    [trigger, "Look at one"],
    [plain, "plain"],
  ] as const) {
    const [firing, ...others] = await firings(services, at);
    expect([firing?.outcome, others]).toEqual(["matched", []]);
    const request = await services.runs.getRequest(firing?.runId ?? "");
    expect(request?.prompt.startsWith(name)).toBe(true);
  }
  // What no repetition mends is put away, and passes.
  await receiveEvent(services, push(TOPICS.triggerFires, { json: { triggerIds: "all" } }));
  await receiveEvent(services, push(TOPICS.triggerFires, { json: "no JSON" }));
  const nothing = push(TOPICS.triggerFires, { json: { triggerIds: [], object: "events/none" } });
  await receiveEvent(services, nothing);
  expect(fires).toEqual([]);
}

async function paged(services: Services, fires: Fires[]): Promise<void> {
  const type = "com.example.many.v1";
  const made = Array.from({ length: 51 }, () =>
    storeTrigger(services, { source: { kind: "event", type }, filter: "false" }),
  );
  const triggers = await Promise.all(made);
  const large = { name: "x".repeat(300_000) };
  const attributes = { ...ceAttributes("1"), "ce-type": type };
  await receiveEvent(services, push(TOPICS.triggerEvents, { attributes, json: large }));
  const pages = fires.map((page) => ("triggerIds" in page ? page.triggerIds.length : 0));
  expect(pages.sort((a, b) => b - a)).toEqual([50, 1]);
  expect(fires.every((page) => "object" in page)).toBe(true);
  await deliver(services, fires);
  const found = await Promise.all(triggers.map((trigger) => firings(services, trigger)));
  expect(found.every(([firing]) => firing?.outcome === "filtered")).toBe(true);
}

async function byHttp(services: Services, fires: Fires[]): Promise<void> {
  const event = {
    specversion: "1.0",
    id: "h",
    source: SOURCE,
    type: makeEvent("h").type,
    data: {},
  };
  const headers = { "content-type": "application/cloudevents+json" };
  const body = Buffer.from(JSON.stringify(event));
  await receiveEvent(services, { path: "/", headers, body });
  expect(fires.splice(0)).toMatchObject([{ event: { id: "h" } }]);
  const broken = { path: "/", headers, body: Buffer.from("{") };
  await expect(receiveEvent(services, broken)).rejects.toMatchObject({ code: "malformed_json" });
}

/** What our own runs write, and what only looks like a run's end, starts nothing. */
async function ofOurOwn(services: Services, fires: Fires[]): Promise<void> {
  const own = [
    { "ce-type": "runyard.run.succeeded.v1" },
    { "ce-source": "//storage.googleapis.com/projects/_/buckets/bucket" },
  ];
  for (const more of own) {
    await storeTrigger(services, {
      source: { kind: "event", type: more["ce-type"] ?? makeEvent("").type },
    });
    const attributes = { ...ceAttributes("1"), ...more };
    await receiveEvent(services, push(TOPICS.triggerEvents, { attributes, json: {} }));
  }
  expect(fires).toEqual([]);
}

async function ofRuns(
  services: Services,
  fires: Fires[],
  accept: Awaited<ReturnType<typeof startPipeline>>["accept"],
): Promise<void> {
  const source = { kind: "run", status: "succeeded" } as const;
  const trigger = await storeTrigger(services, { source, prompt: "after {{ event.subject }}" });
  await storeTrigger(services, { source, owner: "another" });
  const { run } = await accept();
  const change = { version: 5, status: "succeeded", at: new Date(), cause: "test" } as const;
  const ended = { ...run, status: "succeeded", done: true } as const;
  const told = statusEvent(ended, change, { source: services.eventSource, depth: 2 });
  await receiveEvent(services, push(TOPICS.runEvents, told));
  expect(fires).toMatchObject([{ triggerIds: [trigger.id] }]);
  await deliver(services, fires);
  const [firing] = await firings(services, trigger);
  expect(firing).toMatchObject({ outcome: "matched", depth: 3 });
}

const bound = ({ firings: store }: Services): Services["firings"] => ({
  fire: (order) => store.fire(order),
  roomOf: (trigger, of) => store.roomOf(trigger, of),
  todayOf: (...asked) => store.todayOf(...asked),
  aheadOf: (record) => store.aheadOf(record),
  countFiltered: (...asked) => store.countFiltered(...asked),
});

/** Whatever call is the last of a delivery, the next one does what is left. */
async function dying(
  services: Services,
  fires: Fires[],
  attempts: { runId: string }[],
): Promise<void> {
  const type = "com.example.dying.v1";
  const trigger = await storeTrigger(services, { source: { kind: "event", type } });
  const arrived = push(TOPICS.triggerEvents, {
    attributes: { ...ceAttributes("1"), "ce-type": type },
    json: { name: "one" },
  });
  const dies = async () => Promise.reject(new Error("the process died"));
  const { publisher } = services;
  const deaf = { ...services, publisher: { ...publisher, publishFires: dies } };
  await expect(receiveEvent(deaf, arrived)).rejects.toThrow("died");
  await receiveEvent(services, arrived);
  const [message] = fires.splice(0);
  const fired = push(TOPICS.triggerFires, { json: message });
  const lame: Partial<Services>[] = [
    { events: { ...services.events, keep: dies, read: dies } },
    { firings: { ...bound(services), roomOf: dies } },
    { firings: { ...bound(services), fire: dies } },
    { firings: { ...bound(services), fire: (order) => bound(services).fire(order).then(dies) } },
    { publisher: { ...publisher, publishAttempt: dies } },
  ];
  attempts.length = 0;
  for (const part of lame) {
    await expect(receiveEvent({ ...services, ...part }, fired)).rejects.toThrow("died");
  }
  expect(attempts).toEqual([]);
  await receiveEvent(services, fired);
  const [firing, ...others] = await firings(services, trigger);
  expect([firing?.outcome, others]).toEqual(["matched", []]);
  expect(attempts.map(({ runId }) => runId)).toEqual([firing?.runId]);
}

async function scheduled(services: Services): Promise<void> {
  const dueAt = new Date(Math.floor(Date.now() / 60_000) * 60_000);
  const source = { kind: "schedule", cron: "* * * * *" } as const;
  const trigger = await storeTrigger(services, { source, dueAt, prompt: "{{ event.time }}" });
  await Promise.all([sweep(services), sweep(services)]);
  const found = await firings(services, trigger);
  expect(found.map(({ event, outcome }) => [event.id, outcome])).toEqual([
    [`${trigger.id}/${dueAt.toISOString()}`, "matched"],
  ]);
  const after = await services.triggers.get(trigger.id);
  expect(after?.dueAt?.getTime()).toBeGreaterThan(dueAt.getTime());
  // A tick that was shared out, and that somebody has fired meanwhile, is done with.
  const late = { triggerId: trigger.id, tick: dueAt.toISOString() };
  await receiveEvent(services, push(TOPICS.triggerFires, { json: late }));
  expect(await firings(services, trigger)).toHaveLength(1);
  const missed = await storeTrigger(services, { source, dueAt: new Date(0) });
  await sweep(services);
  const moved = await services.triggers.get(missed.id);
  expect(moved?.dueAt?.getTime()).toBeGreaterThan(Date.now() - 600_000);
}

/** That a trigger has paused itself is told until it is noted. */
async function pausedTold(services: Services, told: Record<string, string>[]): Promise<void> {
  const paused = await storeTrigger(services, { pausedWhy: "so", dueAt: new Date(0) });
  await sweep(services);
  await sweep(services);
  const events = told.filter((attributes) => attributes["ce-subject"] === paused.id);
  expect(events).toMatchObject([{ "ce-type": "runyard.trigger.paused.v1" }]);
}
