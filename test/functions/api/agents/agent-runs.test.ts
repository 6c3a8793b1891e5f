import type { Agent } from "../../../../shared/agent/agent.ts";
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

describe("an agent's name", () => {
  test("stands for its id wherever one is named", async () => {
    const { id, revision } = await createAgent({ name: "the reviewer" });
    const path = "/agents/the%20reviewer";
    expect((await call(`GET ${path}`)).body).toMatchObject({ id });
    expect((await call(`GET ${path}/versions/1`)).body).toMatchObject({ agentId: id });
    for (const [line, body] of [
      [`POST ${path}/runs`, { prompt: "echo" }],
      ["POST /runs", { prompt: "echo", agent: "the reviewer" }],
      ["POST /runs", { prompt: "echo", agent: { id: "the reviewer", version: 1 } }],
    ] as const) {
      const accepted = await call(line, body);
      expect(accepted).toMatchObject({ status: 202, body: { agent: { id, version: 1 } } });
    }
    const runs = await call("GET /runs?agent=the%20reviewer");
    expect(runs.body.items).toHaveLength(3);
    expect((await call(`POST ${path}/archive`)).body).toMatchObject({ revision: revision + 1 });
    expect((await call(`POST ${path}/unarchive`)).body).toMatchObject({ archivedAt: null });
  });

  test("of several is none, but for those in the archive", async () => {
    const [one, two] = [await createAgent({ name: "twin" }), await createAgent({ name: "twin" })];
    const refused = await call("POST /runs", { prompt: "echo", agent: "twin" });
    expect(refused).toMatchObject({ status: 409, body: { code: "conflict" } });
    for (const { id } of [one, two]) expect(refused.body.detail).toContain(id);
    await call(`POST /agents/${one.id}/archive`);
    expect((await call("GET /agents/twin")).body).toMatchObject({ id: two.id });
  });

  test("that nobody has, or somebody else, is not found", async () => {
    const { name } = await createAgent({ name: "mine" });
    const headers = await otherOwner(world);
    expect((await call("GET /agents/nobody")).status).toBe(404);
    expect((await call(`GET /agents/${name}`, undefined, headers)).status).toBe(404);
    const refused = await call("POST /runs", { prompt: "echo", agent: "nobody" });
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/agent" }] } });
  });
});

describe("an archived agent", () => {
  test("is read, changed and taken out again, but not run", async () => {
    const { id } = await createAgent();
    const archived = await call(`POST /agents/${id}/archive`);
    expect(archived).toMatchObject({ status: 200, body: { version: 1, revision: 2 } });
    expect(archived.body.archivedAt).not.toBeNull();
    expect(archived.headers.get("etag")).toBe('"2"');
    expect(await call(`POST /agents/${id}/archive`)).toMatchObject({
      status: 200,
      body: archived.body,
    });
    for (const [line, body] of [
      [`POST /agents/${id}/runs`, { prompt: "echo" }],
      ["POST /runs", { prompt: "echo", agent: id }],
      ["POST /runs", { prompt: "echo", agent: { id, version: 1 } }],
    ] as const) {
      const refused = await call(line, body);
      expect(refused).toMatchObject({ status: 409, body: { code: "agent_archived" } });
    }
    expect((await patchAgent(id, { name: "kept" })).body).toMatchObject({
      version: 2,
      revision: 3,
    });
    const back = await call(`POST /agents/${id}/unarchive`);
    expect(back).toMatchObject({
      status: 200,
      body: { archivedAt: null, version: 2, revision: 4 },
    });
    expect((await call(`POST /agents/${id}/unarchive`)).body).toEqual(back.body);
    expect((await call(`POST /agents/${id}/runs`, { prompt: "echo" })).status).toBe(202);
  });

  test.each([
    ["its own path", (id: string) => [`POST /agents/${id}/runs`, { prompt: "echo" }] as const],
    ["its id", (id: string) => ["POST /runs", { prompt: "echo", agent: id }] as const],
  ])(
    "a run that was accepted before, by %s, is found by its Idempotency-Key",
    async (_name, to) => {
      const { id } = await createAgent();
      const [line, body] = to(id);
      const key = { "idempotency-key": id };
      const first = await call(line, body, key);
      await call(`POST /agents/${id}/archive`);
      const again = await call(line, body, key);
      expect(again).toMatchObject({ status: 202, body: { id: first.body.id } });
      expect(again.headers.get("idempotency-replayed")).toBe("true");
    },
  );

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
    await patchAgent(id, { settings: { maxTurns: 9 } });
    expect((await call(`GET /runs/${run.id}/request`)).body).toMatchObject({
      agent: { id, version: 1 },
      settings: { ...SETTINGS, timeoutSeconds: 300 },
    });
  });

  test("an older version may be asked for, as in POST /v1/runs", async () => {
    const { id } = await createAgent();
    await patchAgent(id, { settings: { maxTurns: 9 }, labels: { team: "b" } });
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
    await patchAgent(id, { name: "changed" });
    const again = await call(`POST /agents/${id}/runs`, { prompt: "echo" }, headers);
    expect(again.body).toMatchObject({ id: first.body.id, agent: { version: 1 } });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
  });
});
