import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { buildBundles } from "../../infra/bundle/build-bundles.ts";
import type { Run } from "../../shared/documents/run.ts";
import { snapshotsUntil } from "../support/follow.ts";
import { startWorld, type World } from "../support/world.ts";

const TIMEOUT_MS = 180_000;

let folder: string;
let world: World;
beforeAll(async () => {
  // Where the command line of the agent is found, which no bundle has.
  folder = mkdtempSync(join(process.cwd(), "node_modules/.bundles-"));
  const programs = await buildBundles(folder);
  world = await startWorld({ programs });
}, TIMEOUT_MS);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function send(body: object): Promise<Run> {
  const response = await world.call("/runs", { json: body });
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
    const { id } = await send({
      prompt: "Create hello.txt and explain it",
      agent: { settings: { outputSchema } },
    });
    const run = (await snapshotsUntil(world.firestore, id)).at(-1) as Run;
    expect(run).toMatchObject({ status: "succeeded", isolation: "bubblewrap" });
    expect(JSON.parse(run.output?.structured ?? "")).toEqual({ summary: expect.any(String) });
    const patch = await world.call(`/runs/${id}/artifacts/patch.diff`);
    expect(await patch.text()).toContain("+++ b/hello.txt");
  },
  TIMEOUT_MS,
);

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

test("nothing is loaded from the repository", () => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const code = files.filter((file) => file.name.endsWith(".mjs"));
  expect(code.length).toBeGreaterThan(10);
  for (const { parentPath, name } of code) {
    const text = readFileSync(join(parentPath, name), "utf8");
    const imported = text.matchAll(/(?:from|import\()"([@a-z][^"]*)"/g);
    const packages = [...imported].map(([, from = ""]) => from).filter((from) => !isBuiltin(from));
    expect([name, packages]).toEqual([name, []]);
    expect(text).not.toContain(process.cwd());
  }
});
