import { Agent, AgentVersion } from "../../../../shared/agent/agent.ts";
import { RUN_LIMITS } from "../../../../shared/limits.ts";
import { validatorOf } from "../../../../shared/schema/validate.ts";
import { agentCalls, SETTINGS } from "../../../support/agents.ts";
import { otherOwner } from "../../../support/api.ts";
import { startWorld, type World } from "../../../support/world.ts";

// One world for the file: each agent stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  // What the agents of its runs do does not matter here.
  world = await startWorld({ concurrentBuilds: 1 });
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const { call, createAgent, patchAgent } = agentCalls(() => world);
const isAgent = (value: unknown) => validatorOf(Agent)(value);

describe("POST /v1/agents", () => {
  test("stores an agent as version 1 and says where it is", async () => {
    const { status, body, headers } = await call("POST /agents", {
      name: "reviewer",
      labels: { team: "a" },
      settings: SETTINGS,
    });
    expect(status).toBe(201);
    expect(isAgent(body)).toMatchObject({ ok: true });
    expect(body).toMatchObject({ version: 1, revision: 1, archivedAt: null, settings: SETTINGS });
    expect(headers.get("location")).toBe(`/v1/agents/${body.id}`);
    expect(headers.get("etag")).toBe('"1"');
    expect((await call(`GET /agents/${body.id}`)).body).toEqual(body);
  });

  test("takes what Firestore has no form for: lists in lists, a member called __proto__", async () => {
    const outputSchema = JSON.parse(
      '{"type":"object","enum":[[1,[2]],[]],"properties":{"__proto__":{"type":"null"}}}',
    );
    const { id } = await createAgent({ settings: { outputSchema } });
    const { body } = await call(`GET /agents/${id}`);
    expect(JSON.stringify(body.settings)).toBe(JSON.stringify({ outputSchema }));
  });

  test.each([
    ["no name", {}, "/name"],
    ["a name of blanks", { name: " " }, "/name"],
    ["an unknown property", { name: "a", color: "red" }, "/color"],
    ["an unknown setting", { name: "a", settings: { turns: 3 } }, "/settings/turns"],
    ["a label that is no text", { name: "a", labels: { a: 1 } }, "/labels/a"],
    [
      "an unusable output schema",
      { name: "a", settings: { outputSchema: { type: "x" } } },
      "/settings/outputSchema",
    ],
    [
      "a secret that is not for agents",
      {
        name: "a",
        settings: { environment: { A: { secret: "projects/p/secrets/s/versions/1" } } },
      },
      "/settings/environment/A/secret",
    ],
    [
      "a variable of the runner's own",
      {
        name: "a",
        settings: { environment: { HOME: { secret: "projects/p/secrets/runyard-s/versions/1" } } },
      },
      "/settings/environment/HOME",
    ],
    [
      "a variable of a server that steers programs",
      {
        name: "a",
        settings: {
          mcpServers: { near: { type: "stdio", command: "x", env: { LD_PRELOAD: "/tmp/a.so" } } },
        },
      },
      "/settings/mcpServers/near/env/LD_PRELOAD",
    ],
    [
      "settings that are too big",
      { name: "a", settings: { instructions: "\u0001".repeat(64 * 1024) } },
      "/settings",
    ],
  ])("%s: refused with its place", async (_what, content, pointer) => {
    const { status, body } = await call("POST /agents", content);
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: "invalid", errors: [{ pointer }] });
  });

  test("the largest settings can be stored, read and changed", async () => {
    const instructions = "\u0001".repeat((RUN_LIMITS.settingsBytes - 40) / 6);
    const { id } = await createAgent({ settings: { instructions } });
    const { status, body } = await patchAgent(id, { settings: { maxTurns: 7 } });
    expect(status).toBe(200);
    expect(body.settings).toEqual({ instructions, maxTurns: 7 });
  });

  test("the same Idempotency-Key and body give the same agent; another body is refused", async () => {
    const key = { "idempotency-key": "agents-1" };
    const first = await call("POST /agents", { name: "one" }, key);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    const again = await call("POST /agents", { name: "one" }, key);
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const other = await call("POST /agents", { name: "two" }, key);
    expect(other).toMatchObject({ status: 422, body: { code: "idempotency_key_reused" } });
    const foreign = await call(
      "POST /agents",
      { name: "one" },
      { ...key, ...(await otherOwner(world)) },
    );
    expect(foreign.body.id).not.toBe(first.body.id);
  });

  test("of twenty at once with the same Idempotency-Key, one makes the agent", async () => {
    const headers = { "idempotency-key": "agents-20" };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call("POST /agents", { name: "one" }, headers)),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    const made = answers.filter((answer) => answer.headers.get("idempotency-replayed") === null);
    expect(made).toHaveLength(1);
  });
});

describe("GET /v1/agents/{id}", () => {
  test("with the ETag in If-None-Match is 304 until the agent changes", async () => {
    const { id } = await createAgent();
    const unchanged = await call(`GET /agents/${id}`, undefined, { "if-none-match": '"1"' });
    expect(unchanged).toMatchObject({ status: 304, body: undefined });
    expect(unchanged.headers.get("etag")).toBe('"1"');
    await patchAgent(id, { name: "other" });
    const changed = await call(`GET /agents/${id}`, undefined, { "if-none-match": '"1"' });
    expect(changed).toMatchObject({ status: 200, body: { name: "other" } });
    expect(changed.headers.get("etag")).toBe('"2"');
  });

  test("another's agent looks like one that does not exist, whatever is asked", async () => {
    const { id } = await createAgent();
    const headers = await otherOwner(world);
    const absent = `agent_${"0".repeat(22)}`;
    for (const line of [
      "GET /agents/ID",
      "GET /agents/ID/versions",
      "GET /agents/ID/versions/1",
      "POST /agents/ID/archive",
      "POST /agents/ID/unarchive",
    ]) {
      const foreign = await call(line.replace("ID", id), undefined, headers);
      const none = await call(line.replace("ID", absent), undefined, headers);
      expect(foreign).toMatchObject({ status: 404, body: { code: "not_found" } });
      expect(foreign.body.detail.replace(id, absent)).toBe(none.body.detail);
    }
    const run = await call(`POST /agents/${id}/runs`, { prompt: "echo" }, headers);
    expect(run.status).toBe(404);
    const merge = { ...headers, "if-match": "*" };
    expect((await patchAgent(id, { name: "mine" }, merge)).status).toBe(404);
    expect((await call(`GET /agents/${id}`)).body.revision).toBe(1);
  });

  test.each(["x", "agent_", "..", "agent_%2F", `run_${"0".repeat(22)}`])(
    "%s is 404",
    async (id) => {
      expect(await call(`GET /agents/${encodeURIComponent(id)}`)).toMatchObject({ status: 404 });
    },
  );
});

describe("lists", () => {
  test("agents come newest first, page by page, each once, though more are added meanwhile", async () => {
    const headers = await otherOwner(world);
    const create = async (name: string) => (await call("POST /agents", { name }, headers)).body;
    const created = [];
    for (const name of ["a", "b", "c", "d", "e"]) created.unshift(await create(name));
    const pages = [];
    let token: string | undefined;
    do {
      const more = token === undefined ? "" : `&pageToken=${token}`;
      const { status, body } = await call(`GET /agents?pageSize=2${more}`, undefined, headers);
      expect(status).toBe(200);
      pages.push(body.items);
      token = body.nextPageToken;
      await create("late");
    } while (token !== undefined);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(created);
  });

  test("versions come newest first, page by page", async () => {
    const { id } = await createAgent({ name: "v1" });
    for (let version = 2; version <= 5; version += 1) await patchAgent(id, { name: `v${version}` });
    const first = await call(`GET /agents/${id}/versions?pageSize=3`);
    await patchAgent(id, { name: "v6" });
    const { nextPageToken } = first.body;
    const second = await call(`GET /agents/${id}/versions?pageSize=3&pageToken=${nextPageToken}`);
    expect(second.body.nextPageToken).toBeUndefined();
    const items = [...first.body.items, ...second.body.items];
    expect(items.map(({ name }) => name)).toEqual(["v5", "v4", "v3", "v2", "v1"]);
    for (const item of items) expect(validatorOf(AgentVersion)(item)).toMatchObject({ ok: true });
  });

  test("a token holds for its list alone", async () => {
    const one = await createAgent();
    const other = await createAgent();
    await patchAgent(one.id, { name: "v2" });
    const { body } = await call(`GET /agents/${one.id}/versions?pageSize=1`);
    for (const path of [`/agents/${other.id}/versions`, "/agents", "/agents?archived=true"]) {
      const separator = path.includes("?") ? "&" : "?";
      const refused = await call(`GET ${path}${separator}pageToken=${body.nextPageToken}`);
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/pageToken" }] } });
    }
  });

  test.each(["0", "x", "01", "1.0", "-1", "2", "999999999999"])(
    "version %s is 404",
    async (version) => {
      const { id } = await createAgent();
      expect(await call(`GET /agents/${id}/versions/${version}`)).toMatchObject({
        status: 404,
        body: { code: "not_found" },
      });
    },
  );
});
