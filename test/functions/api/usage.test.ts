import type { Usages } from "../../../shared/api/usage.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { type ApiServer, startApiServer } from "../../support/api-server.ts";

let server: ApiServer;
let bearer: string;
beforeAll(async () => {
  server = await startApiServer();
  bearer = await server.newKey();
}, 60_000);
afterAll(() => server[Symbol.asyncDispose]());

const usage = async (query = "", as = bearer) => {
  const response = await server.call(`/v1/usage${query}`, { bearer: as });
  return { status: response.status, body: (await response.json()) as Usages };
};

/** A run that is over: cancelled before an agent started. */
async function endedRun(json: object): Promise<Run> {
  const accepted = await server.call("/v1/runs", { bearer, json });
  const run = (await accepted.json()) as Run;
  const cancelled = await server.call(`/v1/runs/${run.id}/cancel`, { bearer, method: "POST" });
  expect(cancelled.status).toBe(202);
  return run;
}

test("nothing has been used before a run has ended", async () => {
  await server.call("/v1/runs", { bearer, json: { prompt: "echo" } });
  const { status, body } = await usage();
  const nothing = { runs: 0, costUsd: 0, inputTokens: 0, outputTokens: 0, phases: [] };
  expect(status).toBe(200);
  expect(body).toMatchObject({ by: "day", items: [], total: nothing });
});

test("each run that ends is counted once, many at once too, under all that it is", async () => {
  const model = { settings: { model: "haiku" } };
  const orders = Array.from({ length: 24 }, (_, index) => ({
    prompt: "echo",
    labels: { team: index % 3 === 0 ? "a" : "b" },
    ...(index % 2 === 0 && { agent: model }),
  }));
  const [first] = await Promise.all(orders.map(endedRun));
  await server.call(`/v1/runs/${first?.id}/cancel`, { bearer, method: "POST" });
  const rowsBy = async (by: string) =>
    (await usage(`?by=${by}`)).body.items.map(({ key, runs }) => [key, runs]);
  const today = new Date().toISOString().slice(0, 10);
  expect(await rowsBy("day")).toEqual([[today, 24]]);
  expect(await rowsBy("status")).toEqual([["cancelled", 24]]);
  const [day] = (await usage("?by=day")).body.items;
  expect(day?.statuses).toEqual([{ status: "cancelled", runs: 24 }]);
  expect(await rowsBy("agent")).toEqual([[null, 24]]);
  expect(await rowsBy("model")).toEqual(
    expect.arrayContaining([
      [null, 12],
      ["haiku", 12],
    ]),
  );
  expect(await rowsBy("label")).toEqual([
    ["team:b", 16],
    ["team:a", 8],
  ]);
  const { total } = (await usage()).body;
  expect(total).toMatchObject({ runs: 24, phases: [{ name: "run", runs: 24 }] });
  // What is erased was used all the same.
  await server.call(`/v1/runs/${first?.id}`, { bearer, method: "DELETE" });
  expect((await usage()).body.total.runs).toBe(24);
}, 60_000);

test("a period has the days from its first to the one before its end, and nobody sees another's", async () => {
  const today = new Date().toISOString().slice(0, 10);
  const yesterday = new Date(Date.now() - 24 * 3600_000).toISOString().slice(0, 10);
  expect((await usage(`?from=${today}`)).body.total.runs).toBe(24);
  expect((await usage(`?from=${yesterday}&to=${today}`)).body).toMatchObject({
    from: yesterday,
    to: today,
    total: { runs: 0 },
  });
  const stranger = await server.newKey({ owner: "stranger" });
  expect((await usage("", stranger)).body.total.runs).toBe(0);
});

test.each([
  ["?by=week", "/by"],
  ["?from=2026-02-30", "/from"],
  ["?from=2026-11-29T01:00:00Z", "/from"],
  ["?from=2026-01-01&to=2026-11-29", "/from"],
  ["?from=2026-11-29&to=2026-11-29", "/to"],
  ["?from=2999-01-01", "/from"],
])("%s is refused with its place", async (query, pointer) => {
  const { status, body } = await usage(query);
  expect(status).toBe(422);
  expect(body).toMatchObject({ code: "invalid", errors: [{ pointer }] });
});
