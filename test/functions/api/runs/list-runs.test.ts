import { randomBytes } from "node:crypto";
import { RUN_STATUSES, type Run, Run as RunSchema } from "../../../../shared/documents/run.ts";
import { runId } from "../../../../shared/ids.ts";
import { acceptRun, type Order } from "../../../../shared/run/accept.ts";
import { validatorOf } from "../../../../shared/schema/validate.ts";
import { ask, otherOwner } from "../../../support/api.ts";
import { makeOrder } from "../../../support/make-run.ts";
import { startWorld, type World } from "../../../support/world.ts";

// One world for the file, and an owner for each test: a world costs seconds.
let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const AGENTS = ["a", "b"].map((letter) => `agent_${letter.repeat(22)}`);

/** Somebody with runs of their own, which nothing executes. */
async function somebody() {
  const headers = await otherOwner(world);
  const owner = headers.authorization.replace("Bearer ", "owner-");
  return {
    headers,
    /** Writes a run as it is after its acceptance, but for what the test says of it. */
    async add(run: Partial<Run> & { at: number }, order: Partial<Order> = {}): Promise<Run> {
      const accepted = acceptRun(makeOrder(order), {
        id: runId(randomBytes(16)),
        owner,
        nonce: "nonce",
        sessionId: "session",
        requestHash: "hash",
        writer: "writer",
        now: new Date(run.at),
      });
      const { at: _at, ...rest } = run;
      const document = { ...accepted.run, ...rest };
      await world.firestore.doc(`runs/${document.id}`).set(document);
      return document;
    },
    list: (query = "") => ask(world, `GET /runs${query}`, { headers }),
    /** Ids of all pages. */
    async all(query: string, between?: () => Promise<unknown>): Promise<string[]> {
      const ids: string[] = [];
      let token: string | undefined;
      do {
        const more = token === undefined ? "" : `&pageToken=${token}`;
        const { status, body } = await ask(world, `GET /runs?${query}${more}`, { headers });
        expect(status).toBe(200);
        ids.push(...body.items.map((run: Run) => run.id));
        token = body.nextPageToken;
        await between?.();
      } while (token !== undefined);
      return ids;
    },
  };
}

const newestFirst = (left: Run, right: Run) =>
  right.createdAt.getTime() - left.createdAt.getTime() || (left.id < right.id ? 1 : -1);
const idsOf = (runs: Run[]) => [...runs].sort(newestFirst).map(({ id }) => id);

const T0 = Date.UTC(2026, 0, 2);

test("runs come newest first, twenty unless asked otherwise, as GET /v1/runs/{id} has them", async () => {
  const { add, list, headers } = await somebody();
  const runs: Run[] = [];
  for (let i = 0; i < 22; i += 1) runs.push(await add({ at: T0 + i }));
  const { status, body } = await list();
  expect(status).toBe(200);
  expect(body.items.map((run: Run) => run.id)).toEqual(idsOf(runs).slice(0, 20));
  expect(validatorOf(RunSchema)(body.items[0])).toMatchObject({ ok: true });
  const one = await ask(world, `GET /runs/${body.items[0].id}`, { headers });
  expect(body.items[0]).toEqual(one.body);
  const rest = await list(`?pageToken=${body.nextPageToken}`);
  expect(rest.body.items.map((run: Run) => run.id)).toEqual(idsOf(runs).slice(20));
  expect(rest.body).not.toHaveProperty("nextPageToken");
});

test("nobody sees another's runs", async () => {
  const [one, other] = [await somebody(), await somebody()];
  const run = await one.add({ at: T0 });
  expect(await one.all("")).toEqual([run.id]);
  expect(await other.all("")).toEqual([]);
  expect(await other.all(`conversation=${run.conversation.id}`)).toEqual([]);
});

test("runs of the same instant are each listed once, whatever the size of a page", async () => {
  const { add, all } = await somebody();
  const runs: Run[] = [];
  for (let i = 0; i < 9; i += 1) runs.push(await add({ at: T0 + Math.floor(i / 4) }));
  for (const pageSize of [1, 2, 3, 4, 9, 100]) {
    expect(await all(`pageSize=${pageSize}`)).toEqual(idsOf(runs));
  }
});

test("runs that are added or erased while one pages move nothing", async () => {
  const { add, all } = await somebody();
  const runs: Run[] = [];
  for (let i = 0; i < 7; i += 1) runs.push(await add({ at: T0 + i }));
  let later = T0 + 100;
  const churn = async () => {
    later += 1;
    await add({ at: later });
    const first = runs.at(-1);
    if (first !== undefined) await world.firestore.doc(`runs/${first.id}`).delete();
  };
  expect(await all("pageSize=2", churn)).toEqual(idsOf(runs));
});

describe("filters", () => {
  test("every combination of them gives exactly the runs that fit", async () => {
    const { add, all } = await somebody();
    const runs: Run[] = [];
    const conversation = `conv_${"c".repeat(22)}`;
    for (let i = 0; i < 16; i += 1) {
      const [status, agent, inConversation, label] = [i & 1, i & 2, i & 4, i & 8].map(Boolean);
      const order = {
        agent: { id: AGENTS[agent ? 0 : 1] ?? "", version: i + 1 },
        labels: label ? { team: "a:b", tier: "1" } : { team: "a" },
      };
      const run = await add({ at: T0 + i, ...(status && { status: "failed" }) }, order);
      if (inConversation) {
        run.conversation = { ...run.conversation, id: conversation };
        await world.firestore.doc(`runs/${run.id}`).set(run);
      }
      runs.push(run);
    }
    const filters: [string, (run: Run) => boolean][] = [
      ["status=failed", (run) => run.status === "failed"],
      [`agent=${AGENTS[0]}`, (run) => run.agent?.id === AGENTS[0]],
      [`conversation=${conversation}`, (run) => run.conversation.id === conversation],
      ["label=team:a%3Ab", (run) => run.labels["team"] === "a:b"],
    ];
    for (let chosen = 0; chosen < 16; chosen += 1) {
      const some = filters.filter((_, i) => chosen & (1 << i));
      const fitting = runs.filter((run) => some.every(([, fits]) => fits(run)));
      expect(fitting).toHaveLength(16 >> some.length);
      const query = some.map(([text]) => text).join("&");
      expect(await all(`${query}&pageSize=3`.replace(/^&/, ""))).toEqual(idsOf(fitting));
    }
  });

  test("a period begins with its from and ends before its to, with any other filter", async () => {
    const { add, all } = await somebody();
    const day = Date.UTC(2026, 10, 28);
    const runs: Run[] = [];
    for (const at of [day - 1, day, day + 500, day + 24 * 3600_000]) runs.push(await add({ at }));
    await add({ at: day + 1, status: "failed" });
    const [, first, second] = runs as [Run, Run, Run];
    const pending = "status=pending&pageSize=1";
    expect(await all(`${pending}&from=2026-11-28&to=2026-11-29`)).toEqual([second.id, first.id]);
    expect(await all(`${pending}&from=2026-11-28T00:00:00.5Z&to=2026-11-29`)).toEqual([second.id]);
    expect(await all(`${pending}&to=2026-11-28T01:00:00%2B01:00`)).toEqual([runs[0]?.id]);
    expect(await all(`${pending}&from=2026-11-29`)).toEqual([runs[3]?.id]);
  });

  test("an archived run is left out unless it is asked for, and pages go on behind many", async () => {
    const { add, all } = await somebody();
    const runs: Run[] = [];
    for (let i = 0; i < 30; i += 1) {
      const archivedAt = i % 10 === 0 ? null : new Date(T0);
      runs.push(await add({ at: T0 + i, archivedAt }));
    }
    // As a revision of before has written it.
    const { archivedAt: _, ...old } = await add({ at: T0 + 40 });
    await world.firestore.doc(`runs/${old.id}`).set(old);
    const listed = [...runs.filter(({ archivedAt }) => archivedAt === null), old as Run];
    expect(await all("pageSize=1")).toEqual(idsOf(listed));
    expect(await all("pageSize=3&archived=false")).toEqual(idsOf(listed));
    expect(await all("pageSize=7&archived=true")).toEqual(idsOf([...runs, old as Run]));
  });

  test("each status is one", async () => {
    const { add, all } = await somebody();
    const runs = new Map<string, Run>();
    for (const [i, status] of RUN_STATUSES.entries())
      runs.set(status, await add({ at: T0 + i, status }));
    for (const [status, run] of runs) expect(await all(`status=${status}`)).toEqual([run.id]);
  });

  test("what no run has gives an empty list", async () => {
    const { add, list } = await somebody();
    await add({ at: T0 });
    for (const query of [
      "agent=x",
      "conversation=%00",
      "label=a:",
      "label=a:%F0%9F%91%A9",
      "agent=",
    ]) {
      expect(await list(`?${query}`)).toMatchObject({ status: 200, body: { items: [] } });
    }
  });

  test.each([
    ["status=done", "/status"],
    ["status=", "/status"],
    ["status=failed&status=pending", "/status"],
    ["label=team", "/label"],
    ["label=:a", "/label"],
    ["pageSize=0", "/pageSize"],
    ["pageSize=101", "/pageSize"],
    ["pageSize=x", "/pageSize"],
    ["color=red", "/color"],
    ["from=yesterday", "/from"],
    ["from=2026-02-30", "/from"],
    ["to=2026-11-29T25:00:00Z", "/to"],
    ["from=2026-11-29&to=2026-11-29", "/to"],
    ["archived=yes", "/archived"],
    ["pageToken[a]=b", "/pageToken%5Ba%5D"],
  ])("%s is refused with its place", async (query, pointer) => {
    const { list } = await somebody();
    const { status, body } = await list(`?${query}`);
    expect({ status, code: body.code }).toEqual({ status: 422, code: "invalid" });
    expect(decodeURIComponent(body.errors[0].pointer)).toBe(decodeURIComponent(pointer));
  });
});

describe("a page token", () => {
  test("holds for its filter and owner alone, in whatever order the filter is written", async () => {
    const [one, other] = [await somebody(), await somebody()];
    for (let i = 0; i < 3; i += 1) {
      await one.add({ at: T0 + i }, { labels: { team: "a" } });
      await other.add({ at: T0 + i }, { labels: { team: "a" } });
    }
    const { body } = await one.list("?status=pending&label=team:a&pageSize=1");
    const token = `pageToken=${body.nextPageToken}`;
    const moved = await one.list(`?${token}&label=team:a&pageSize=2&status=pending`);
    expect(moved.body.items).toHaveLength(2);
    for (const asked of [
      one.list(`?${token}`),
      one.list(`?status=pending&${token}`),
      one.list(`?status=pending&label=team:b&${token}`),
      other.list(`?status=pending&label=team:a&${token}`),
    ]) {
      expect(await asked).toMatchObject({
        status: 422,
        body: { code: "invalid", errors: [{ pointer: "/pageToken" }] },
      });
    }
  });

  test("that is garbage, or was tampered with, is refused", async () => {
    const { add, list } = await somebody();
    await add({ at: T0 });
    await add({ at: T0 + 1 });
    const { nextPageToken } = (await list("?pageSize=1")).body;
    const scope = Buffer.from(nextPageToken, "base64url").toString().split(" ")[0];
    const forged = [
      `${scope} 999999999999999 run_a`,
      `${scope} -1 run_a`,
      `${scope} 1 a/b`,
      `${scope} 1 `,
      `${scope} 1`,
      `${scope}`,
      "",
      "\0",
    ].map((text) => Buffer.from(text).toString("base64url"));
    for (const token of [...forged, "x", "%20", `${nextPageToken}x`, "😀", "a".repeat(1025)]) {
      const refused = await list(`?pageToken=${encodeURIComponent(token)}`);
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/pageToken" }] } });
    }
  });
});

describe("a run in the archive", () => {
  test("is there as before, and leaves the archive again; repeating either is no error", async () => {
    const headers = await otherOwner(world);
    const call = (line: string, body?: unknown) => ask(world, line, { headers, body });
    const prefer = { ...headers, prefer: "wait=60" };
    const { body: run } = await ask(world, "POST /runs", {
      headers: prefer,
      body: { prompt: "echo" },
    });
    const archived = await call(`POST /runs/${run.id}/archive`);
    expect(archived).toMatchObject({ status: 200, body: { id: run.id, status: run.status } });
    expect(archived.body.archivedAt).toMatch(/Z$/);
    expect((await call(`POST /runs/${run.id}/archive`)).body).toEqual(archived.body);
    expect((await call(`GET /runs/${run.id}`)).body).toEqual(archived.body);
    expect((await call("GET /runs")).body.items).toEqual([]);
    expect((await call("GET /runs?archived=true")).body.items).toHaveLength(1);
    expect((await call(`POST /runs/${run.id}/unarchive`)).body).toMatchObject({ archivedAt: null });
    expect((await call("GET /runs")).body.items).toHaveLength(1);
    expect((await call(`POST /runs/run_${"0".repeat(22)}/archive`)).status).toBe(404);
  }, 180_000);

  test("has to be over", async () => {
    const { body: run } = await ask(world, "POST /runs", { body: { prompt: "wait 60 seconds" } });
    const refused = await ask(world, `POST /runs/${run.id}/archive`);
    expect(refused).toMatchObject({ status: 409, body: { code: "conflict" } });
    await ask(world, `POST /runs/${run.id}/cancel`);
  }, 60_000);
});
