import { ask, askOld, ended, otherOwner } from "../../support/api.ts";
import { startWorld, type World } from "../../support/world.ts";

const LONG_MS = 180_000;

// One world for the file: each request stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const old = (line: string, body?: unknown, headers: Record<string, string> = {}) =>
  askOld(world, line, { body, headers });

const ABSENT = `agent_${"0".repeat(22)}`;

describe("agents without levels", () => {
  const CONTENT = {
    name: "reviewer",
    prompt: "Be brief.",
    labels: { team: "a" },
    model: "sonnet",
    tools: ["Read"],
  };

  test("are stored, read, listed, replaced and deleted", async () => {
    const headers = await otherOwner(world);
    const created = await old("POST /agents", { ...CONTENT, color: "red" }, headers);
    expect(created.status).toBe(201);
    const { id, createdAt, updatedAt } = created.body;
    expect(created.body).toEqual({ id, ...CONTENT, createdAt, updatedAt });
    expect(id).toMatch(/^agent_/);
    const read = await old(`GET /agents/${id}`, undefined, headers);
    expect(read).toMatchObject({ status: 200, body: created.body });

    const other = await old("POST /agents", { name: "other" }, headers);
    const list = await old("GET /agents", undefined, headers);
    expect(list).toMatchObject({ status: 200, body: [other.body, created.body] });

    const replaced = await old(`PUT /agents/${id}`, { name: "b", prompt: "Be long." }, headers);
    expect(replaced.status).toBe(200);
    expect(replaced.body).toEqual({
      id,
      name: "b",
      prompt: "Be long.",
      labels: {},
      createdAt,
      updatedAt: expect.any(String),
    });
    const agent = await ask(world, `GET /agents/${id}`, { headers });
    expect(agent.body).toMatchObject({ version: 2, settings: { instructions: "Be long." } });

    const deleted = await old(`DELETE /agents/${id}`, undefined, headers);
    expect(deleted).toMatchObject({ status: 200, body: { result: "성공" } });
    expect((await old("GET /agents", undefined, headers)).body).toEqual([other.body]);
    const archived = await ask(world, `GET /agents/${id}`, { headers });
    expect(archived.body.archivedAt).not.toBeNull();
  });

  test("a deleted one, an unknown one and another's are not there", async () => {
    const { body: deleted } = await old("POST /agents", CONTENT);
    await old(`DELETE /agents/${deleted.id}`);
    const { body: foreign } = await old("POST /agents", CONTENT, await otherOwner(world));
    for (const id of [deleted.id, foreign.id, ABSENT, "7"]) {
      for (const [line, body] of [
        ["GET /agents/ID", undefined],
        ["PUT /agents/ID", CONTENT],
        ["DELETE /agents/ID", undefined],
        ["POST /agents/ID/run", { prompt: "echo" }],
      ] as const) {
        const refused = await old(line.replace("ID", id), body);
        expect(refused).toMatchObject({ status: 404 });
        expect(refused.body).toEqual({ error: `there is no agent ${id}` });
      }
      const conversation = { prompt: "echo", agentId: id };
      expect((await old("POST /api/conversation", conversation)).status).toBe(404);
    }
  });

  test("what was read can be put back, and changes nothing", async () => {
    for (const content of [CONTENT, { name: "bare" }]) {
      const { body } = await old("POST /agents", content);
      expect((await old(`PUT /agents/${body.id}`, body)).body).toEqual(body);
      expect((await ask(world, `GET /agents/${body.id}`)).body.version).toBe(1);
    }
  });

  test("`instructions` is another name of the prompt", async () => {
    const { body } = await old("POST /agents", { name: "a", instructions: "Be brief." });
    expect(body.prompt).toBe("Be brief.");
    const changed = await old(`PUT /agents/${body.id}`, { ...body, instructions: "Be long." });
    expect(changed.body.prompt).toBe("Be long.");
  });

  test("a list of more than one part is whole, and one of none is empty", async () => {
    const headers = await otherOwner(world);
    expect(await old("GET /agents", undefined, headers)).toMatchObject({ status: 200, body: [] });
    const ids: string[] = [];
    for (let i = 0; i < 41; i += 1) {
      ids.unshift((await old("POST /agents", { name: `n${i}` }, headers)).body.id);
    }
    const { body } = await old("GET /agents", undefined, headers);
    expect(body.map((agent: { id: string }) => agent.id)).toEqual(ids);
  });

  test.each<[string, unknown, string]>([
    ["no name", { prompt: "a" }, "/name"],
    ["a setting that is none", { name: "a", maxTurns: 0 }, "/maxTurns"],
    ["a prompt that is no text", { name: "a", prompt: ["b"] }, "/prompt"],
    ["an unusable output schema", { name: "a", outputSchema: { type: "x" } }, "/outputSchema"],
    ["no JSON", "{", "JSON"],
  ])("%s is a bad request", async (_what, content, named) => {
    const { body: agent } = await old("POST /agents", { name: "a" });
    for (const line of ["POST /agents", `PUT /agents/${agent.id}`]) {
      const refused = await old(line, content);
      expect(refused.status).toBe(400);
      expect(refused.body).toEqual({ error: expect.stringContaining(named) });
    }
    expect((await old(`GET /agents/${agent.id}`)).body).toEqual(agent);
  });
});

describe("POST /agents/{id}/run", () => {
  test(
    "answers at once that it was accepted, and the agent runs",
    async () => {
      const { body: agent } = await old("POST /agents", { name: "a", labels: { team: "a" } });
      const { status, body, headers } = await old(`POST /agents/${agent.id}/run`, {
        prompt: "echo",
      });
      expect(status).toBe(202);
      expect(body).toEqual({
        result: "accepted",
        runId: expect.stringMatching(/^run_/),
        conversationId: expect.stringMatching(/^conv_/),
      });
      expect(headers.get("location")).toBe(`/v1/runs/${body.runId}`);
      const run = await ended(world, { id: body.runId });
      expect(run).toMatchObject({
        status: "succeeded",
        agent: { id: agent.id, version: 1 },
        labels: { team: "a" },
      });
    },
    LONG_MS,
  );

  test("without a prompt the agent's own is what it shall do; without that it is a bad request", async () => {
    const { body: agent } = await old("POST /agents", { name: "a", prompt: "Say hello." });
    for (const body of [undefined, {}, { prompt: null }, { prompt: "" }]) {
      const accepted = await old(`POST /agents/${agent.id}/run`, body);
      expect(accepted.status).toBe(202);
      const request = await ask(world, `GET /runs/${accepted.body.runId}/request`);
      expect(request.body.prompt).toBe("Say hello.");
    }
    const { body: silent } = await old("POST /agents", { name: "silent" });
    const refused = await old(`POST /agents/${silent.id}/run`, {});
    expect(refused).toMatchObject({ status: 400, body: { error: "/prompt is required" } });
  });
});
