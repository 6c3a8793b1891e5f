import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { buildBundles, LISTED } from "../../infra/bundle/build-bundles.ts";
import type { ReceivedSpan } from "../../infra/emulators/otlp/messages.ts";
import { type RunningOtlp, startOtlp } from "../../infra/emulators/otlp/start.ts";
import { LOCAL_ACCOUNTS, localGrants } from "../../infra/local/local-grants.ts";
import { recordedCallers } from "../../infra/local/recorded-callers.ts";
import type { Run } from "../../shared/documents/run.ts";
import { eventually } from "../support/eventually.ts";
import { snapshotsUntil } from "../support/follow.ts";
import { startWorld, type World } from "../support/world.ts";

const TIMEOUT_MS = 180_000;

let folder: string;
let world: World;
let receiver: RunningOtlp;
const spans: ReceivedSpan[] = [];
const told: Buffer[] = [];
beforeAll(async () => {
  // Where the command line of the agent is found, which no bundle has.
  folder = mkdtempSync(join(process.cwd(), "node_modules/.bundles-"));
  const programs = await buildBundles(folder);
  receiver = await startOtlp({
    onSpans: (received) => void spans.push(...received),
    onBody: (body) => void told.push(body),
  });
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: "100" };
  // And may call no more than a deployment lets it: `npm start -- --bundled --iam`.
  const callers = recordedCallers(LOCAL_ACCOUNTS, localGrants());
  world = await startWorld({ programs, settings, callers });
}, TIMEOUT_MS);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function send(body: object, headers: Record<string, string> = {}): Promise<Run> {
  const response = await world.call("/runs", { json: body, headers });
  expect(response.status).toBe(202);
  return (await response.json()) as Run;
}

test(
  "what is deployed runs an agent from the POST to its patch, and checks an output's schema",
  async () => {
    const outputSchema = {
      type: "object",
      properties: { summary: { type: "string" } },
      required: ["summary"],
    };
    const settings = { outputSchema, checks: [{ name: "written", command: "test -s hello.txt" }] };
    const prompt = "Create hello.txt and explain it";
    const { id } = await send({ prompt, agent: { settings } }, { traceparent: PARENT });
    const run = (await snapshotsUntil(world.firestore, id)).at(-1) as Run;
    expect(run).toMatchObject({ status: "succeeded", isolation: "bubblewrap" });
    expect(JSON.parse(run.output?.structured ?? "")).toEqual({ summary: expect.any(String) });
    const patch = await world.call(`/runs/${id}/artifacts/patch.diff`);
    expect(await patch.text()).toContain("+++ b/hello.txt");
    await expectTrace(id);
    const words = ["hello.txt", "explain it", "[offline]", run.output?.text.slice(0, 40) ?? ""];
    const texts = Buffer.concat(told).toString("latin1");
    for (const text of [...words, world.local.key, "sk-ant", run.owner, "Authorization"]) {
      expect([text, texts.includes(text)]).toEqual([text, false]);
    }
  },
  TIMEOUT_MS,
);

/** Whoever calls, in a trace of its own. */
const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/**
 * The trace of a run that was sent by {@link PARENT}, as a tree: each span by name below its
 * parent's.
 */
async function expectTrace(id: string): Promise<void> {
  const ofRun = () => spans.filter(({ attributes }) => attributes["runyard.run.id"] === id);
  await eventually(() => {
    const names = ofRun().map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["POST /v1/runs", "complete"]));
  });
  const names = new Map(ofRun().map(({ spanId, name }) => [spanId, name]));
  names.set("b7ad6b7169203331", "caller");
  const tree = ofRun().map(({ name, parentSpanId }) => `${names.get(parentSpanId)} > ${name}`);
  expect(tree.toSorted()).toEqual([
    "POST /v1/runs > publish run-requests",
    "POST /v1/runs > queue",
    ...["agent", "checks", "claim", "complete", "image", "upload"].map((part) => `build > ${part}`),
    "caller > POST /v1/runs",
    "publish run-requests > submit-build",
    "submit-build > build",
  ]);
  const traces = new Set(ofRun().map(({ traceId }) => traceId));
  expect([...traces]).toEqual(["0af7651916cd43dd8448eb211c80319c"]);
  expect(ofRun().every(({ from, to }) => from <= to && to <= Date.now())).toBe(true);
  const services = new Set(ofRun().map(({ resource }) => resource["service.name"]));
  expect([...services].toSorted()).toEqual([
    "runyard-api",
    "runyard-recordBuildStatus",
    "runyard-submitBuild",
  ]);
}

test(
  "a cancel in mid-run ends the agent, and a turn after it goes on with its files",
  async () => {
    const { id, conversation } = await send({
      prompt: "run: echo partial > partial.txt; sleep 60",
    });
    await snapshotsUntil(
      world.firestore,
      id,
      ({ progress }) => progress?.text.includes("sleep") === true,
    );
    expect((await world.call(`/runs/${id}/cancel`, { method: "POST" })).status).toBe(202);
    const cancelled = (await snapshotsUntil(world.firestore, id)).at(-1) as Run;
    expect(cancelled.status).toBe("cancelled");
    const said = await world.call(`/conversations/${conversation.id}/runs`, {
      json: { prompt: "run: cat partial.txt" },
    });
    const next = (await said.json()) as Run;
    const turn = (await snapshotsUntil(world.firestore, next.id)).at(-1) as Run;
    expect(turn.output?.text).toContain("partial");
  },
  TIMEOUT_MS,
);

test("the page, the description of the API and MCP are served", async () => {
  const { origin } = new URL(world.local.address.apiUrl);
  const page = await (await fetch(origin)).text();
  const [asset = ""] = /\/assets\/page-[^"]+/.exec(page) ?? [];
  expect((await fetch(`${origin}${asset}`)).status).toBe(200);
  expect(await (await fetch(`${origin}/docs`)).text()).toContain("/v1/runs");
  expect(await (await world.call("/openapi.json")).json()).toMatchObject({ openapi: /^3/ });
});

test("what was compiled of a program is kept, read by the next start, and made anew if it is broken", () => {
  const compiled = mkdtempSync(join(folder, "kept-"));
  const start = () => {
    const { stderr } = spawnSync(process.execPath, [join(folder, "runner/main.cjs")], {
      env: { NODE_COMPILE_CACHE: compiled },
      encoding: "utf8",
    });
    expect(stderr).toContain("BUILD_ID is not set");
    const [name = ""] = readdirSync(compiled).filter((file) => file.endsWith(".v8"));
    return { file: join(compiled, name), made: statSync(join(compiled, name)).ino };
  };
  const { file, made } = start();
  expect(start().made).toBe(made);
  const content = readFileSync(file);
  content.writeUInt8(content.readUInt8(content.length >> 1) ^ 1, content.length >> 1);
  for (const broken of [content, content.subarray(0, 3), Buffer.alloc(0)]) {
    writeFileSync(file, broken);
    const { ino } = statSync(file);
    const anew = start().made;
    expect(anew).not.toBe(ino);
    expect(start().made).toBe(anew);
  }
});

test("nothing is loaded from the repository", () => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const code = files.filter((file) => file.name.endsWith(".cjs"));
  expect(code.length).toBeGreaterThan(5);
  for (const { parentPath, name } of code) {
    const text = readFileSync(join(parentPath, name), "utf8");
    // What stands in quotes is code that Ajv would write.
    const loaded = text.matchAll(/(?<!['"`])(?:require|import)\("([@a-z][^"]*)"\)/g);
    const packages = [...loaded].map(([, from = ""]) => from).filter((from) => !isBuiltin(from));
    expect([name, packages]).toEqual([name, []]);
    expect(text).not.toContain(process.cwd());
  }
});

test("each bundle's packages are listed with their versions", () => {
  const expected = {
    functions: "pkg:npm/%40google-cloud/firestore@",
    page: "pkg:npm/preact@",
    runner: "pkg:npm/runyard-infra@",
  };
  for (const name of LISTED) {
    const text = readFileSync(join(folder, `packages/${name}.json`), "utf8");
    expect(text).not.toContain(process.cwd());
    const { bomFormat, components } = JSON.parse(text) as {
      bomFormat: string;
      components: { purl?: string }[];
    };
    expect(bomFormat).toBe("CycloneDX");
    for (const [of, purl] of Object.entries(expected)) {
      const isListed = components.some((one) => one.purl?.startsWith(purl) === true);
      expect([name, of, isListed]).toEqual([name, of, name === of]);
    }
  }
});
