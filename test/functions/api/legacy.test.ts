import type { Run } from "../../../shared/run-schema.ts";
import { ask, ended, otherOwner } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { startWorld, type World } from "../../support/world.ts";

const LONG_MS = 120_000;

// One world for the file: each request stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 60_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

/** A request to a path of the service before this one, which had no `/v1`. */
const old = (line: string, body?: unknown, headers: Record<string, string> = {}) =>
  ask(world, line.replace(" ", " /.."), { headers, ...(body !== undefined && { body }) });
const converse = (body: unknown, headers?: Record<string, string>) =>
  old("POST /api/conversation", body, headers);
const runOf = async ({ runId }: { runId: string }): Promise<Run> =>
  (await ask(world, `GET /runs/${runId}`)).body;

const ABSENT = `agent_${"0".repeat(22)}`;

describe("POST /api/conversation", () => {
  test(
    "waits for the run and answers what the agent said",
    async () => {
      const { status, body, headers } = await converse({ prompt: "run: echo 'a\"b' | wc -c" });
      expect(status).toBe(200);
      expect(headers.get("content-type")).toMatch(/^application\/json/);
      expect(body).toEqual({
        result: "성공",
        output: "[offline] The command answered:\n4",
        runId: expect.stringMatching(/^run_/),
        conversationId: expect.stringMatching(/^conv_/),
      });
      expect(await runOf(body)).toMatchObject({
        status: "succeeded",
        conversation: { id: body.conversationId },
      });
    },
    LONG_MS,
  );

  test(
    "answers all that the agent said, though the run's document has the beginning only",
    async () => {
      const { status, body } = await converse({ prompt: "run: seq 1 5000" });
      expect(status).toBe(200);
      expect(body.output).toContain("\n4999\n5000");
      expect((await runOf(body)).output).toMatchObject({ truncated: true });
    },
    LONG_MS,
  );

  test(
    "goes on with a conversation, and a turn waits while another is at work",
    async () => {
      const { body: first } = await converse({ prompt: "echo one" });
      const { conversationId } = first;
      const [second, third] = await Promise.all([
        converse({ prompt: "run: sleep 1; echo two > two.txt", conversationId }),
        converse({ prompt: "what did I ask before", conversationId }),
      ]);
      for (const turn of [second, third]) {
        expect(turn).toMatchObject({ status: 200, body: { result: "성공", conversationId } });
      }
      expect(third.body.output).toContain('You asked before: "echo one"');
    },
    LONG_MS,
  );

  test(
    "takes an agent by its id, and ignores what it does not know",
    async () => {
      const { body: agent } = await old("POST /agents", { name: "a", maxTurns: 7 });
      const { status, body } = await converse({
        prompt: "echo",
        agentId: agent.id,
        conversationId: null,
        stream: false,
        user: { id: 7 },
      });
      expect(status).toBe(200);
      expect(await runOf(body)).toMatchObject({ agent: { id: agent.id, version: 1 } });
    },
    LONG_MS,
  );

  test(
    "a run that failed is 500 with the error",
    async () => {
      const { status, body } = await converse({ prompt: "fail with 400" });
      expect(status).toBe(500);
      const run = await runOf(body);
      expect(run.status).toBe("failed");
      expect(body).toEqual({
        error: run.error?.message,
        runId: run.id,
        conversationId: run.conversation.id,
      });
      expect(body.error).not.toBe("");
    },
    LONG_MS,
  );

  test(
    "a run that was cancelled meanwhile is 500, one that ran out of time is 504",
    async () => {
      const { body: agent } = await old("POST /agents", { name: "short", timeoutSeconds: 10 });
      const timedOut = converse({ prompt: "wait 100 seconds", agentId: agent.id });
      const cancelled = converse({ prompt: "wait 101 seconds" });
      const id = await eventually(async () => {
        const { body } = await ask(world, "GET /runs?pageSize=5");
        const found = body.items.find((run: Run) => run.promptPreview === "wait 101 seconds");
        expect(found).toBeDefined();
        return found.id;
      });
      await ask(world, `POST /runs/${id}/cancel`);
      expect(await cancelled).toMatchObject({
        status: 500,
        body: { error: expect.any(String), runId: id },
      });
      const { status, body } = await timedOut;
      expect(status).toBe(504);
      expect(body).toMatchObject({ error: expect.any(String), runId: expect.any(String) });
      expect((await runOf(body)).status).toBe("timed_out");
    },
    LONG_MS,
  );

  test(
    "a run that does not end while the caller waits is 504, and goes on",
    async () => {
      const { status, body } = await converse({ prompt: "wait 60 seconds" }, { prefer: "wait=1" });
      expect(status).toBe(504);
      expect(Object.keys(body)).toEqual(["error", "runId", "conversationId"]);
      expect(body.error).toContain(body.runId);
      expect(await runOf(body)).toMatchObject({ done: false });
      await ask(world, `POST /runs/${body.runId}/cancel`);
    },
    LONG_MS,
  );

  test(
    "Prefer: respond-async answers 202 at once, or after as long as the caller waits besides",
    async () => {
      const { status, body, headers } = await converse(
        { prompt: "wait 60 seconds" },
        { prefer: "respond-async" },
      );
      expect(status).toBe(202);
      expect(body).toEqual({
        result: "accepted",
        runId: expect.stringMatching(/^run_/),
        conversationId: expect.stringMatching(/^conv_/),
      });
      expect(headers.get("location")).toBe(`/v1/runs/${body.runId}`);
      await ask(world, `POST /runs/${body.runId}/cancel`);
      const waited = await converse({ prompt: "echo" }, { prefer: "respond-async, wait=60" });
      expect(waited).toMatchObject({ status: 200, body: { result: "성공" } });
    },
    LONG_MS,
  );

  test(
    "the same Idempotency-Key gives the same answer without another run",
    async () => {
      const headers = { "idempotency-key": "conversation-1" };
      const first = await converse({ prompt: "echo" }, headers);
      const again = await converse({ prompt: "echo" }, headers);
      expect(again).toMatchObject({ status: 200, body: first.body });
      expect(again.headers.get("idempotency-replayed")).toBe("true");
      expect(await converse({ prompt: "other" }, headers)).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining("Idempotency-Key") },
      });
    },
    LONG_MS,
  );

  test.each<[string, unknown, number]>([
    ["no prompt", {}, 400],
    ["a blank prompt", { prompt: " \n" }, 400],
    ["a prompt that is no text", { prompt: 1 }, 400],
    ["a prompt that is too long", { prompt: "x".repeat(300_000) }, 400],
    ["no JSON", "{prompt", 400],
    ["a list", [], 400],
    ["an unknown agent", { prompt: "echo", agentId: ABSENT }, 404],
    ["no id of an agent", { prompt: "echo", agentId: "../x" }, 404],
    ["an unknown conversation", { prompt: "echo", conversationId: `conv_${"0".repeat(22)}` }, 404],
    ["no id of a conversation", { prompt: "echo", conversationId: "1" }, 404],
  ])("%s is refused as it was before", async (_what, body, status) => {
    const refused = await converse(body);
    expect(refused.status).toBe(status);
    expect(refused.body).toEqual({ error: expect.stringMatching(/./) });
  });

  test("a form is refused as what it is: a bad request", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const refused = await converse("prompt=a", headers);
    expect(refused).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("json") },
    });
  });

  test("needs a key, and another's conversation is not there", async () => {
    expect((await converse({ prompt: "echo" }, { authorization: "Bearer x" })).status).toBe(401);
    const { body } = await converse({ prompt: "echo" }, { prefer: "respond-async" });
    const { conversationId } = body;
    const foreign = await converse({ prompt: "echo", conversationId }, await otherOwner(world));
    expect(foreign.status).toBe(404);
  });
});

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
      expect((await converse({ prompt: "echo", agentId: id })).status).toBe(404);
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
