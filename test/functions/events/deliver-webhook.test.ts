import { Webhook } from "standardwebhooks";
import { webhookOf } from "../../../functions/api/accept/webhook.ts";
import { applyEvent } from "../../../functions/attempts/settle-attempt.ts";
import { sweepDeliveries } from "../../../functions/events/sweep-deliveries.ts";
import type { Services } from "../../../functions/services/services.ts";
import { deliveryId } from "../../../shared/documents/delivery.ts";
import { AppError } from "../../../shared/errors.ts";
import { WEBHOOK_LIMITS } from "../../../shared/events/webhook-limits.ts";
import { withStatus } from "./endpoint.ts";
import { eventOf, startWebhookWorld, type WebhookWorld } from "./webhook-world.ts";

// One world for the file: each test has an owner of its own, and a world costs seconds.
let world: WebhookWorld;
beforeAll(async () => {
  world = await startWebhookWorld();
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  world.endpoint.answer(withStatus(204));
  for (const list of [world.asked, world.told, world.endpoint.received]) list.length = 0;
});

/** A webhook of a new owner, with a delivery of which nothing was tried yet. */
async function delivered(of: object = {}) {
  const { owner, call, webhook } = await world.newOwner();
  const hook = await webhook(of);
  const event = eventOf(owner);
  await world.tell(event);
  const id = deliveryId(hook.id, event.attributes["ce-id"] ?? "");
  return { owner, call, hook, event, id, first: { deliveryId: id, attempts: 0 } };
}

/** As if so many seconds had gone by since a webhook began to fail. */
const failingFor = (seconds: number) => ({
  failingSince: new Date(Date.now() - seconds * 1000),
  nextProbeAt: new Date(Date.now() - 1000),
});

test("a change of status is a signed CloudEvent at each webhook that wants it", async () => {
  const { hook, event, id, first } = await delivered({ headers: { Authorization: "Bearer own" } });
  expect(world.asked).toEqual([first]);
  await world.attempt(first);
  const [{ headers, body, path } = { headers: {}, body: "", path: "" }] = world.endpoint.received;
  expect(path).toBe("/hook");
  expect(headers).toMatchObject({
    "webhook-id": id,
    "content-type": "application/cloudevents+json; charset=utf-8",
    "user-agent": "Runyard-Webhooks/1",
    authorization: "Bearer own",
  });
  expect(new Webhook(hook.secret).verify(body, headers as Record<string, string>)).toMatchObject({
    specversion: "1.0",
    id: event.attributes["ce-id"],
    type: "runyard.run.succeeded.v1",
    sequence: "0000000004",
    data: JSON.parse(JSON.stringify(event.json)),
  });
  const delivery = await world.deliveryOf(id);
  expect(delivery).toMatchObject({ status: "delivered", attempts: 1, dueAt: null });
  expect(delivery.log).toMatchObject([{ status: 204, error: null }]);
});

test.each([
  ["another owner's", {}, (owner: string) => eventOf(`${owner}x`)],
  ["a status that is not final", {}, (owner: string) => eventOf(owner, "running")],
  ["another status", { events: ["runyard.run.failed.v1"] }, (owner: string) => eventOf(owner)],
  ["a run without the label", { labels: { a: "b" } }, (owner: string) => eventOf(owner)],
  ["no run of the agent", { agent: `agent_${"0".repeat(22)}` }, (owner: string) => eventOf(owner)],
  ["what comes while it is disabled", { enabled: false }, (owner: string) => eventOf(owner)],
])("%s is not delivered", async (_what, of, event) => {
  const { owner, webhook } = await world.newOwner();
  await webhook(of);
  await world.tell(event(owner));
  expect(world.asked).toEqual([]);
});

test("a webhook that cannot be looked up now is not said to be missing", async () => {
  const gone = new AppError("unavailable", { detail: "Firestore is away" });
  const { webhooks } = world.services;
  const away = Object.assign(Object.create(webhooks), { get: () => Promise.reject(gone) });
  const services = { ...world.services, webhooks: away };
  await expect(webhookOf(services, "owner", `whk_${"0".repeat(22)}`)).rejects.toBe(gone);
});

test("a webhook that a run names is told of it, and of no other", async () => {
  const { owner, call, webhook } = await world.newOwner();
  const { id } = await webhook({ labels: { only: "named" } });
  const other = await call("POST /runs", { prompt: "echo", webhook: `whk_${"0".repeat(22)}` });
  expect(other.body.errors).toEqual([
    { pointer: "/webhook", detail: `there is no webhook whk_${"0".repeat(22)}` },
  ]);
  const run = (await call("POST /runs", { prompt: "echo", webhook: id })).body;
  const told = [];
  for (const runId of [run.id, (await call("POST /runs", { prompt: "echo" })).body.id]) {
    await applyEvent(world.services, runId, { type: "cancel" });
    told.push(...world.told.splice(0));
  }
  for (const event of told) await world.tell(event);
  const ended = `${run.id}-${(await call(`GET /runs/${run.id}`)).body.history.at(-1).version}`;
  expect(world.asked.map(({ deliveryId: one }) => one)).toEqual([deliveryId(id, ended)]);
  expect(told.length).toBeGreaterThan(2);
  expect(owner).toBe(run.owner);
});

test("an event that comes again, and an attempt that comes again, make nothing new", async () => {
  const { event, first } = await delivered();
  await world.tell(event);
  await Promise.all([world.attempt(first), world.attempt(first)]);
  await world.attempt(first);
  const sent = world.endpoint.received.length;
  expect(sent).toBeLessThanOrEqual(2);
  expect(new Set(world.endpoint.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  expect(await world.deliveryOf(first.deliveryId)).toMatchObject({ attempts: 1 });
});

test("what fails is tried again when it is due, and the sweep asks for it", async () => {
  const { hook, first } = await delivered();
  world.endpoint.answer(withStatus(503, { "retry-after": "600" }, "later"));
  await world.attempt(first);
  const failed = await world.deliveryOf(first.deliveryId);
  expect(failed).toMatchObject({ status: "pending", attempts: 1 });
  expect(failed.log).toMatchObject([{ status: 503, error: "It answered 503.", answer: "later" }]);
  const inSeconds = ((failed.dueAt?.getTime() ?? 0) - Date.now()) / 1000;
  expect(inSeconds).toBeGreaterThan(590);
  expect((await world.webhookOf(hook.id)).failingSince).not.toBeNull();
  const past = new Date(Date.now() - 1000);
  await world.set(`deliveries/${first.deliveryId}`, { dueAt: past });
  await world.set(`webhooks/${hook.id}`, { nextProbeAt: past });
  world.asked.length = 0;
  const now = new Date();
  await sweepDeliveries(world.services, { now, until: new Date(now.getTime() + 5000) });
  const second = { deliveryId: first.deliveryId, attempts: 1 };
  expect(world.asked).toContainEqual(second);
  world.endpoint.answer(withStatus(204));
  await world.attempt(second);
  expect(await world.deliveryOf(first.deliveryId)).toMatchObject({ status: "delivered" });
  expect(await world.webhookOf(hook.id)).toMatchObject({ failingSince: null, failures: 0 });
});

test("while an endpoint fails one delivery probes, and the others wait unspent", async () => {
  const { owner, hook, first } = await delivered();
  world.endpoint.answer(() => {});
  await world.attempt(first);
  const event = eventOf(owner, "failed", { id: `run_${"1".repeat(22)}` });
  await world.tell(event);
  const other = deliveryId(hook.id, event.attributes["ce-id"] ?? "");
  await world.attempt({ deliveryId: other, attempts: 0 });
  expect(world.endpoint.received).toHaveLength(1);
  const waiting = await world.deliveryOf(other);
  expect(waiting).toMatchObject({ status: "pending", attempts: 0, log: [] });
  const { nextProbeAt } = await world.webhookOf(hook.id);
  expect(waiting.dueAt).toEqual(nextProbeAt);
  // Of two that come when it is due, one is sent.
  await world.set(`webhooks/${hook.id}`, { nextProbeAt: new Date(Date.now() - 1) });
  await Promise.all([
    world.attempt({ deliveryId: other, attempts: 0 }),
    world.attempt({ deliveryId: first.deliveryId, attempts: 1 }),
  ]);
  expect(world.endpoint.received).toHaveLength(2);
});

test("a dead endpoint takes no other's turn, and no more than its share", async () => {
  const dead = await delivered({ url: `${world.endpoint.url}/dead` });
  const good = await delivered();
  world.endpoint.answer((response, { path }) => path !== "/dead" && response.writeHead(204).end());
  const services = { ...world.services, timers: { ...world.services.timers, after: soon } };
  const dying = await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const event = eventOf(dead.owner, "failed", { id: `run_${String(n).padStart(22, "0")}` });
      await world.tell(event);
      return { deliveryId: deliveryId(dead.hook.id, event.attributes["ce-id"] ?? ""), attempts: 0 };
    }),
  );
  const atDead = dying.map((message) => world.attempt(message, services));
  await world.attempt(good.first, services);
  expect(await world.deliveryOf(good.id)).toMatchObject({ status: "delivered" });
  await Promise.all(atDead);
  const sent = world.endpoint.received.filter(({ path }) => path === "/dead");
  expect(sent.length).toBeLessThanOrEqual(WEBHOOK_LIMITS.atOnce);
});

/** Patience of a moment. */
function soon(_ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, 20);
  return () => clearTimeout(timer);
}

test("410 disables, which is told, and what waits is given up", async () => {
  const { owner, call, hook, first } = await delivered();
  const { body: watcher } = await call("POST /webhooks", {
    url: `${world.endpoint.url}/watch`,
    events: ["runyard.webhook.disabled.v1"],
  });
  world.endpoint.answer(withStatus(410));
  await world.attempt(first);
  expect(await world.webhookOf(hook.id)).toMatchObject({
    enabled: false,
    disabledWhy: "The endpoint answered 410: it is gone.",
    untold: false,
  });
  expect(await world.deliveryOf(first.deliveryId)).toMatchObject({ status: "failed" });
  const [told] = world.told;
  expect(told?.attributes["ce-type"]).toBe("runyard.webhook.disabled.v1");
  expect(told?.json).toMatchObject({ id: hook.id, owner });
  world.asked.length = 0;
  await world.tell(told as NonNullable<typeof told>);
  expect(world.asked.map(({ deliveryId: id }) => id)).toEqual([
    deliveryId(watcher.id, told?.attributes["ce-id"] ?? ""),
  ]);
});

test("three days of failure disable, and the schedule's end gives a delivery up", async () => {
  const { hook, first } = await delivered();
  world.endpoint.answer(withStatus(500));
  await world.set(`webhooks/${hook.id}`, failingFor(WEBHOOK_LIMITS.failing - 60));
  await world.set(`deliveries/${first.deliveryId}`, { attempts: 9 });
  await world.attempt({ ...first, attempts: 9 });
  expect(await world.deliveryOf(first.deliveryId)).toMatchObject({ status: "failed" });
  expect(await world.webhookOf(hook.id)).toMatchObject({ enabled: true });
  await world.set(`webhooks/${hook.id}`, failingFor(WEBHOOK_LIMITS.failing + 60));
  await world.set(`deliveries/${first.deliveryId}`, { status: "pending" });
  await world.attempt({ ...first, attempts: 10 });
  expect(await world.webhookOf(hook.id)).toMatchObject({
    enabled: false,
    disabledWhy: "Every attempt of three days has failed.",
  });
});

test("secrets stand in no document, no answer and no line, even if the endpoint says them", async () => {
  const headers = { Authorization: "Bearer doors-open" };
  const { call, hook, first } = await delivered({ headers });
  world.endpoint.answer((response, { headers: sent }) =>
    response.writeHead(500).end(`${sent.authorization} ${hook.secret}`),
  );
  await world.attempt(first);
  await call(`POST /webhooks/${hook.id}/rotate`);
  const documents = await Promise.all(
    ["webhooks", "deliveries"].map((name) => world.api.firestore.collection(name).get()),
  );
  const lists = await Promise.all(
    ["/webhooks", `/webhooks/${hook.id}`, `/webhooks/${hook.id}/deliveries`].map((path) =>
      call(`GET ${path}`),
    ),
  );
  const seen = JSON.stringify([
    documents.map(({ docs }) => docs.map((document) => document.data())),
    lists.map(({ body }) => body),
    world.api.logged,
    world.api.pipeline.log,
  ]);
  expect(seen).toContain("It answered 500.");
  expect(seen).not.toContain("doors-open");
  expect(seen).not.toContain("whsec_");
});

/** The services, of whose calls the `n`th throws before or after it was made. */
function dying(services: Services, n: number, when: "before" | "after"): Services {
  let calls = 0;
  const step = async <T>(act: () => Promise<T>): Promise<T> => {
    calls += 1;
    if (calls === n && when === "before") throw new Error("died");
    const made = await act();
    if (calls === n) throw new Error("died");
    return made;
  };
  const { webhooks, deliveries, publisher, webhookSender } = services;
  return {
    ...services,
    webhooks: {
      ...webhooks,
      get: (id) => step(() => webhooks.get(id)),
      list: (owner, part) => step(() => webhooks.list(owner, part)),
      transact: (id, change) => step(() => webhooks.transact(id, change)),
    } as Services["webhooks"],
    deliveries: {
      ...deliveries,
      get: (id) => step(() => deliveries.get(id)),
      create: (delivery) => step(() => deliveries.create(delivery)),
      transact: (id, decide) => step(() => deliveries.transact(id, decide)),
    } as Services["deliveries"],
    publisher: {
      ...publisher,
      publishEvent: (message) => step(() => publisher.publishEvent(message)),
      publishDelivery: (message) => step(() => publisher.publishDelivery(message)),
    },
    webhookSender: { post: (request) => step(() => webhookSender.post(request)) },
  };
}

const DEATHS = Array.from({ length: 7 }, (_, n) => n + 1).flatMap((n) => [
  [n, "before" as const] as const,
  [n, "after" as const] as const,
]);

test.each(DEATHS)("whoever dies at call %i, %s it: each event arrives", async (n, when) => {
  const { owner, webhook } = await world.newOwner();
  const hook = await webhook();
  const event = eventOf(owner);
  const id = deliveryId(hook.id, event.attributes["ce-id"] ?? "");
  await world.tell(event, dying(world.services, n, when)).catch(() => {});
  // Pub/Sub delivers again what was not acknowledged; also after the sweep has asked.
  await world.tell(event);
  const first = { deliveryId: id, attempts: 0 };
  await world.attempt(first, dying(world.services, n, when)).catch(() => {});
  await world.attempt(first);
  expect(await world.deliveryOf(id)).toMatchObject({ status: "delivered", attempts: 1 });
  expect(world.endpoint.received.length).toBeGreaterThan(0);
});

test.each(DEATHS)("whoever dies at call %i, %s it: a disabling is told", async (n, when) => {
  const { hook, first } = await delivered();
  world.endpoint.answer(withStatus(410));
  await world.attempt(first, dying(world.services, n, when)).catch(() => {});
  await world.attempt(first);
  expect(await world.webhookOf(hook.id)).toMatchObject({ enabled: false, untold: false });
  const ids = world.told.map(({ attributes }) => attributes["ce-id"]);
  expect(new Set(ids).size).toBe(1);
});
