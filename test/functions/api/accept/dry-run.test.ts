import { HttpsRepositories } from "../../../../functions/repositories/https-repositories.ts";
import type { Agent } from "../../../../shared/agent/agent.ts";
import type { DryRun } from "../../../../shared/api/dry-run.ts";
import { lineIdOf } from "../../../../shared/capacity/line.ts";
import type { Run } from "../../../../shared/documents/run.ts";
import { sha256 } from "../../../../shared/hash.ts";
import { emptyDay, withRun } from "../../../../shared/usage/usage-day.ts";
import { startGitServer } from "../../../infra/agent/workspace/git-server.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";
import { at, makeRun } from "../../../support/make-run.ts";

const OWNER = "owner";
const LONG_MS = 120_000;

let git: Awaited<ReturnType<typeof startGitServer>>;
let server: ApiServer;
let bearer: string;
beforeAll(async () => {
  git = await startGitServer();
  git.commit({ "a.txt": "a" });
  const repositories = new HttpsRepositories(git.access);
  const env = { RUNYARD_SECRET_PREFIXES: '{"owner": ["mine-"]}' };
  server = await startApiServer({ services: { repositories }, env });
  bearer = await server.newKey();
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await git[Symbol.asyncDispose]();
});

const send = async (path: string, json: object, headers: Record<string, string> = {}) => {
  const response = await server.call(`/v1${path}`, { bearer, json, headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
};

async function tried(json: object, path = "/runs?dryRun"): Promise<DryRun> {
  const { status, body } = await send(path, json);
  expect([status, body]).toEqual([200, expect.objectContaining({ valid: true })]);
  return body as DryRun;
}

const newAgent = async (settings: object = {}): Promise<Agent> =>
  (await send("/agents", { name: `agent ${Math.random()}`, settings })).body as Agent;

/** Every document that there is, with its last change. */
async function allDocuments(of: ApiServer): Promise<string[]> {
  const names: string[] = [];
  for (const collection of await of.firestore.listCollections()) {
    for (const { ref, updateTime } of (await collection.get()).docs) {
      names.push(`${ref.path} ${updateTime.toMillis()}`);
    }
  }
  return names.sort();
}

const settings = (of: object) => ({ prompt: "Do it", agent: { settings: of } });
const openedBy = (secret: string) => ({
  url: "https://git.example/private",
  credential: { secret: `projects/pipeline/secrets/${secret}/versions/1` },
});
const secretOf = (secret: string) =>
  settings({
    environment: { TOKEN: { secret: `projects/pipeline/secrets/${secret}/versions/1` } },
  });

test(
  "a request that fits is told what it would come to, and nothing is made or published",
  async () => {
    await server.call("/v1/runs", { bearer, json: { prompt: "Do it" } });
    const before = await allDocuments(server);
    expect(before.length).toBeGreaterThan(3);
    const expected = {
      ...{ valid: true, agent: null, maxCostUsd: 5 },
      ...{ queue: null, usually: null, repository: null, repositories: [] },
    };
    expect(await tried({ prompt: "Do it" })).toEqual(expected);
    expect(await tried({ prompt: "Do it" }, "/runs?dryRun=true")).toEqual(expected);
    expect(await tried(settings({ maxBudgetUsd: 0.5 }))).toEqual({ ...expected, maxCostUsd: 0.5 });
    expect(await tried(secretOf("mine-token"))).toEqual(expected);
    expect(await allDocuments(server)).toEqual(before);
    const { status } = await send("/runs?dryRun=false", { prompt: "Do it" });
    expect(status).toBe(202);
    expect((await allDocuments(server)).length).toBeGreaterThan(before.length);
  },
  LONG_MS,
);

test(
  "neither Idempotency-Key nor Prefer say anything",
  async () => {
    const headers = { "idempotency-key": "one", prefer: "wait=60" };
    const first = await send("/runs?dryRun", { prompt: "One" }, headers);
    expect(first.status).toBe(200);
    expect(first.headers.get("preference-applied")).toBeNull();
    expect((await send("/runs?dryRun", { prompt: "Two" }, headers)).status).toBe(200);
    const real = await send("/runs", { prompt: "Three" }, { "idempotency-key": "one" });
    expect(real.status).toBe(202);
    expect(real.headers.get("idempotency-replayed")).toBeNull();
  },
  LONG_MS,
);

describe("what accepting it would refuse is refused in the same words", () => {
  test.each<[string, object]>([
    ["no prompt", { prompt: " " }],
    ["a field that there is not", { prompt: "x", promt: "y" }],
    ["labels", { prompt: "x", labels: { A: "b" } }],
    ["a limit that is none", settings({ maxTurns: 0 })],
    ["an agent that there is not", { prompt: "x", agent: "nobody" }],
    ["a secret that is not the owner's", secretOf("theirs-token")],
    ["a credential that is not the owner's", settings({ repository: openedBy("theirs-token") })],
    [
      "a folder that is git's",
      settings({ repositories: [{ ...openedBy("mine-x"), folder: ".git" }] }),
    ],
    ["an output schema that is none", settings({ outputSchema: { type: "no such type" } })],
    ["a repository's address", settings({ repository: { url: "http://git.example/r" } })],
    ["a prompt of more bytes than may be", { prompt: "é".repeat(600 * 1024) }],
  ])("%s", async (_what, body) => {
    const real = await send("/runs", body);
    const { status, body: problem } = await send("/runs?dryRun", body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect([status, problem]).toEqual([real.status, real.body]);
  });

  test("a version that there is not, an archived agent, and one that is no longer there", async () => {
    const { id } = await newAgent();
    const refused = async (path: string, body: object) => {
      const real = await send(path, body);
      const { status, body: problem } = await send(`${path}?dryRun`, body);
      expect([status, problem]).toEqual([real.status, real.body]);
      return (problem as { code: string }).code;
    };
    const version = { prompt: "x", agent: { id, version: 9 } };
    expect(await refused("/runs", version)).toBe("invalid");
    expect(await refused(`/agents/${id}/runs`, { prompt: "x", version: 9 })).toBe("invalid");
    await server.call(`/v1/agents/${id}/archive`, { bearer, method: "POST" });
    expect(await refused("/runs", { prompt: "x", agent: id })).toBe("agent_archived");
    expect(await refused(`/agents/${id}/runs`, { prompt: "x" })).toBe("agent_archived");
    expect(await refused("/agents/nobody/runs", { prompt: "x" })).toBe("not_found");
  });

  test("a parameter that there is not, as one that is misspelt, makes no run", async () => {
    for (const query of ["?dryrun", "?dryRun=yes", "?dry_run=true"]) {
      expect((await send(`/runs${query}`, { prompt: "x" })).status).toBe(422);
    }
  });

  test("a key that may only read", async () => {
    const reader = await server.newKey({ scopes: ["read"] });
    const json = { prompt: "x" };
    const { status } = await server.call("/v1/runs?dryRun", { bearer: reader, json });
    expect(status).toBe(403);
  });
});

test(
  "quotas and the budget of the day are looked at, and not used up",
  async () => {
    const env = { RUNYARD_MAX_DAILY_RUNS: "1", RUNYARD_DAILY_BUDGETS: '{"owner": 2}' };
    await using bounded = await startApiServer({ env });
    const key = await bounded.newKey();
    const create = async (path: string) => {
      const response = await bounded.call(path, { bearer: key, json: { prompt: "x" } });
      return { status: response.status, body: await response.json() };
    };
    const before = await allDocuments(bounded);
    for (let i = 0; i < 3; i += 1) {
      const { status, body } = await create("/v1/runs?dryRun");
      expect([status, body]).toEqual([200, expect.objectContaining({ maxCostUsd: 2 })]);
    }
    expect(await allDocuments(bounded)).toEqual(before);
    expect((await create("/v1/runs")).status).toBe(202);
    const real = await create("/v1/runs");
    expect(real).toMatchObject({ status: 429, body: { code: "limit_reached" } });
    expect(await create("/v1/runs?dryRun")).toEqual(real);
    const day = new Date().toISOString().slice(0, 10);
    const spent = { schemaVersion: 1, owner: OWNER, day, spentMicros: 2_000_000, asideMicros: 0 };
    await bounded.firestore.doc(`spending/${sha256(OWNER)}`).set(spent);
    expect(await create("/v1/runs?dryRun")).toMatchObject({ body: { code: "budget_spent" } });
  },
  LONG_MS,
);

describe("an agent's own history", () => {
  async function storeRuns(agentId: string, costs: (number | null)[]): Promise<void> {
    const { run } = makeRun();
    let day = emptyDay();
    for (const [index, costUsd] of costs.entries()) {
      const usage = costUsd === null ? null : { costUsd, inputTokens: 1, outputTokens: 1 };
      const ended = {
        ...run,
        finishedAt: at(60 * (index + 1)),
        agent: { id: agentId, version: 1 },
      };
      const whole = usage && { ...usage, turns: 1, incomplete: false };
      day = withRun(day, { ...ended, usage: whole, done: true } as Run, null);
    }
    const today = new Date().toISOString().slice(0, 10);
    const data = { schemaVersion: 1, owner: OWNER, day: today, json: JSON.stringify(day) };
    await server.firestore.doc(`usage/${sha256(OWNER)}-${today}-3`).set(data);
  }

  test("says what it usually takes and costs", async () => {
    const { id } = await newAgent({ maxBudgetUsd: 3 });
    expect((await tried({ prompt: "x", agent: id })).usually).toBeNull();
    await storeRuns(id, [0.1, 0.1, 0.1, 2, null]);
    for (const path of ["/runs?dryRun", `/agents/${id}/runs?dryRun`]) {
      const body = path.startsWith("/runs") ? { prompt: "x", agent: id } : { prompt: "x" };
      const { usually, ...answer } = await tried(body, path);
      expect(answer).toMatchObject({ agent: { id, version: 1 }, maxCostUsd: 3 });
      const { runs, p50Ms = 0, p95Ms = 0, p50CostUsd, p95CostUsd } = usually ?? {};
      expect(runs).toBe(5);
      expect(Math.abs(p50Ms / 180_000 - 1)).toBeLessThan(0.2);
      expect(Math.abs(p95Ms / 300_000 - 1)).toBeLessThan(0.2);
      expect(Math.abs((p50CostUsd ?? 0) / 0.1 - 1)).toBeLessThan(0.2);
      expect(Math.abs((p95CostUsd ?? 0) / 2 - 1)).toBeLessThan(0.2);
    }
    expect((await tried({ prompt: "x" })).usually).toBeNull();
  });

  test("of runs that cost nothing says so, and of ones whose cost is not known, that it is not", async () => {
    const { id } = await newAgent();
    await storeRuns(id, [0, 0]);
    expect((await tried({ prompt: "x", agent: id })).usually).toMatchObject({ p95CostUsd: 0 });
    await storeRuns(id, [null]);
    expect((await tried({ prompt: "x", agent: id })).usually).toMatchObject({
      ...{ runs: 1, p50CostUsd: null, p95CostUsd: null },
    });
  });
});

describe("the repository", () => {
  const looked = async (repository: object) => (await tried(settings({ repository }))).repository;

  test("is asked for its refs", async () => {
    const { url } = git;
    expect(await looked({ url })).toEqual({
      ...{ reachable: true, why: "It lists its refs.", hasRef: null },
    });
    expect(await looked({ url, ref: "trunk" })).toMatchObject({ reachable: true, hasRef: true });
    expect(await looked({ url, ref: "nope" })).toMatchObject({ reachable: true, hasRef: false });
  });

  test("is one of several, of which each is asked", async () => {
    const { url } = git;
    const repositories = [
      { folder: "a", url, ref: "trunk" },
      { folder: "b", url: "https://git.example/nothing" },
    ];
    expect(await tried(settings({ repositories }))).toMatchObject({
      repository: null,
      repositories: [
        { folder: "a", reachable: true, hasRef: true },
        { folder: "b", reachable: false },
      ],
    });
  });

  test("that is private is known to a checkout alone, whether or not there is one", async () => {
    const { credential } = openedBy("mine-token");
    for (const place of ["private", "none"]) {
      expect(await looked({ url: `https://git.example/${place}`, credential })).toEqual({
        reachable: null,
        why: "It is not for everybody; whether its credential opens it, only a checkout can tell.",
        hasRef: null,
      });
    }
    const unknown = { url: "https://unknown.example/r", credential };
    expect(await looked(unknown)).toMatchObject({ reachable: false });
    expect(
      git.asked.every(({ host, authorization }) => host === "git.example" && !authorization),
    ).toBe(true);
  });

  test("that is not reached refuses nothing, and what others say there is not told", async () => {
    for (const url of [
      "https://unknown.example/r",
      "https://169.254.169.254/r",
      "https://git.example/moved",
    ]) {
      expect(await looked({ url })).toMatchObject({ reachable: false, hasRef: null });
    }
  });
});

test("without a free slot it says which place it would have", async () => {
  const machineType = "E2_HIGHCPU_8";
  const wanted = settings({ machineType });
  expect((await tried(wanted)).queue).toEqual({ position: 1, startsAt: null });
  const waits = { line: lineIdOf(machineType, OWNER), acceptedAt: new Date() };
  for (const id of ["a", "b"]) await server.firestore.doc(`runState/${id}`).set(waits);
  expect((await tried(wanted)).queue).toEqual({ position: 3, startsAt: null });
});
