import { Agent } from "../../../../shared/agent/agent.ts";
import { validatorOf } from "../../../../shared/schema/validate.ts";
import { agentCalls, SETTINGS } from "../../../support/agents.ts";
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

describe("PATCH /v1/agents/{id}", () => {
  test("merges what it holds, removes what is null, and makes a version", async () => {
    const { id, ...before } = await createAgent();
    const { status, body, headers } = await patchAgent(
      id,
      {
        name: "editor",
        labels: { team: null, tier: "1" },
        settings: { maxTurns: null, effort: "low" },
      },
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
    const { body } = await patchAgent(id, { labels: null, settings: null });
    expect(body).toMatchObject({ version: 2, labels: {}, settings: {} });
  });

  test("application/json is as good as application/merge-patch+json, and nothing else is", async () => {
    const { id } = await createAgent();
    const as = (type: string) =>
      patchAgent(id, { name: type }, { "if-match": "*", "content-type": type });
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
      expect(await patchAgent(agent.id, body)).toMatchObject({ status: 200, body: agent });
    }
    expect((await call(`GET /agents/${agent.id}/versions/2`)).status).toBe(404);
  });

  test.each<[string, Record<string, string>, string]>([
    ["no If-Match", {}, "428 precondition_required"],
    ["a stale one", { "if-match": '"7"' }, "412 precondition_failed"],
    ["a weak one", { "if-match": 'W/"1"' }, "412 precondition_failed"],
    ["garbage", { "if-match": "1" }, "412 precondition_failed"],
  ])("%s is refused and changes nothing", async (_what, headers, refusal) => {
    const agent = await createAgent();
    const { status, body } = await patchAgent(agent.id, { name: "other" }, headers);
    expect(`${status} ${body.code}`).toBe(refusal);
    expect((await call(`GET /agents/${agent.id}`)).body).toEqual(agent);
  });

  test("one of several ETags is enough", async () => {
    const { id } = await createAgent();
    expect((await patchAgent(id, { name: "b" }, { "if-match": '"9", "1"' })).status).toBe(200);
  });

  test.each([
    ["an unknown property", { color: "red" }, "/color"],
    ["a property that is not the caller's", { version: 9 }, "/version"],
    ["no name left", { name: null }, "/name"],
    ["an unknown setting", { settings: { turns: 1 } }, "/settings/turns"],
    [
      "an unusable output schema",
      { settings: { outputSchema: { type: 1 } } },
      "/settings/outputSchema",
    ],
    ["a list", [], ""],
    ["null", "null", ""],
  ])("%s: refused with its place", async (_what, body, pointer) => {
    const agent = await createAgent();
    const refused = await patchAgent(agent.id, body);
    expect(refused).toMatchObject({
      status: 422,
      body: { code: "invalid", errors: [{ pointer }] },
    });
    expect((await call(`GET /agents/${agent.id}`)).body).toEqual(agent);
  });

  test("of ten at once with the same ETag, one wins", async () => {
    const { id } = await createAgent();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        patchAgent(id, { name: `n${i}` }, { "if-match": '"1"' }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array(9).fill(412)]);
    const won = answers.find(({ status }) => status === 200)?.body;
    expect((await call(`GET /agents/${id}`)).body).toEqual(won);
    expect(won.version).toBe(2);
  });
});
