import { CreateAgent } from "../../../shared/agent/agent.ts";
import { openApiDocument } from "../../../shared/api/openapi/document.ts";
import type { Operation } from "../../../shared/api/operation.ts";
import { OPERATIONS } from "../../../shared/api/operations.ts";
import { CreateRun } from "../../../shared/documents/run.ts";
import type { Fault } from "../../../shared/errors.ts";
import type { TSchema } from "../../../shared/schema/type.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import { wrongValues } from "../../support/wrong-values.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Every schema in `part`, itself included, with where it is. */
function* schemasIn(part: unknown, place = ""): Generator<[string, Schema]> {
  if (typeof part !== "object" || part === null) return;
  if (!Array.isArray(part)) yield [place, part as Schema];
  for (const [name, item] of Object.entries(part)) yield* schemasIn(item, `${place}/${name}`);
}

const published = [...schemasIn(openApiDocument(OPERATIONS))];

/**
 * What only a validator would say: regular expressions, keywords of JSON Schema, its library's
 * words.
 */
const JARGON = [
  /[\^\\]|\[A-Z|\{0,|\$["/]|\S\$$/,
  /must (match|NOT|pass)/,
  /schema|propert(y|ies)\b|pattern|keyword|anyOf|undefined|\[object/i,
  /\b(min|max)(imum|Length|Items|Properties)\b|\bexclusive/,
  /must be (string|integer|number|object|array|boolean)\b/,
];

const faultsOf = (schema: TSchema, value: unknown): Fault[] => {
  const result = validatorOf(schema)(value);
  return result.ok ? [] : result.faults;
};

const asked: [string, TSchema][] = (OPERATIONS as readonly Operation[]).flatMap(
  ({ id, body, query }) => [
    ...(body ? [[`the body of ${id}`, body] as [string, TSchema]] : []),
    ...(query ? [[`the query of ${id}`, query] as [string, TSchema]] : []),
  ],
);

test.each(asked)("every refusal of %s speaks to people", (_name, schema) => {
  let refusals = 0;
  for (const value of wrongValues(schema as unknown as Schema)) {
    const faults = faultsOf(schema, value);
    expect([value, faults.length > 0]).toEqual([value, true]);
    refusals += faults.length;
    for (const { detail } of faults) {
      // What is named is the API's own word, such as outputSchema.
      const words = detail.replace(/known here: .*/, "").replaceAll("outputSchema", "");
      expect(
        JARGON.filter((jargon) => jargon.test(words)).map((jargon) => [detail, jargon]),
      ).toEqual([]);
    }
  }
  expect(refusals).toBeGreaterThan(0);
});

test("every pattern of what the document lets a caller send says in words what fits, with an example", () => {
  const sent = asked.flatMap(([name, schema]) => [...schemasIn(schema, name)]);
  const patterned = sent.filter(([, schema]) => typeof schema["pattern"] === "string");
  expect(patterned.length).toBeGreaterThan(20);
  for (const [place, { pattern, examples, "x-form": form }] of patterned) {
    expect([place, form]).toEqual([place, expect.any(String)]);
    const [example] = examples as string[];
    expect([place, new RegExp(pattern as string, "u").test(example ?? "")]).toEqual([place, true]);
  }
});

test("every object of the document whose names have a pattern says what names are made of", () => {
  const records = published.filter(
    ([, { patternProperties, additionalProperties }]) =>
      patternProperties !== undefined && additionalProperties === false,
  );
  expect(records.length).toBeGreaterThan(4);
  for (const [place, schema] of records) {
    const { "x-names": names, "x-example": example } = schema;
    expect([place, names]).toEqual([place, expect.any(String)]);
    const [pattern = ""] = Object.keys(schema["patternProperties"] as object);
    expect([place, new RegExp(pattern, "u").test(String(example))]).toEqual([place, true]);
  }
});

const settings = (of: object) => ({ prompt: "x", agent: { settings: of } });

test.each<[string, unknown, string[]]>([
  [
    "no prompt",
    {},
    [
      '/prompt is required: a text, not blank, that says what the agent shall do, such as "Create hello.txt and explain it"',
    ],
  ],
  [
    "an agent without a name",
    { prompt: "x", agent: " " },
    ['/agent must be the id or the name of a stored agent, such as "agent_07v95U8FE5rN5wVURJ4k9b"'],
  ],
  [
    "a label in capitals",
    { prompt: "x", labels: { Team: "a" } },
    [
      '/labels/Team cannot be a name here: use a lower-case letter and then at most 62 lower-case letters, digits, "_", "." and "-", such as "cost-center"',
    ],
  ],
  [
    "a number as text",
    settings({ maxTurns: "5" }),
    ["/agent/settings/maxTurns must be a whole number from 1 to 1,000; it is a string"],
  ],
  [
    "a number that is too small",
    settings({ timeoutSeconds: 9 }),
    ["/agent/settings/timeoutSeconds must be a whole number from 10 to 82,800; it is 9"],
  ],
  [
    "a free budget",
    settings({ maxBudgetUsd: 0 }),
    ["/agent/settings/maxBudgetUsd must be a number of more than 0 and of at most 1,000; it is 0"],
  ],
  [
    "an address of ssh",
    settings({ repository: { url: "git@github.com:a/b.git" } }),
    [
      '/agent/settings/repository/url must be an address that begins with https:// and has no user, password or spaces, such as "https://github.com/octocat/hello-world.git"',
    ],
  ],
  [
    "an unknown kind of server",
    settings({ mcpServers: { a: { type: "ws" } } }),
    ["/agent/settings/mcpServers/a/type must be one of: stdio, http, sse"],
  ],
  [
    "no kind of server",
    settings({ mcpServers: { a: { command: "npx" } } }),
    ["/agent/settings/mcpServers/a/type is required: one of: stdio, http, sse"],
  ],
  [
    "a server of one kind with what is another's",
    settings({ mcpServers: { a: { type: "stdio", url: "https://x" } } }),
    [
      "/agent/settings/mcpServers/a/command is required: a string",
      "/agent/settings/mcpServers/a/url is not known; known here: type, command, args, env",
    ],
  ],
  [
    "too many models",
    settings({ fallbackModels: ["a", "b", "c", "d"] }),
    ["/agent/settings/fallbackModels must have at most 3 items, not 4"],
  ],
])("%s: the refusal says what is wanted", (_name, value, expected) => {
  const faults = faultsOf(CreateRun, value);
  expect(faults.map(({ pointer, detail }) => `${pointer} ${detail}`)).toEqual(expected);
});

test("what is unknown is told together with what is known", () => {
  expect(faultsOf(CreateAgent, { name: "x", lable: {} })).toEqual([
    { pointer: "/lable", detail: "is not known; known here: name, labels, settings" },
  ]);
});
