import { Agent, AgentVersion } from "../../../shared/agent.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { validatorOf } from "../../../shared/validate.ts";
import { ask, otherOwner } from "../../support/api.ts";
import { startWorld, type World } from "../../support/world.ts";

// One world for the file: each agent stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  // What the agents of its runs do does not matter here.
  world = await startWorld({ concurrentBuilds: 1 });
}, 60_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const call = (line: string, body?: unknown, headers?: Record<string, string>) =>
  ask(world, line, { ...(body !== undefined && { body }), ...(headers && { headers }) });

const SETTINGS = { instructions: "Be brief.", maxTurns: 3, tools: ["Read", "Edit"] };

async function createAgent(overrides: object = {}) {
  const content = { name: "reviewer", labels: { team: "a" }, settings: SETTINGS, ...overrides };
  const { status, body } = await call("POST /agents", content);
  expect(status).toBe(201);
  return body;
}

const patch = (id: string, body: unknown, headers: Record<string, string> = { "if-match": "*" }) =>
  call(`PATCH /agents/${id}`, body, {
    "content-type": "application/merge-patch+json",
    ...headers,
  });

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
    const { status, body } = await patch(id, { settings: { maxTurns: 7 } });
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
    const foreign = await call("POST /agents", { name: "one" }, { ...key, ...(await otherOwner(world)) });
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
    await patch(id, { name: "other" });
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
    expect((await patch(id, { name: "mine" }, merge)).status).toBe(404);
    expect((await call(`GET /agents/${id}`)).body.revision).toBe(1);
  });

  test.each(["x", "agent_", "..", "agent_%2F", `run_${"0".repeat(22)}`])("%s is 404", async (id) => {
    expect(await call(`GET /agents/${encodeURIComponent(id)}`)).toMatchObject({ status: 404 });
  });
});

describe("PATCH /v1/agents/{id}", () => {
  test("merges what it holds, removes what is null, and makes a version", async () => {
    const { id, ...before } = await createAgent();
    const { status, body, headers } = await patch(
      id,
      { name: "editor", labels: { team: null, tier: "1" }, settings: { maxTurns: null, effort: "low" } },
      { "if-match": '"1"' },
    );
    expect(status).toBe(200);
    expect(isAgent(body)).toMatchObject({ ok: true });
    const { maxTurns: _removed, ...kept } = SETTINGS;
    expect(body).toMatchObject({ id, version: 2, revision: 2, createdAt: before.createdAt });
    expect(body).toMatchObject({ name: "editor", labels: { tier: "1" } });
    expect(body.settings).toEqual({ ...kept, effort: "low" });
    expect(headers.get("etag")).toBe('"2"');
    expect((await call(`GET /agents/${id}`)).body).toEqual(body);
    expect((await call(`GET /agents/${id}/versions/1`)).body).toMatchObject({
      agentId: id,
      version: 1,
      name: "reviewer",
      labels: { team: "a" },
      settings: SETTINGS,
    });
  });

  test("null for labels or settings removes all of them", async () => {
    const { id } = await createAgent();
    const { body } = await patch(id, { labels: null, settings: null });
    expect(body).toMatchObject({ version: 2, labels: {}, settings: {} });
  });

  test("application/json is as good as application/merge-patch+json, and nothing else is", async () => {
    const { id } = await createAgent();
    const as = (type: string) => patch(id, { name: type }, { "if-match": "*", "content-type": type });
    expect((await as("application/json")).status).toBe(200);
    expect((await as("text/plain")).status).toBe(415);
  });

  test("what changes nothing makes no version and no revision", async () => {
    const agent = await createAgent();
    for (const body of [
      {},
      { name: "reviewer" },
      { labels: { team: "a", other: null } },
      { settings: { tools: ["Read", "Edit"] } },
    ]) {
      expect(await patch(agent.id, body)).toMatchObject({ status: 200, body: agent });
    }
    expect((await call(`GET /agents/${agent.id}/versions/2`)).status).toBe(404);
  });

  test.each<[string, Record<string, string>, number, string]>([
    ["no If-Match", {}, 428, "precondition_required"],
    ["a stale one", { "if-match": '"7"' }, 412, "precondition_failed"],
    ["a weak one", { "if-match": 'W/"1"' }, 412, "precondition_failed"],
    ["garbage", { "if-match": "1" }, 412, "precondition_failed"],
  ])("%s is refused and changes nothing", async (_what, headers, status, code) => {
    const agent = await createAgent();
    const refused = await patch(agent.id, { name: "other" }, headers);
    expect(refused).toMatchObject({ status, body: { status, code } });
    expect((await call(`GET /agents/${agent.id}`)).body).toEqual(agent);
  });

  test("one of several ETags is enough", async () => {
    const { id } = await createAgent();
    expect((await patch(id, { name: "b" }, { "if-match": '"9", "1"' })).status).toBe(200);
  });

  test.each([
    ["an unknown property", { color: "red" }, "/color"],
    ["a property that is not the caller's", { version: 9 }, "/version"],
    ["no name left", { name: null }, "/name"],
    ["an unknown setting", { settings: { turns: 1 } }, "/settings/turns"],
    ["an unusable output schema", { settings: { outputSchema: { type: 1 } } }, "/settings/outputSchema"],
    ["a list", [], ""],
    ["null", "null", ""],
  ])("%s: refused with its place", async (_what, body, pointer) => {
    const agent = await createAgent();
    const refused = await patch(agent.id, body);
    expect(refused).toMatchObject({ status: 422, body: { code: "invalid", errors: [{ pointer }] } });
    expect((await call(`GET /agents/${agent.id}`)).body).toEqual(agent);
  });

  test("of ten at once with the same ETag, one wins", async () => {
    const { id } = await createAgent();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => patch(id, { name: `n${i}` }, { "if-match": '"1"' })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array(9).fill(412)]);
    const won = answers.find(({ status }) => status === 200)?.body;
    expect((await call(`GET /agents/${id}`)).body).toEqual(won);
    expect(won.version).toBe(2);
  });
});

describe("an archived agent", () => {
  test("is read, changed and taken out again, but not run", async () => {
    const { id } = await createAgent();
    const archived = await call(`POST /agents/${id}/archive`);
    expect(archived).toMatchObject({ status: 200, body: { version: 1, revision: 2 } });
    expect(archived.body.archivedAt).not.toBeNull();
    expect(archived.headers.get("etag")).toBe('"2"');
    expect(await call(`POST /agents/${id}/archive`)).toMatchObject({ status: 200, body: archived.body });
    for (const [line, body] of [
      [`POST /agents/${id}/runs`, { prompt: "echo" }],
      ["POST /runs", { prompt: "echo", agent: id }],
      ["POST /runs", { prompt: "echo", agent: { id, version: 1 } }],
    ] as const) {
      const refused = await call(line, body);
      expect(refused).toMatchObject({ status: 409, body: { code: "agent_archived" } });
    }
    expect((await patch(id, { name: "kept" })).body).toMatchObject({ version: 2, revision: 3 });
    const back = await call(`POST /agents/${id}/unarchive`);
    expect(back).toMatchObject({ status: 200, body: { archivedAt: null, version: 2, revision: 4 } });
    expect((await call(`POST /agents/${id}/unarchive`)).body).toEqual(back.body);
    expect((await call(`POST /agents/${id}/runs`, { prompt: "echo" })).status).toBe(202);
  });

  test("is listed only if it is asked for", async () => {
    const headers = await otherOwner(world);
    const create = async (name: string) => (await call("POST /agents", { name }, headers)).body.id;
    const ids = [await create("a"), await create("b"), await create("c")].reverse();
    await call(`POST /agents/${ids[1]}/archive`, undefined, headers);
    const listed = async (query: string) => {
      const { body } = await call(`GET /agents${query}`, undefined, headers);
      return body.items.map((agent: Agent) => agent.id);
    };
    expect(await listed("")).toEqual([ids[0], ids[2]]);
    expect(await listed("?archived=false")).toEqual([ids[0], ids[2]]);
    expect(await listed("?archived=true")).toEqual(ids);
  });
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
    for (let version = 2; version <= 5; version += 1) await patch(id, { name: `v${version}` });
    const first = await call(`GET /agents/${id}/versions?pageSize=3`);
    await patch(id, { name: "v6" });
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
    await patch(one.id, { name: "v2" });
    const { body } = await call(`GET /agents/${one.id}/versions?pageSize=1`);
    for (const path of [`/agents/${other.id}/versions`, "/agents", "/agents?archived=true"]) {
      const separator = path.includes("?") ? "&" : "?";
      const refused = await call(`GET ${path}${separator}pageToken=${body.nextPageToken}`);
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/pageToken" }] } });
    }
  });

  test.each(["0", "x", "01", "1.0", "-1", "2", "999999999999"])("version %s is 404", async (version) => {
    const { id } = await createAgent();
    expect(await call(`GET /agents/${id}/versions/${version}`)).toMatchObject({
      status: 404,
      body: { code: "not_found" },
    });
  });
});

describe("POST /v1/agents/{id}/runs", () => {
  test("pins the latest version, and the run has the agent's labels with its own", async () => {
    const { id } = await createAgent({ labels: { team: "a", tier: "1" } });
    const { status, body: run } = await call(`POST /agents/${id}/runs`, {
      prompt: "echo",
      labels: { tier: "2", own: "x" },
    });
    expect(status).toBe(202);
    expect(run).toMatchObject({ agent: { id, version: 1 } });
    expect(run.labels).toEqual({ team: "a", tier: "2", own: "x" });
    await patch(id, { settings: { maxTurns: 9 } });
    expect((await call(`GET /runs/${run.id}/request`)).body).toMatchObject({
      agent: { id, version: 1 },
      settings: { ...SETTINGS, timeoutSeconds: 300 },
    });
  });

  test("an older version may be asked for, as in POST /v1/runs", async () => {
    const { id } = await createAgent();
    await patch(id, { settings: { maxTurns: 9 }, labels: { team: "b" } });
    for (const [line, body] of [
      [`POST /agents/${id}/runs`, { prompt: "echo", version: 1 }],
      ["POST /runs", { prompt: "echo", agent: { id, version: 1 } }],
    ] as const) {
      const { body: run } = await call(line, body);
      expect(run).toMatchObject({ agent: { id, version: 1 }, labels: { team: "a" } });
      expect((await call(`GET /runs/${run.id}/request`)).body.settings.maxTurns).toBe(3);
    }
    const latest = await call("POST /runs", { prompt: "echo", agent: id });
    expect(latest.body).toMatchObject({ agent: { id, version: 2 }, labels: { team: "b" } });
  });

  test("a version or an agent that is not there is refused with its place", async () => {
    const { id } = await createAgent();
    const absent = `agent_${"0".repeat(22)}`;
    for (const [line, body, pointer] of [
      [`POST /agents/${id}/runs`, { prompt: "echo", version: 2 }, "/version"],
      ["POST /runs", { prompt: "echo", agent: { id, version: 2 } }, "/agent/version"],
      ["POST /runs", { prompt: "echo", agent: absent }, "/agent"],
    ] as const) {
      const refused = await call(line, body);
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
    }
  });

  test("more labels than a run may have, the agent's included, are refused", async () => {
    const labels = (prefix: string) =>
      Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`${prefix}${i}`, "x"]));
    const { id } = await createAgent({ labels: labels("a") });
    const refused = await call(`POST /agents/${id}/runs`, { prompt: "echo", labels: labels("b") });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/labels" }] } });
    const same = await call(`POST /agents/${id}/runs`, { prompt: "echo", labels: labels("a") });
    expect(same.status).toBe(202);
  });

  test("the same Idempotency-Key gives the same run, though the agent has changed", async () => {
    const { id } = await createAgent();
    const headers = { "idempotency-key": "agent-run" };
    const first = await call(`POST /agents/${id}/runs`, { prompt: "echo" }, headers);
    await patch(id, { name: "changed" });
    const again = await call(`POST /agents/${id}/runs`, { prompt: "echo" }, headers);
    expect(again.body).toMatchObject({ id: first.body.id, agent: { version: 1 } });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
  });
});
