import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EventDocument, eventsIn } from "../../../../shared/documents/event.ts";
import type { Run } from "../../../../shared/documents/run.ts";
import { accepted, ask, ended, post, turnsOf } from "../../../support/api.ts";
import { eventually } from "../../../support/eventually.ts";
import { passDays } from "../../../support/expiry.ts";
import { filesWith, placesOf } from "../../../support/remains.ts";
import { startWorld, type World } from "../../../support/world.ts";

const LONG_MS = 180_000;

// One world for the file: each run stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  const row = { promptDays: 7, sessionDays: 7, outputDays: 14, eventDays: 3, runDays: 60 };
  world = await startWorld({ settings: { RUNYARD_RETENTION: JSON.stringify({ "*": row }) } });
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const startRun = (prompt: string) => accepted(world, "/runs", { prompt });
const erase = ({ id }: Pick<Run, "id">) => world.call(`/runs/${id}`, { method: "DELETE" });

describe("delete", () => {
  async function leftOf({ id, conversation }: Run): Promise<string[]> {
    const documents = [`runs/${id}`, `runState/${id}`, `runRequests/${id}`];
    const snapshots = await Promise.all(
      [...documents, `conversations/${conversation.id}`].map((path) =>
        world.firestore.doc(path).get(),
      ),
    );
    const events = await world.firestore.collection(`runs/${id}/events`).get();
    const bucket = world.storage.bucket("runyard-local");
    const [objects] = await bucket.getFiles({ prefix: `attempts/${id}/` });
    return [
      ...snapshots.filter(({ exists }) => exists).map(({ ref }) => ref.path),
      ...events.docs.map(({ ref }) => ref.path),
      ...objects.map(({ name }) => name),
    ];
  }

  test(
    "erases a finished run: documents, events, request, objects and log",
    async () => {
      const run = await ended(world, await startRun("Create hello.txt"));
      expect((await leftOf(run)).length).toBeGreaterThan(10);
      const [logsBefore] = await world.storage.bucket("runyard-local").getFiles({ prefix: "log-" });
      expect((await erase(run)).status).toBe(204);
      expect(await leftOf(run)).toEqual([]);
      const [logsAfter] = await world.storage.bucket("runyard-local").getFiles({ prefix: "log-" });
      expect(logsAfter).toHaveLength(logsBefore.length - 1);
      expect((await world.call(`/runs/${run.id}`)).status).toBe(404);
      expect((await erase(run)).status).toBe(404);
    },
    LONG_MS,
  );

  test(
    "a run that is not over is refused, and stays",
    async () => {
      const run = await startRun("sleep 2");
      expect((await erase(run)).status).toBe(409);
      expect((await ended(world, run)).status).toBe("succeeded");
    },
    LONG_MS,
  );

  test(
    "the conversation goes on without the session of a turn that was erased, and says so",
    async () => {
      const first = await ended(world, await startRun("run: echo one > one.txt"));
      const second = await ended(world, await accepted(world, turnsOf(first), { prompt: "echo" }));
      expect((await erase(second)).status).toBe(204);
      const third = await ended(world, await accepted(world, turnsOf(first), { prompt: "echo" }));
      expect(third).toMatchObject({
        status: "succeeded",
        conversation: { turn: 3, session: "lost", remark: expect.stringMatching(/anew/) },
      });
      const response = await world.call(`/conversations/${first.conversation.id}`);
      const { items } = (await response.json()) as { items: Run[] };
      expect(items.map(({ id }) => id)).toEqual([first.id, third.id]);
    },
    LONG_MS,
  );
});

test(
  "the Idempotency-Key of a deleted run whose conversation went on begins no second one",
  async () => {
    const headers = { "idempotency-key": "deleted" };
    const first = (await post(world, "/runs", { body: { prompt: "echo" }, headers })).body as Run;
    await ended(world, first);
    await ended(world, await accepted(world, turnsOf(first), { prompt: "echo" }));
    await world.call(`/runs/${first.id}`, { method: "DELETE" });
    const again = await post(world, "/runs", { body: { prompt: "echo" }, headers });
    expect(again).toMatchObject({ status: 409, body: { code: "conflict" } });
  },
  LONG_MS,
);

test(
  "the events of a run are one ordered list that listeners see",
  async () => {
    const run = await ended(world, await startRun("Create hello.txt"));
    await eventually(async () => {
      const { docs } = await world.firestore.collection(`runs/${run.id}/events`).get();
      const events = docs.flatMap((document) => eventsIn(document.data() as EventDocument));
      const ids = events.map(({ id }) => id);
      expect(ids).toEqual(ids.map((_, at) => `1-${String(at + 1).padStart(6, "0")}`));
      expect(events.every(({ owner }) => owner === "local")).toBe(true);
      const contents = events.map(({ event }) => event);
      expect(contents[0]).toMatchObject({ type: "status", status: "pending" });
      expect(contents.at(-1)).toMatchObject({ type: "status", status: "succeeded" });
      expect(contents).toContainEqual(expect.objectContaining({ type: "tool", tool: "Write" }));
      expect(contents.some(({ type }) => type === "text")).toBe(true);
    }, LONG_MS);
  },
  LONG_MS,
);

test(
  "what is no longer kept says so, wherever it is looked for; then nothing is left",
  async () => {
    const first = await ended(world, await startRun("Create hello.txt"));
    const of = (what: string) => `/runs/${first.id}/${what}`;
    const answerOf = async (line: string, body?: object) => {
      const answer = await ask(world, line, { body });
      return [answer.status, answer.body.code, answer.body.detail];
    };
    const prompt = [410, "prompt_expired", expect.stringMatching(/prompt and the settings of run/)];
    const files = [410, "outputs_expired", expect.stringMatching(/files that run .* left are no/)];

    const weekOld = await passDays(world, 8.5);
    expect(weekOld).toContain(`runRequests/${first.id}`);
    expect(weekOld.some((path) => path.startsWith(`runs/${first.id}/events/`))).toBe(true);
    expect(weekOld.some((name) => /^attempts.*input-/.test(name))).toBe(true);
    expect(await answerOf(`GET ${of("request")}`)).toEqual(prompt);
    expect(await answerOf(`POST ${of("rerun")}`)).toEqual(prompt);
    expect(await answerOf(`POST ${turnsOf(first)}`, { prompt: "echo" })).toEqual([
      410,
      "prompt_expired",
      expect.stringMatching(/say with agent what this turn shall run with/),
    ]);
    expect((await world.call(of("patch"))).status).toBe(200);
    const turn = { prompt: "echo", agent: { settings: {} } };
    const second = await ended(world, await accepted(world, turnsOf(first), turn));
    expect(second).toMatchObject({ status: "succeeded", conversation: { session: "lost" } });
    expect(second.conversation.remark).toMatch(/no longer kept/);

    await passDays(world, 14.5);
    expect(await answerOf(`GET ${of("patch")}`)).toEqual(files);
    expect(await answerOf(`GET ${of("artifacts")}`)).toEqual(files);
    expect(await answerOf(`GET ${of("artifacts/result.json")}`)).toEqual(files);
    expect((await world.call(`/runs/${first.id}`)).status).toBe(200);

    await passDays(world, 61);
    expect(await answerOf(`GET /runs/${first.id}`)).toEqual([404, "not_found", expect.anything()]);
    expect(await answerOf(`GET /conversations/${first.conversation.id}`)).toEqual([
      404,
      "not_found",
      expect.anything(),
    ]);
    const [objects] = await world.storage.bucket("runyard-local").getFiles();
    expect(objects.filter(({ name }) => name.includes(first.id))).toEqual([]);
  },
  LONG_MS,
);

/** In every text of a caller and of an agent. */
const TEXT = "qzx-4711";

test(
  "of a run that is erased no text is left in any document, object, message, log or file",
  async () => {
    const secrets = { "runyard-token": `secret-${TEXT}` };
    const secretsFile = join(world.directory, "secrets.json");
    writeFileSync(secretsFile, JSON.stringify(secrets), { mode: 0o600 });
    const secret = "projects/runyard-local/secrets/runyard-token/versions/latest";
    const settings = {
      instructions: `instructions ${TEXT}`,
      environment: { API_TOKEN: { secret } },
      setupCommands: [`echo setup ${TEXT}`],
      checks: [{ name: `check-${TEXT}`, command: `echo check ${TEXT}` }],
    };
    const body = {
      prompt: `run: echo "$API_TOKEN" > ${TEXT}.txt; cat ${TEXT}.txt; echo answer ${TEXT}`,
      agent: { settings },
      labels: { [`label-${TEXT}`]: `label ${TEXT}` },
    };
    const headers = { "idempotency-key": `key-${TEXT}` };
    const { id } = (await post(world, "/runs", { body, headers })).body;
    const first = await ended(world, { id });
    const second = await ended(world, await accepted(world, turnsOf(first), { prompt: TEXT }));
    expect([first.status, second.status]).toEqual(["succeeded", "succeeded"]);
    const before = await placesOf(world, TEXT);
    const folders = before.map((path) => path.slice(0, path.indexOf("/")));
    expect([...new Set(folders)]).toEqual(["attempts", "runRequests", "runs", "usage"]);

    expect((await erase(second)).status).toBe(204);
    expect((await erase(first)).status).toBe(204);
    expect(await placesOf(world, TEXT)).toEqual([]);
    // What lies in a database's log is gone when its service ends.
    let files: string[] = [];
    await world.restart(() => {
      files = filesWith(world, TEXT);
    });
    expect(files).toEqual(["secrets.json"]);
    expect(world.log.filter((line) => line.includes(TEXT))).toEqual([]);
  },
  LONG_MS,
);
