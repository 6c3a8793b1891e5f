import type { Run } from "../../../../shared/documents/run.ts";
import { accepted, ask, ended, otherOwner, post as send, turnsOf } from "../../../support/api.ts";
import { snapshotsUntil } from "../../../support/follow.ts";
import { startWorld, type World } from "../../../support/world.ts";

const LONG_MS = 180_000;

// One world for the file: each conversation stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const post = (path: string, body: object, headers = {}) => send(world, path, { body, headers });
const startRun = (prompt: string, rest: object = {}) =>
  accepted(world, "/runs", { prompt, ...rest });
const startTurn = (run: Run, body: object) => accepted(world, turnsOf(run), body);

/** At work, and the model has answered so often. */
const running = ({ id }: Run, turns: number) =>
  snapshotsUntil(
    world.firestore,
    id,
    ({ status, progress }) => status === "running" && (progress?.turn ?? -1) >= turns,
  );

async function patchOf(run: Run): Promise<string> {
  const patch = run.artifacts.find(({ name }) => name === "patch.diff");
  const [, bucket = "", name = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(patch?.uri ?? "") ?? [];
  return (await world.storage.bucket(bucket).file(name).download()).toString();
}

describe("a conversation", () => {
  test(
    "turn two, on a fresh machine, knows turn one and its files",
    async () => {
      const first = await ended(world, await startRun("run: echo the-first-file > one.txt"));
      expect(first).toMatchObject({
        status: "succeeded",
        conversation: { turn: 1, session: "new" },
      });
      const second = await ended(
        world,
        await startTurn(first, { prompt: "run: cat one.txt && echo 2 > two.txt" }),
      );
      expect(second).toMatchObject({
        status: "succeeded",
        conversation: { id: first.conversation.id, turn: 2, session: "restored", remark: "" },
      });
      expect(second.output?.text).toContain("the-first-file");
      expect(JSON.stringify(world.modelRequests.at(-1)?.body)).toContain(
        "the-first-file > one.txt",
      );
      const patch = await patchOf(second);
      expect(patch).toContain("+++ b/two.txt");
      expect(patch).not.toContain("one.txt");
      const third = await ended(
        world,
        await startTurn(first, { prompt: "run: cat one.txt two.txt" }),
      );
      expect(third.output?.text).toContain("the-first-file\n2");
      const response = await world.call(`/conversations/${first.conversation.id}`);
      expect(await response.json()).toMatchObject({
        turns: 3,
        activeRun: null,
        queue: [],
        lastRun: third.id,
        items: [{ id: first.id }, { id: second.id }, { id: third.id }],
      });
    },
    LONG_MS,
  );

  test(
    "is listed, the newest first",
    async () => {
      const headers = await otherOwner(world);
      const begin = async () => (await post("/runs", { prompt: "echo" }, headers)).body as Run;
      const [first, second] = [await begin(), await begin()];
      const page = await ask(world, "GET /conversations?pageSize=1", { headers });
      const about = { promptPreview: "echo", status: expect.any(String) };
      expect(page.body.items).toMatchObject([
        { id: second.conversation.id, turns: 1, last: about },
      ]);
      const next = `GET /conversations?pageSize=1&pageToken=${page.body.nextPageToken}`;
      const rest = await ask(world, next, { headers });
      expect(rest.body).toEqual({
        items: [expect.objectContaining({ id: first.conversation.id })],
      });
      await ended(world, second);
      const after = await ask(world, "GET /conversations?pageSize=1", { headers });
      expect(after.body.items).toMatchObject([{ last: { status: "succeeded", done: true } }]);
    },
    LONG_MS,
  );

  test(
    "has one turn at a time: another is refused, or waits in order",
    async () => {
      const first = await startRun("sleep 3");
      const refused = await post(turnsOf(first), { prompt: "echo" });
      expect(refused).toMatchObject({ status: 409, body: { code: "conversation_busy" } });
      expect(refused.body.detail).toContain(first.id);
      const queue = { prompt: "echo", onBusy: "queue" };
      const second = await startTurn(first, queue);
      const dropped = await startTurn(first, queue);
      const third = await startTurn(first, queue);
      expect(second).toMatchObject({
        status: "pending",
        why: expect.stringMatching(/turn before/),
      });
      expect((await post(`/runs/${dropped.id}/cancel`, {})).body.status).toBe("cancelled");
      const [a, b, c] = await Promise.all([
        ended(world, first),
        ended(world, second),
        ended(world, third),
      ]);
      for (const run of [a, b, c]) expect(run.status).toBe("succeeded");
      const times = [a, b, c].map((run) => new Date(run.finishedAt as unknown as string));
      expect([b.conversation.turn, c.conversation.turn]).toEqual([2, 4]);
      expect(times).toHaveLength(3);
      for (const run of [b, c]) expect(run.conversation.session).toBe("restored");
    },
    LONG_MS,
  );

  test(
    "a turn that is sent twice with one Idempotency-Key is one turn",
    async () => {
      const first = await ended(world, await startRun("echo"));
      const key = { "idempotency-key": "turn-two" };
      const one = await post(turnsOf(first), { prompt: "echo" }, key);
      const two = await post(turnsOf(first), { prompt: "echo" }, key);
      expect([one.status, two.status]).toEqual([202, 202]);
      expect(two.body.id).toBe(one.body.id);
      expect(two.headers.get("idempotency-replayed")).toBe("true");
      const other = await post(turnsOf(first), { prompt: "other" }, key);
      expect(other).toMatchObject({ status: 422, body: { code: "idempotency_key_reused" } });
      await ended(world, one.body);
    },
    LONG_MS,
  );

  test(
    "of two turns that are sent at once one is accepted",
    async () => {
      const first = await ended(world, await startRun("echo"));
      const answers = await Promise.all(
        ["a", "b", "c", "d"].map((prompt) => post(turnsOf(first), { prompt })),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([202, 409, 409, 409]);
      await ended(world, answers.find(({ status }) => status === 202)?.body);
    },
    LONG_MS,
  );

  test(
    "one that is not there, and one of another owner, are 404",
    async () => {
      const response = await world.call("/conversations/conv_0000000000000000000000");
      expect(response.status).toBe(404);
      const { conversation } = await startRun("echo");
      await world.firestore.doc(`conversations/${conversation.id}`).update({ owner: "somebody" });
      expect((await world.call(`/conversations/${conversation.id}`)).status).toBe(404);
      expect((await post(`/conversations/${conversation.id}/runs`, { prompt: "x" })).status).toBe(
        404,
      );
    },
    LONG_MS,
  );
});

describe("continue", () => {
  test(
    "after a limit: with the session, the files and a raised limit",
    async () => {
      const settings = { maxTurns: 1 };
      const first = await ended(
        world,
        await startRun("run: echo kept > kept.txt", { agent: { settings } }),
      );
      expect(first.error).toMatchObject({ code: "max_turns" });
      const again = await accepted(world, `/runs/${first.id}/continue`, {
        settings: { maxTurns: 9 },
        prompt: "run: cat kept.txt",
      });
      expect(again).toMatchObject({ parentRunId: first.id, conversation: { turn: 2 } });
      const second = await ended(world, again);
      expect(second.output?.text).toContain("kept");
      const request = await (await world.call(`/runs/${second.id}/request`)).json();
      expect(request).toMatchObject({ settings: { maxTurns: 9 } });
    },
    LONG_MS,
  );

  test(
    "after a cancel at work; without a body the agent is told to go on",
    async () => {
      const first = await startRun("wait 60 seconds");
      await running(first, 1);
      await post(`/runs/${first.id}/cancel`, {});
      expect((await ended(world, first)).status).toBe("cancelled");
      const response = await world.call(`/runs/${first.id}/continue`, { method: "POST" });
      expect(response.status).toBe(202);
      const second = await ended(world, (await response.json()) as Run);
      expect(second).toMatchObject({ status: "succeeded", parentRunId: first.id });
      expect(second.promptPreview).toMatch(/^Continue/);
      expect(second.conversation.session).toBe("restored");
    },
    LONG_MS,
  );

  test(
    "before the model has answered: without a body the prompt is told again",
    async () => {
      const first = await startRun("fail with 529");
      await running(first, 0);
      await post(`/runs/${first.id}/cancel`, {});
      expect((await ended(world, first)).status).toBe("cancelled");
      const again = await accepted(world, `/runs/${first.id}/continue`, {});
      expect(again.promptPreview).toBe("fail with 529");
      await post(`/runs/${again.id}/cancel`, {});
      await ended(world, again);
    },
    LONG_MS,
  );

  test(
    "a run that is at work, that succeeded, or that others went on from, is refused",
    async () => {
      const first = await startRun("sleep 2");
      expect(await post(`/runs/${first.id}/continue`, {})).toMatchObject({
        status: 409,
        body: { code: "conflict" },
      });
      await ended(world, first);
      const refused = await post(`/runs/${first.id}/continue`, {});
      expect(refused).toMatchObject({ status: 409, body: { code: "conflict" } });
      expect(refused.body.detail).toContain(turnsOf(first));
    },
    LONG_MS,
  );
});

describe("rerun", () => {
  test(
    "runs the same resolved request in a conversation of its own",
    async () => {
      const agent = { settings: { maxTurns: 7, instructions: "Be brief." } };
      const first = await startRun("echo this", { agent, labels: { team: "a" } });
      await ended(world, first);
      const second = await accepted(world, `/runs/${first.id}/rerun`, {});
      expect(second).toMatchObject({ parentRunId: first.id, labels: { team: "a" } });
      expect(second.conversation).toMatchObject({ turn: 1 });
      expect(second.conversation.id).not.toBe(first.conversation.id);
      const requests = await Promise.all(
        [first, second].map(async ({ id }) => (await world.call(`/runs/${id}/request`)).json()),
      );
      expect(requests[1]).toEqual({ ...(requests[0] as object), runId: second.id });
      await ended(world, second);
    },
    LONG_MS,
  );

  test(
    "with other settings, prompt or labels",
    async () => {
      const first = await startRun("echo this", { agent: { settings: { maxTurns: 7 } } });
      const overrides = { prompt: "echo that", settings: { maxTurns: 8 }, labels: { a: "b" } };
      const second = await accepted(world, `/runs/${first.id}/rerun`, overrides);
      expect(second).toMatchObject({ promptPreview: "echo that", labels: { a: "b" } });
      const request = await (await world.call(`/runs/${second.id}/request`)).json();
      expect(request).toMatchObject({ settings: { maxTurns: 8, timeoutSeconds: 300 } });
      const invalid = await post(`/runs/${first.id}/rerun`, { settings: { maxTurns: 0 } });
      expect(invalid).toMatchObject({ status: 422, body: { code: "invalid" } });
    },
    LONG_MS,
  );
});
