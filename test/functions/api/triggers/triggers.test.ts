import { createHash } from "node:crypto";
import type { Trigger } from "../../../../client/types.ts";
import { ask, otherOwner } from "../../../support/api.ts";
import { storedFiring } from "../../../support/stored-firing.ts";
import { startWorld, type World } from "../../../support/world.ts";

// One world for the file: each trigger stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  const grants = [
    { source: "//storage/in", type: "stored", subject: "objects/a/", owners: ["local"] },
  ];
  const settings = { RUNYARD_EVENT_GRANTS: JSON.stringify(grants) };
  world = await startWorld({ concurrentBuilds: 1, settings });
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

function call(line: string, body?: object, headers: Record<string, string> = {}) {
  const type = line.startsWith("PATCH") && { "content-type": "application/merge-patch+json" };
  return ask(world, line, { headers: { ...type, ...headers }, ...(body && { body }) });
}

const SCHEDULE = { kind: "schedule", cron: "0 3 * * *", timeZone: "Europe/Berlin" };
const NIGHTLY = { name: "nightly", source: SCHEDULE, prompt: "Look at the tests." };
const HOOK = {
  name: "hook",
  source: { kind: "webhook", verify: { scheme: "github" } },
  prompt: "{{ event.data.a }}",
};
const created = async (json: object) => (await call("POST /triggers", json)).body as Trigger;
const patch = (id: string, json: object) =>
  call(`PATCH /triggers/${id}`, json, { "if-match": "*" });
const stored = async (id: string) => (await world.firestore.doc(`triggers/${id}`).get()).data();

describe("POST /v1/triggers", () => {
  test("stores a trigger with every default, says where it is and when it ticks", async () => {
    const { status, body, headers } = await call("POST /triggers", NIGHTLY);
    expect({ status, body }).toMatchObject({
      status: 201,
      body: {
        ...NIGHTLY,
        owner: "local",
        revision: 1,
        filter: null,
        overlap: "allow",
        limits: { runsPerHour: 60, runsPerDay: 500 },
        enabled: true,
        pausedWhy: null,
        hook: null,
        dueAt: expect.stringMatching(/T0[12]:00:00.000Z$/),
      },
    });
    expect(headers.get("location")).toBe(`/v1/triggers/${body.id}`);
    expect(headers.get("etag")).toBe('"1"');
    const read = { ...body, today: { runs: 0, usd: null } };
    expect((await call(`GET /triggers/${body.id}`)).body).toEqual(read);
    expect((await call("GET /triggers")).body.items).toContainEqual(read);
  });

  test("makes a hook's secret, shows it once and keeps it sealed or as its hash", async () => {
    const hook = await created(HOOK);
    expect(hook.hook).toEqual({ path: `/v1/hooks/${hook.id}`, previousUntil: null });
    expect(hook.secret).toMatch(/^[\w-]{43}$/);
    expect((await call(`GET /triggers/${hook.id}`)).body.secret).toBeUndefined();
    expect((await stored(hook.id))?.["secrets"].current).toMatch(/^v1\./);
    const standard = { kind: "webhook", verify: { scheme: "standard" } };
    expect((await created({ ...HOOK, source: standard })).secret).toMatch(/^whsec_[\w+/]{43}=$/);
    const bearer = await created({
      ...HOOK,
      source: { kind: "webhook", verify: { scheme: "bearer" } },
    });
    const hash = createHash("sha256")
      .update(bearer.secret ?? "")
      .digest("hex");
    expect((await stored(bearer.id))?.["secrets"].current).toBe(hash);
  });

  test("is the same trigger for the same Idempotency-Key, whose secret is not shown again", async () => {
    const key = { "idempotency-key": "hook" };
    const first = await call("POST /triggers", HOOK, key);
    const second = await call("POST /triggers", HOOK, key);
    expect(second.status).toBe(201);
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    const { secret, ...shown } = first.body;
    expect(secret).toEqual(expect.any(String));
    expect(second.body).toEqual(shown);
    const other = await call("POST /triggers", NIGHTLY, key);
    expect(other.body.code).toBe("idempotency_key_reused");
  });

  test.each([
    ["no CEL", { filter: "event.type = 1" }, /^\/filter is no CEL expression: at 1:12/],
    [
      "no Liquid",
      { prompt: "{{ a | b }}" },
      /^\/prompt is no Liquid template: undefined filter: b/,
    ],
    ["a key that names nothing", { dedupe: "evnt.id" }, /^\/dedupe unresolved attribute/],
    ["no cron", { source: { ...SCHEDULE, cron: "61 * * * *" } }, /^\/source is no schedule: /],
    [
      "no time zone",
      { source: { ...SCHEDULE, timeZone: "Mars" } },
      /^\/source is no schedule: .*Mars/,
    ],
    ["no agent", { agent: "nobody" }, /^\/agent names nobody, and there is no such agent/],
    [
      "no agent of runs",
      { source: { kind: "run", status: "any", agent: "nobody" } },
      /^\/source\/agent names nobody/,
    ],
    ["settings", { agent: { settings: { maxTurns: 0 } } }, /^\/agent/],
    ["no source", { source: { kind: "tide" } }, /^\/source/],
    [
      "events of the project",
      { source: { kind: "event", type: "stored", source: "//storage/in", subject: "objects/b/" } },
      /^\/source asks for events of the project that local may not have .*RUNYARD_EVENT_GRANTS/,
    ],
    [
      "our own events",
      { source: { kind: "event", type: "runyard.run.failed.v1" } },
      /^\/source\/type is told by this service itself/,
    ],
  ] as const)("refuses %s in people's words", async (_, parts, detail) => {
    const { status, body } = await call("POST /triggers", { ...NIGHTLY, ...parts });
    expect(status).toBe(422);
    expect(body.detail).toMatch(detail);
  });

  test("lets bind to events of the project whom the operator lets", async () => {
    const source = {
      kind: "event",
      type: "stored",
      source: "//storage/in",
      subject: "objects/a/b",
    };
    const { id } = await created({ ...NIGHTLY, source });
    expect((await stored(id))?.["route"]).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("PATCH /v1/triggers/{id}", () => {
  test("changes what it names, as it was read, and moves the next tick", async () => {
    const { id, dueAt } = await created(NIGHTLY);
    expect((await call(`PATCH /triggers/${id}`, { name: "a" })).status).toBe(428);
    const { body, headers } = await patch(id, {
      filter: "true",
      limits: { usdPerDay: 5 },
      source: { kind: "schedule", cron: "0 4 * * *" },
    });
    expect(headers.get("etag")).toBe('"2"');
    expect(body).toMatchObject({
      revision: 2,
      filter: "true",
      limits: { runsPerHour: 60, runsPerDay: 500, usdPerDay: 5 },
      source: { kind: "schedule", cron: "0 4 * * *" },
      dueAt: expect.stringMatching(/T04:00:00/),
    });
    expect(body.dueAt).not.toBe(dueAt);
    const stale = await call(`PATCH /triggers/${id}`, { name: "a" }, { "if-match": '"1"' });
    expect(stale.body.code).toBe("precondition_failed");
    expect((await patch(id, { filter: "(" })).body.detail).toMatch(/^\/filter is no CEL/);
    expect((await patch(id, { filter: null })).body).toMatchObject({ filter: null, revision: 3 });
    expect((await patch(id, { name: "nightly" })).body.revision).toBe(3);
  });

  test("disables and enables it, and resumes what paused itself", async () => {
    const { id } = await created(NIGHTLY);
    expect((await patch(id, { enabled: false })).body).toMatchObject({
      enabled: false,
      dueAt: null,
    });
    await world.firestore.doc(`triggers/${id}`).update({ pausedWhy: "It failed.", revision: 3 });
    expect((await patch(id, { name: "b" })).body).toMatchObject({ pausedWhy: "It failed." });
    const resumed = await patch(id, { enabled: true });
    expect(resumed.body).toMatchObject({ pausedWhy: null, dueAt: expect.any(String), revision: 5 });
  });

  test("gives a secret to what becomes a hook, and takes it from what is none any more", async () => {
    const { id } = await created(NIGHTLY);
    const { body } = await patch(id, { source: HOOK.source });
    expect(body).toMatchObject({ secret: expect.any(String), dueAt: null });
    const hmac = { kind: "webhook", verify: { scheme: "hmac", header: "X-Signature" } };
    expect((await patch(id, { source: hmac })).body.secret).toBeUndefined();
    await patch(id, { source: SCHEDULE });
    expect((await stored(id))?.["secrets"]).toBeNull();
  });
});

test("a hook gets another secret, and the one of before is taken for a day more", async () => {
  const { id, secret } = await created(HOOK);
  const before = (await stored(id))?.["secrets"].current;
  const { body } = await call(`POST /triggers/${id}/secret`);
  expect(body).toMatchObject({ revision: 2, secret: expect.stringMatching(/^[\w-]{43}$/) });
  expect(body.secret).not.toBe(secret);
  const hours =
    (Date.parse(`${body.hook?.previousUntil}`) - Date.parse(`${body.updatedAt}`)) / 36e5;
  expect(hours).toBe(24);
  expect((await stored(id))?.["secrets"].previous).toBe(before);
  const given = { secret: "that-of-the-sender" };
  expect((await call(`POST /triggers/${id}/secret`, given)).body.secret).toBe(given.secret);
  const { id: none } = await created(NIGHTLY);
  expect((await call(`POST /triggers/${none}/secret`)).body.code).toBe("conflict");
});

test("what became of its events is listed, newest first", async () => {
  const { id } = await created(NIGHTLY);
  const ids: string[] = [];
  for (const outcome of ["filtered", "matched", "filtered"]) {
    const createdAt = new Date(ids.length * 1000);
    ids.unshift(await storedFiring(world, id, { outcome, createdAt }));
  }
  const list = async (query: string) =>
    (await call(`GET /triggers/${id}/firings${query}`)).body.items.map(
      (each: { id: string }) => each.id,
    );
  expect(await list("")).toEqual(ids);
  expect(await list("?outcome=filtered")).toEqual([ids[0], ids[2]]);
});

describe("a test", () => {
  const event = { data: { a: "Hello", n: 1 }, lane: "x" };
  const on = async (parts: object, body: object = { event }) =>
    (await call("POST /triggers/test", { trigger: { ...HOOK, ...parts }, ...body })).body;

  test("says what an event would come to, and makes nothing", async () => {
    const { id } = await created({ ...HOOK, dedupe: "event.lane" });
    const count = async () => (await world.firestore.collection("runs").count().get()).data().count;
    const runs = await count();
    const { body } = await call(`POST /triggers/${id}/test`, { event });
    const matched = { outcome: "matched", why: null, isOfSource: true, matches: true, key: "x" };
    const found = { ...matched, conversation: null, prompt: "Hello", agent: null };
    expect(body).toEqual(found);
    expect(await on({ dedupe: "event.lane" })).toEqual(found);
    expect(await count()).toBe(runs);
    expect((await call(`GET /triggers/${id}/firings`)).body.items).toEqual([]);
  });

  test.each([
    [
      "a filter that is false",
      { filter: "event.data.n > 1" },
      { outcome: "filtered", why: null, matches: false, prompt: null },
    ],
    [
      "a filter that finds nothing",
      { filter: "event.data.b == 1" },
      { outcome: "filtered", why: "the filter: field not found: b" },
    ],
    [
      "a filter that fails",
      { filter: "event.data.n" },
      { outcome: "error", why: "the filter is not true or false", matches: null },
    ],
    ["a conversation", { conversation: "event.data.n" }, { outcome: "matched", conversation: "1" }],
    [
      "another source",
      { source: { kind: "event", type: "stored", source: "//storage/in", subject: "objects/a/" } },
      { outcome: "matched", isOfSource: false },
    ],
  ])("tells %s", async (_, parts, answer) => {
    expect(await on(parts)).toMatchObject(answer);
  });

  test("tells that a chain of runs ends there", async () => {
    expect(await on({}, { event: { ...event, runyarddepth: 5 } })).toMatchObject({
      outcome: "limited",
      why: expect.stringContaining("a chain ends there"),
    });
  });

  test("takes the next tick of a schedule, and asks for an event else", async () => {
    const parts = { source: SCHEDULE, prompt: "{{ event.type }}" };
    expect(await on(parts, {})).toMatchObject({ prompt: "runyard.trigger.tick.v1" });
    expect((await on({}, {})).detail).toMatch(/^\/event is required, or the id of a firing/);
    expect((await on({}, { firing: "fir_0" })).code).toBe("not_found");
    expect((await on({ filter: "(" })).detail).toMatch(/^\/trigger\/filter is no CEL/);
  });
});

test("an event is redelivered, once for each request, and tried again", async () => {
  const { id } = await created({ ...HOOK, filter: "event.data.n == 1", prompt: "echo" });
  const firingId = await storedFiring(world, id, { data: { n: 1 } });
  const again = (key: string) =>
    call(`POST /triggers/${id}/firings/${firingId}/redeliver`, undefined, {
      "idempotency-key": key,
    });
  const { body, status } = await again("a");
  expect({ status, body }).toMatchObject({ status: 200, body: { outcome: "matched" } });
  expect(body).toMatchObject({ redeliveryOf: firingId, runId: expect.any(String) });
  expect((await again("a")).body.id).toBe(body.id);
  expect((await again("b")).body.runId).not.toBe(body.runId);
  const { body: tried } = await call(`POST /triggers/${id}/test`, { firing: firingId });
  expect(tried).toMatchObject({ outcome: "matched", prompt: "echo" });
  await patch(id, { limits: { runsPerDay: 2 } });
  const { body: full } = await call(`POST /triggers/${id}/test`, { firing: firingId });
  expect(full).toMatchObject({ outcome: "limited", why: expect.stringContaining("2 runs a day") });
  await patch(id, { enabled: false });
  expect((await again("c")).body.code).toBe("conflict");
});

test("nobody else sees it, and it can be deleted", async () => {
  const { id } = await created(HOOK);
  const other = await otherOwner(world);
  for (const request of [
    `GET /triggers/${id}`,
    `DELETE /triggers/${id}`,
    `GET /triggers/${id}/firings`,
  ]) {
    expect((await call(request, undefined, other)).status).toBe(404);
  }
  expect((await call(`POST /triggers/${id}/secret`, {}, other)).status).toBe(404);
  const foreign = await call(`PATCH /triggers/${id}`, {}, { ...other, "if-match": "*" });
  expect(foreign.status).toBe(404);
  expect((await call(`DELETE /triggers/${id}`)).status).toBe(204);
  expect((await call(`GET /triggers/${id}`)).status).toBe(404);
  expect((await call(`DELETE /triggers/${id}`)).status).toBe(404);
});
