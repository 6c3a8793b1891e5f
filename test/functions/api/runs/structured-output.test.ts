import type { Run } from "../../../../shared/documents/run.ts";
import { accepted, ended, post } from "../../../support/api.ts";
import { startWorld, type World } from "../../../support/world.ts";

const LONG_MS = 180_000;

// One world for the file: each run stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

async function runWith(outputSchema: object, prompt = "echo"): Promise<Run> {
  const agent = { settings: { outputSchema } };
  return ended(world, await accepted(world, "/runs", { prompt, agent }));
}

const answerOf = async ({ id }: Run) => (await world.call(`/runs/${id}`)).json();

const POINT = {
  type: "object",
  required: ["x", "tags"],
  properties: {
    x: { type: "integer" },
    tags: { type: "array", items: { type: "array", items: { type: "string" } }, default: [["a"]] },
    url: { type: "string", format: "uri" },
    colour: { type: "string", format: "colour" },
  },
};

test.each([
  ["with what only 2020-12 has", { ...POINT, $defs: { a: { prefixItems: [true] } } }],
  ["of draft 7", { ...POINT, $schema: "http://json-schema.org/draft-07/schema#" }],
  ["that names 2020-12", { ...POINT, $schema: "https://json-schema.org/draft/2020-12/schema" }],
])(
  "a schema %s is met: JSON text in the document, JSON over HTTP",
  async (_name, schema) => {
    const run = await runWith(schema);
    expect(run).toMatchObject({ status: "succeeded", error: null });
    expect(JSON.parse(run.output?.structured ?? "")).toEqual({ x: 0, tags: [["a"]] });
    expect(await answerOf(run)).toMatchObject({
      output: { structured: { x: 0, tags: [["a"]] }, truncated: false },
    });
  },
  LONG_MS,
);

test(
  "a schema that no answer meets fails the run with what did not fit",
  async () => {
    const run = await runWith({ type: "object", required: ["n"], not: {} });
    expect(run).toMatchObject({ status: "failed", error: { code: "output_schema_unmet" } });
    expect(run.error?.errors?.length).toBeGreaterThan(0);
  },
  LONG_MS,
);

test(
  "an agent that gives no structured output fails the run",
  async () => {
    const run = await runWith(POINT, "say nothing");
    expect(run).toMatchObject({ status: "failed", error: { code: "output_schema_unmet" } });
  },
  LONG_MS,
);

test("a schema that is none, for a list, or too deep, is refused before anything is written", async () => {
  const deep = JSON.parse(`${'{"a":'.repeat(40)}{}${"}".repeat(40)}`);
  for (const outputSchema of [{ type: "objekt" }, { type: "array" }, { type: "object", ...deep }]) {
    const body = { prompt: "x", agent: { settings: { outputSchema } } };
    expect(await post(world, "/runs", { body })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "/agent/settings/outputSchema" }] },
    });
  }
});
