import type { Run } from "../../../../shared/documents/run.ts";
import { sha256 } from "../../../../shared/hash.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";

const CREATE = { json: { prompt: "echo" } };

const create = (server: ApiServer, bearer: string, headers: Record<string, string> = {}) =>
  server.call("/v1/runs", { bearer, headers, ...CREATE });

const statusesOf = (responses: Response[]) => responses.map(({ status }) => status).sort();

async function runsOf(server: ApiServer, owner: string): Promise<number> {
  const runs = server.firestore.collection("runs").where("owner", "==", owner);
  return (await runs.count().get()).data().count;
}

describe("runs at a time", () => {
  test("of twenty at once with a limit of five, five are accepted", async () => {
    await using server = await startApiServer({ env: { RUNYARD_MAX_CONCURRENT_RUNS: "5" } });
    const bearer = await server.newKey();
    const all = await Promise.all(Array.from({ length: 20 }, () => create(server, bearer)));
    expect(statusesOf(all)).toEqual([...Array(5).fill(202), ...Array(15).fill(429)]);
    expect(await runsOf(server, "owner")).toBe(5);
    const refused = all.find(({ status }) => status === 429);
    expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused?.json()).toMatchObject({
      code: "limit_reached",
      detail: expect.stringMatching(/^5 runs are not done yet/),
    });
    const other = await server.newKey({ owner: "another" });
    expect((await create(server, other)).status).toBe(202);
  }, 180_000);

  test("across two instances that share nothing, no more are accepted", async () => {
    await using server = await startApiServer({ env: { RUNYARD_MAX_CONCURRENT_RUNS: "3" } });
    await using other = await startApiServer({ on: server });
    const bearer = await server.newKey();
    const servers = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? server : other));
    const all = await Promise.all(servers.map((one) => create(one, bearer)));
    expect(statusesOf(all)).toEqual([202, 202, 202, ...Array(9).fill(429)]);
    expect(await runsOf(server, "owner")).toBe(3);
  }, 180_000);

  test("are free again when one is over, and a turn of a conversation counts", async () => {
    await using server = await startApiServer({ env: { RUNYARD_MAX_CONCURRENT_RUNS: "1" } });
    const bearer = await server.newKey();
    const first = (await (await create(server, bearer)).json()) as Run;
    const turns = `/v1/conversations/${first.conversation.id}/runs`;
    const queued = { bearer, json: { prompt: "echo", onBusy: "queue" } };
    expect((await server.call(turns, queued)).status).toBe(429);
    const cancel = await server.call(`/v1/runs/${first.id}/cancel`, { method: "POST", bearer });
    expect(await cancel.json()).toMatchObject({ status: "cancelled", done: true });
    expect((await server.call(turns, queued)).status).toBe(202);
    expect((await create(server, bearer)).status).toBe(429);
  }, 180_000);

  test("do not refuse what was accepted before and is sent again", async () => {
    await using server = await startApiServer({ env: { RUNYARD_MAX_CONCURRENT_RUNS: "1" } });
    const bearer = await server.newKey();
    const key = { "idempotency-key": "one" };
    const first = (await (await create(server, bearer, key)).json()) as Run;
    const again = await create(server, bearer, key);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([202, "true"]);
    expect(await again.json()).toMatchObject({ id: first.id });
    expect((await create(server, bearer)).status).toBe(429);
  }, 180_000);
});

describe("runs in a day", () => {
  test("are counted whether they are over or not, until the day of UTC is", async () => {
    await using server = await startApiServer({ env: { RUNYARD_MAX_DAILY_RUNS: "2" } });
    const bearer = await server.newKey();
    const first = (await (await create(server, bearer)).json()) as Run;
    await server.call(`/v1/runs/${first.id}/cancel`, { method: "POST", bearer });
    expect((await create(server, bearer)).status).toBe(202);
    const refused = await create(server, bearer);
    const tomorrow = 86_400 - ((Date.now() / 1000) % 86_400);
    expect(Math.abs(Number(refused.headers.get("retry-after")) - tomorrow)).toBeLessThan(30);
    expect(await refused.json()).toMatchObject({
      status: 429,
      code: "limit_reached",
      detail: expect.stringContaining("midnight UTC"),
    });
    const [document] = (await server.firestore.collection("owners").get()).docs;
    const today = new Date().toISOString().slice(0, 10);
    expect(document?.data()).toEqual({
      schemaVersion: 1,
      owner: "owner",
      day: today,
      runsToday: 2,
    });
    await document?.ref.update({ day: "2026-01-02" });
    expect((await create(server, bearer)).status).toBe(202);
    expect((await document?.ref.get())?.get("runsToday")).toBe(1);
  }, 180_000);
});

test("an owner whose budget of the day is spent is told so until it is over", async () => {
  await using server = await startApiServer({
    env: { RUNYARD_DAILY_BUDGETS: '{"poor": 0, "*": 5}' },
  });
  const poor = await server.newKey({ owner: "poor" });
  const refused = await create(server, poor);
  expect(await refused.json()).toMatchObject({
    status: 429,
    code: "budget_spent",
    detail: "the budget of 0 USD that poor has for a day is spent, until midnight UTC",
  });
  const tomorrow = 86_400 - ((Date.now() / 1000) % 86_400);
  expect(Math.abs(Number(refused.headers.get("retry-after")) - tomorrow)).toBeLessThan(30);
  const bearer = await server.newKey();
  const key = { "idempotency-key": "one" };
  const first = (await (await create(server, bearer, key)).json()) as Run;
  const day = { schemaVersion: 1, owner: "owner", day: new Date().toISOString().slice(0, 10) };
  await server.firestore
    .doc(`spending/${sha256("owner")}`)
    .set({ ...day, spentMicros: 5_000_000, asideMicros: 0 });
  const turns = `/v1/conversations/${first.conversation.id}/runs`;
  const queued = { bearer, json: { prompt: "echo", onBusy: "queue" } };
  expect((await create(server, bearer)).status).toBe(429);
  expect((await server.call(turns, queued)).status).toBe(429);
  const again = await create(server, bearer, key);
  expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([202, "true"]);
  expect((await server.firestore.collection("owners").get()).empty).toBe(true);
}, 180_000);

test("without a limit nothing is read or written of the owner", async () => {
  await using server = await startApiServer();
  expect((await create(server, await server.newKey())).status).toBe(202);
  expect((await server.firestore.collection("owners").get()).empty).toBe(true);
}, 180_000);

test("as many as may be at once are accepted, all of them", async () => {
  await using server = await startApiServer({ env: { RUNYARD_MAX_CONCURRENT_RUNS: "30" } });
  const bearer = await server.newKey();
  const all = await Promise.all(Array.from({ length: 30 }, () => create(server, bearer)));
  expect(statusesOf(all)).toEqual(Array(30).fill(202));
}, 180_000);

describe.each([
  {
    path: "/triggers",
    most: 200,
    json: {
      name: "nightly",
      source: { kind: "schedule", cron: "0 3 * * *" },
      prompt: "Look at the tests.",
    },
  },
  { path: "/webhooks", most: 50, json: { url: "https://example.com/hook" } },
])("an owner's $path", ({ path, most, json }) => {
  test("are never more than there may be, and one that is deleted makes room", async () => {
    await using server = await startApiServer();
    await using other = await startApiServer({ on: server });
    const bearer = await server.newKey();
    const collection = server.firestore.collection(path.slice(1));
    const owned = collection.where("owner", "==", "owner").orderBy("createdAt", "desc");
    const ofOwner = async () => (await owned.count().get()).data().count;
    const made = (one: ApiServer, headers = {}) =>
      one.call(`/v1${path}`, { bearer, headers, json });
    // Of a revision that kept no count.
    const before = server.firestore.batch();
    for (let nth = 0; nth < most - 8; nth += 1) {
      before.create(collection.doc(`before-${nth}`), { owner: "owner", createdAt: new Date(nth) });
    }
    await before.commit();
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => made(index % 2 === 0 ? server : other)),
    );
    expect(statusesOf(all)).toEqual([...Array(8).fill(201), ...Array(12).fill(429)]);
    expect(await ofOwner()).toBe(most);
    const refused = all.find(({ status }) => status === 429);
    expect(await refused?.json()).toMatchObject({
      code: "limit_reached",
      detail: expect.stringContaining(`owner has ${most} ${path.slice(1)}`),
    });
    const accepted = all.find(({ status }) => status === 201)?.headers.get("location");
    const gone = { method: "DELETE", bearer, headers: { "if-match": "*" } };
    expect((await server.call(`${accepted}`, gone)).status).toBe(204);
    const key = { "idempotency-key": "one" };
    const last = (await (await made(other, key)).json()) as { id: string };
    expect((await made(server)).status).toBe(429);
    expect(await (await made(server, key)).json()).toMatchObject({ id: last.id });
    const another = await server.newKey({ owner: "another" });
    expect((await server.call(`/v1${path}`, { bearer: another, json })).status).toBe(201);
    expect(await ofOwner()).toBe(most);
  }, 180_000);
});
