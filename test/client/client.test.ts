import { unpackTar } from "modern-tar";
import { type Client, createClient } from "../../client/client.ts";
import type { ProblemError } from "../../client/problem-error.ts";
import type { Run } from "../../client/types.ts";
import { OPERATIONS } from "../../shared/api/operations.ts";
import { type ApiContract, apiContract } from "../support/api-contract.ts";
import { eventually } from "../support/eventually.ts";
import { storedFiring } from "../support/stored-firing.ts";
import { startWorld, type World } from "../support/world.ts";

const LONG_MS = 180_000;

// One world and one record for the file: its last test asks which operations no method called.
let world: World;
let contract: ApiContract;
let client: Client;
beforeAll(async () => {
  world = await startWorld();
  contract = apiContract();
  const { firestore, local } = world;
  const { address, key } = local;
  client = createClient({ url: address.apiUrl, key, firestore, fetch: contract.fetch });
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}

const refusalOf = (promise: Promise<unknown>): Promise<ProblemError> =>
  promise.then(
    () => Promise.reject(new Error("it was not refused")),
    (error: ProblemError) => error,
  );

const waiting = { waitSeconds: 100 };

describe("a run", () => {
  test(
    "is made, watched and followed to its end, and what it left is read",
    async () => {
      const run = await client.runs.create({
        prompt: "run: echo a > a.txt; mkdir out; echo '<p>' > out/report.html; ln -s /etc out/link",
        labels: { team: "x" },
        agent: { settings: { artifacts: ["out/**", "none/*"] } },
      });
      const [snapshots, events] = await Promise.all([
        all(client.watch(run.id)),
        all(client.follow(run.id)),
      ]);
      expect(snapshots.at(-1)).toEqual(await client.runs.get(run.id));
      expect(snapshots.map(({ status }) => status)).toContain("running");
      expect(snapshots.filter(({ done }) => done)).toHaveLength(1);
      const statuses = events.flatMap(({ event }) =>
        event.type === "status" ? [event.status] : [],
      );
      expect([statuses[0], statuses.at(-1)]).toEqual(["pending", "succeeded"]);
      const later = await all(client.follow(run.id, { after: events[1]?.id }));
      expect(later).toEqual(events.slice(2));
      expect((await client.runs.request(run.id)).prompt).toMatch(/^run: echo a > a\.txt/);
      expect((await client.runs.artifacts(run.id)).map(({ name }) => name)).toContain("patch.diff");
      expect(snapshots.at(-1)).toMatchObject({
        why: "Done. No file matches none/*. No artifact is out/link (a link).",
        verdict: {
          artifactGaps: { unmatched: ["none/*"], leftOut: [{ path: "out/link", why: "link" }] },
        },
      });
      const tar = await client.runs.artifactsTar(run.id, { prefix: "files/" });
      const [entry, ...others] = await unpackTar(new Uint8Array(await tar.arrayBuffer()));
      expect(others).toEqual([]);
      expect(entry?.header).toMatchObject({ name: "files/out/report.html", type: "file" });
      expect(new TextDecoder().decode(entry?.data)).toBe("<p>\n");
      const none = await refusalOf(client.runs.artifactsTar(run.id, { prefix: "nothing" }));
      expect(none).toMatchObject({ code: "not_found" });
      const patch = await (await client.runs.patch(run.id)).text();
      expect(patch).toContain("+++ b/a.txt");
      const part = await client.runs.artifact(run.id, "patch.diff", { range: "bytes=0-3" });
      expect(await part.text()).toBe(patch.slice(0, 4));
      expect((await client.runs.logs(run.id, { follow: true })).status).toBe(200);
    },
    LONG_MS,
  );

  test(
    "with structured output looks the same watched and fetched",
    async () => {
      const outputSchema = { type: "object", properties: { ok: { type: "boolean" } } };
      const { id } = await client.runs.create({
        prompt: "echo",
        agent: { settings: { outputSchema } },
      });
      const watched = (await all(client.watch(id))).at(-1);
      expect(watched?.output?.structured).toEqual(expect.any(Object));
      expect(watched).toEqual(await client.runs.get(id));
    },
    LONG_MS,
  );

  test(
    "is cancelled, continued, repeated, archived and erased",
    async () => {
      const { id } = await client.runs.create({ prompt: "run: sleep 60" });
      for await (const { status } of client.watch(id)) if (status === "running") break;
      await client.runs.cancel(id);
      const cancelled = (await all(client.watch(id))).at(-1) as Run;
      expect(cancelled.status).toBe("cancelled");
      const next = await client.runs.continue(id, { prompt: "echo" }, waiting);
      expect(next).toMatchObject({ done: true, parentRunId: id });
      const again = await client.runs.rerun(next.id, {}, waiting);
      expect(again).toMatchObject({ done: true, parentRunId: next.id });
      const turn = await client.conversations.createTurn(
        next.conversation.id,
        { prompt: "echo" },
        waiting,
      );
      const { items } = await client.conversations.get(next.conversation.id);
      expect(items.map((run) => run.id)).toEqual([id, next.id, turn.id]);
      const ids = async (archived?: "true") =>
        (
          await all(client.runs.list({ from: cancelled.createdAt, ...(archived && { archived }) }))
        ).map((run) => run.id);
      expect((await client.runs.archive(id)).archivedAt).not.toBeNull();
      expect(await ids()).not.toContain(id);
      expect(await ids("true")).toContain(id);
      expect((await client.runs.unarchive(id)).archivedAt).toBeNull();
      expect((await client.usage({ by: "status" })).total.runs).toBeGreaterThanOrEqual(4);
      const [latest] = await all(client.conversations.list());
      expect(latest).toMatchObject({ id: again.conversation.id, turns: 1 });
      await client.runs.delete(id);
      expect(await refusalOf(client.runs.get(id))).toMatchObject({
        code: "not_found",
        status: 404,
      });
    },
    LONG_MS,
  );

  test("is made once, however often its key is sent", async () => {
    const options = { idempotencyKey: "one" };
    const first = await client.runs.create({ prompt: "echo" }, options);
    expect((await client.runs.create({ prompt: "echo" }, options)).id).toBe(first.id);
    expect((await client.runs.create({ prompt: "echo" })).id).not.toBe(first.id);
    const refused = await refusalOf(client.runs.create({ prompt: "other" }, options));
    expect(refused.code).toBe("idempotency_key_reused");
  });

  test("that does not fit is refused with each fault", async () => {
    const body = { prompt: " ", labels: { A: "b" } };
    const { errors, status, detail } = await refusalOf(client.runs.create(body));
    expect(status).toBe(422);
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual(["/labels/A", "/prompt"]);
    expect(detail).toContain("/prompt");
  });

  test("lists are read page by page, as far as somebody reads", async () => {
    for (let i = 0; i < 3; i += 1) {
      await client.runs.create({ prompt: "echo", labels: { list: "mine" } });
    }
    const filter = { label: "list:mine", pageSize: 2 };
    const runs = await all(client.runs.list(filter));
    expect(new Set(runs.map(({ id }) => id)).size).toBe(3);
    for await (const { id } of client.runs.list(filter)) {
      expect(id).toBe(runs[0]?.id);
      break;
    }
  });
});

test("an agent is stored, changed, archived and run", async () => {
  const agent = await client.agents.create({ name: "one" });
  const changed = await client.agents.patch(agent, { settings: { maxTurns: 7 } });
  expect(changed).toMatchObject({ version: 2, settings: { maxTurns: 7 } });
  const stale = await refusalOf(client.agents.patch(agent, { name: "two" }));
  expect(stale.code).toBe("precondition_failed");
  expect((await all(client.agents.versions(agent.id))).map((each) => each.version)).toEqual([2, 1]);
  expect((await client.agents.version(agent.id, 1)).settings).toEqual({});
  const run = await client.agents.run(agent.id, { prompt: "echo", version: 1 });
  expect(run.agent).toEqual({ id: agent.id, version: 1 });
  const tried = await client.agents.dryRun(agent.id, { prompt: "echo" });
  expect(tried).toMatchObject({ valid: true, agent: { id: agent.id, version: 2 } });
  const settings = { maxBudgetUsd: 2 };
  expect(await client.runs.dryRun({ prompt: "echo", agent: { settings } })).toEqual({
    ...{
      valid: true,
      agent: null,
      maxCostUsd: 2,
      queue: null,
      usually: null,
      repository: null,
      repositories: [],
    },
  });
  expect((await client.agents.archive(agent.id)).archivedAt).toEqual(expect.any(String));
  expect(await all(client.agents.list())).toEqual([]);
  await client.agents.unarchive(agent.id);
  expect((await all(client.agents.list())).map(({ id }) => id)).toEqual([agent.id]);
  expect((await client.agents.get(agent.id)).version).toBe(2);
});

test("a trigger is kept, changed and deleted, and a hook gets another secret", async () => {
  const verify = { scheme: "github" } as const;
  const source = { kind: "webhook", verify } as const;
  const { secret, ...hook } = await client.triggers.create({ name: "hook", source, prompt: "a" });
  const today = { runs: 0, usd: null };
  expect(await client.triggers.get(hook.id)).toEqual({ ...hook, today });
  const changed = await client.triggers.patch(hook, { enabled: false });
  expect(changed).toMatchObject({ revision: 2, enabled: false });
  expect((await client.triggers.rotateSecret(hook.id)).secret).not.toBe(secret);
  expect((await all(client.triggers.list())).map(({ id }) => id)).toEqual([hook.id]);
  const firing = await storedFiring(world, hook.id);
  const [known] = await all(client.triggers.firings(hook.id, { outcome: "filtered" }));
  expect(known?.id).toBe(firing);
  const gone = await refusalOf(client.triggers.redeliver(hook.id, firing));
  expect(gone.code).toBe("conflict");
  const event = { data: {} };
  const prompt = "a";
  const matched = { outcome: "matched", matches: true, prompt };
  expect(await client.triggers.test(hook.id, { event })).toMatchObject(matched);
  const trigger = { name: "hook", source, prompt, filter: "false" };
  const filtered = await client.triggers.testNew(trigger, { event });
  expect(filtered).toMatchObject({ outcome: "filtered", matches: false });
  await client.triggers.delete(hook.id);
  expect(await all(client.triggers.list())).toEqual([]);
});

test("a webhook is stored, changed, rotated, tried and removed", async () => {
  // Nothing listens there.
  const made = await client.webhooks.create({ url: "http://127.0.0.1:9/hook", events: ["*"] });
  expect(made.secret).toMatch(/^whsec_/);
  const changed = await client.webhooks.patch(made, { description: "mine", events: null });
  expect(changed).toMatchObject({ revision: 2, description: "mine", events: ["done"] });
  expect((await client.webhooks.rotate(made.id)).secret).not.toBe(made.secret);
  expect(await client.webhooks.get(made.id)).not.toHaveProperty("secret");
  expect((await all(client.webhooks.list())).map(({ id }) => id)).toEqual([made.id]);
  const ping = await client.webhooks.ping(made.id);
  await eventually(async () => {
    // Runs of other tests are told of, too.
    const sent = await all(client.webhooks.deliveries(made.id));
    const delivery = sent.find(({ id }) => id === ping.id);
    expect(delivery).toMatchObject({ status: "failed", attempts: 1 });
  });
  expect((await client.webhooks.redeliver(made.id, ping.id)).status).toBe("pending");
  await client.webhooks.delete(made.id);
  const run = await client.runs.create({ prompt: "echo" });
  expect(await all(client.runs.deliveries(run.id))).toEqual([]);
});

test("the service tells of itself, and who one is", async () => {
  expect(await client.health()).toEqual({ status: "ok" });
  expect(await client.openApi()).toMatchObject({ openapi: "3.1.0" });
  expect(await client.token()).toMatchObject({ uid: "local" });
  expect(await client.upload(Buffer.from("a file"))).toMatch(/^upl_\w{22}$/);
});

test(
  "a list is followed while runs come and change",
  async () => {
    const labels = { team: "followed" };
    const controller = new AbortController();
    const statuses: string[] = [];
    const follow = async () => {
      const { signal } = controller;
      for await (const change of client.runs.follow({ label: "team:followed", signal })) {
        if (change.type === "ready") void client.runs.create({ prompt: "echo", labels });
        if (change.type !== "run") continue;
        statuses.push(change.run.status);
        if (change.run.done) controller.abort(new Error("enough"));
      }
    };
    await expect(follow()).rejects.toThrow("enough");
    expect([statuses[0], statuses.at(-1)]).toEqual(["pending", "succeeded"]);
  },
  LONG_MS,
);

describe("what is not there", () => {
  test("cannot be watched or followed", async () => {
    const id = `run_${"0".repeat(22)}`;
    await expect(all(client.watch(id))).rejects.toThrow(`there is no run ${id}`);
    expect(await refusalOf(all(client.follow(id)))).toMatchObject({ code: "not_found" });
    const blind = createClient({ url: "http://127.0.0.1:9/v1", key: "none" });
    expect(() => blind.watch(id)).toThrow("needs a client of Firestore");
  });
});

/**
 * Pages for people, what MCP clients call, and the paths of the service before this one, which say
 * what to use.
 */
const NOT_OF_THE_CLIENT = ["callMcp", "getPage", "getPageAsset", "getDocs"];

test("there is a method for every operation that others than builds call", () => {
  const called = new Set([...contract.seen].map((each) => each.split(" ")[0]));
  const wanted = OPERATIONS.filter(({ access, tag }) => access !== "build" && tag !== "Legacy");
  const missing = wanted.map(({ id }) => id).filter((id) => !called.has(id));
  expect(missing).toEqual(NOT_OF_THE_CLIENT);
});
