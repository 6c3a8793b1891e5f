import { createConfig, lintFromString } from "@redocly/openapi-core";
import { openApiDocument } from "../../../../shared/api/openapi/document.ts";
import type { OperationObject } from "../../../../shared/api/openapi/types.ts";
import type { Operation } from "../../../../shared/api/operation.ts";
import { OPERATIONS } from "../../../../shared/api/operations.ts";
import { PROBLEMS } from "../../../../shared/errors.ts";
import { Type } from "../../../../shared/schema/type.ts";

const document = openApiDocument(OPERATIONS, "https://runs.example");

const operations = (of = document): OperationObject[] =>
  Object.values(of.paths).flatMap((methods) => Object.values(methods));

/** What the linter's recommended rules say of a document, warnings included. */
async function faultsOf(source: object): Promise<string[]> {
  const faults = await lintFromString({
    source: JSON.stringify(source),
    absoluteRef: "openapi.json",
    config: await createConfig({ extends: ["recommended"] }),
  });
  return faults.map(({ ruleId, message }) => `${ruleId}: ${message}`);
}

const anOperation = (of: Partial<Operation> = {}): Operation => ({
  id: "getThing",
  method: "get",
  path: "/v1/things/{id}",
  tag: "Runs",
  summary: "Get a thing",
  access: "read",
  answers: { 200: { description: "The thing." } },
  ...of,
});

describe("the document", () => {
  test("has nothing that the linter's recommended rules find fault with", async () => {
    expect(await faultsOf(document)).toEqual([]);
    expect(await faultsOf({ ...document, info: { title: "x" } })).not.toEqual([]);
  });

  test("has every operation of the table", () => {
    const ids = operations().map(({ operationId }) => operationId);
    expect(ids.sort()).toEqual(OPERATIONS.map(({ id }) => id).sort());
  });

  test("says what every parameter is", () => {
    const parameters = operations().flatMap(({ parameters: all = [] }) => all);
    const silent = parameters.filter(({ description }) => !description?.trim());
    expect(silent).toEqual([]);
    expect(parameters.length).toBeGreaterThan(20);
  });

  test("is plain JSON", () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  // About 2,000 for an operation, with what it takes and answers.
  test("stays small: what several operations have is there once", () => {
    expect(JSON.stringify(document).length).toBeLessThan(225_000);
  });
});

describe("an operation", () => {
  const get = (of: Partial<Operation> = {}) => {
    const made = openApiDocument([anOperation(of)]);
    return { made, operation: operations(made)[0] as OperationObject };
  };

  test("has its parameters from the path, the query and the headers", () => {
    const { operation } = get({
      path: "/v1/runs/{id}/artifacts/{name+}",
      query: Type.Object({ size: Type.Optional(Type.Integer({ description: "How many." })) }),
      headers: { Range: "A part." },
    });
    const text = { schema: { type: "string" } };
    expect(operation.parameters).toEqual([
      { name: "id", in: "path", required: true, description: "The run's id.", ...text },
      {
        name: "name",
        in: "path",
        required: true,
        description: "The artifact's name; it may hold slashes.",
        ...text,
      },
      {
        name: "size",
        in: "query",
        required: false,
        description: "How many.",
        schema: { type: "integer" },
      },
      { name: "Range", in: "header", required: false, description: "A part.", ...text },
    ]);
  });

  test.each([
    ["read", [{ key: ["read"] }]],
    ["build", [{ build: [] }]],
    ["public", []],
  ] as const)("for %s says which key it needs", (access, security) => {
    expect(get({ access }).operation.security).toEqual(security);
  });

  test("lists every status that it may refuse with, and with which codes", () => {
    const { made, operation } = get({ problems: ["not_found", "conflict"] });
    expect(operation.responses["409"]).toEqual({
      $ref: "#/components/responses/Problem409-conflict",
    });
    expect(made.components.responses["Problem409-conflict"]).toMatchObject({
      description: `\`conflict\`: ${PROBLEMS.conflict.title}.`,
      content: {
        "application/problem+json": {
          schema: {
            allOf: [
              { $ref: "#/components/schemas/Problem" },
              { properties: { status: { const: 409 }, code: { enum: ["conflict"] } } },
            ],
          },
        },
      },
    });
    const statuses = ["200", "400", "401", "403", "404", "409", "411", "413", "415"];
    expect(Object.keys(operation.responses)).toEqual([...statuses, "429", "500", "503"]);
  });

  test("whose own answer has a status of refusals has both contents there", () => {
    const own = { description: "Old words.", schema: Type.Object({ error: Type.String() }) };
    const { operation } = get({ answers: { 200: { description: "It." }, 400: own } });
    const content = { "application/json": {}, "application/problem+json": {} };
    expect(operation.responses["400"]).toMatchObject({ content });
  });

  test("that answers in either of two ways has the contents of both", () => {
    const page = { description: "A page.", schema: Type.Object({ items: Type.String() }) };
    const { operation } = get({
      answers: { 200: { ...page, orContentType: "text/event-stream" } },
    });
    expect(operation.responses["200"]).toMatchObject({
      content: { "application/json": {}, "text/event-stream": { schema: { type: "string" } } },
    });
  });

  test("of a group that nobody has described is a mistake", () => {
    expect(() => get({ tag: "Nothings" })).toThrow("no description of the tag Nothings");
  });
});
