import type { Run } from "../../../shared/documents/run.ts";
import { ask, askOld, otherOwner } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
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

  test("a name that several agents have is refused with their ids, wherever it is said", async () => {
    const twins = [1, 2].map(() => old("POST /agents", { name: "twin", prompt: "x" }));
    const ids = (await Promise.all(twins)).map(({ body }) => body.id);
    for (const [line, body] of [
      ["POST /api/conversation", { prompt: "x", agentId: "twin" }],
      ["GET /agents/twin"],
      ["PUT /agents/twin", { name: "twin", prompt: "y" }],
      ["DELETE /agents/twin"],
      ["POST /agents/twin/run", {}],
    ] as const) {
      const refused = await old(line, body);
      expect(refused.status).toBe(400);
      for (const id of ids) expect(refused.body.error).toContain(id);
    }
  });

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
