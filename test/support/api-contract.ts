import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { OPERATIONS } from "../../shared/api/operations.ts";
import type { JsonSchema, ResponseObject } from "../../shared/openapi/types.ts";
import { openApiDocument } from "../../shared/openapi.ts";
import { closedSchema } from "./closed-schema.ts";
import type { World } from "./world.ts";

/** Checks answers of the API against its OpenAPI document, and remembers what was answered. */
export interface ApiContract {
  /**
   * `fetch`, but throws if the answer has a status, content type, header or field that the document does
   * not have.
   */
  fetch: typeof fetch;
  /** `world.call` that does the same. */
  callOf(world: Pick<World, "call">): World["call"];
  /** `operation status`, and `operation status code` of refusals, of every answer so far. */
  seen: ReadonlySet<string>;
}

/** Headers of HTTP itself, and those that the document says every answer has. */
const COMMON_HEADERS = [
  "cache-control",
  "connection",
  "content-length",
  "content-type",
  "date",
  "keep-alive",
  "transfer-encoding",
  "x-content-type-options",
];

const document = openApiDocument(OPERATIONS);

export function apiContract(): ApiContract {
  const seen = new Set<string>();
  const validate = bodyValidator();
  const check = async (method: string, response: Response): Promise<void> => {
    const { pathname } = new URL(response.url);
    const id = operationAt(method, pathname);
    const what = `${method} ${pathname} (${id ?? "no operation"}): ${response.status}`;
    try {
      const wanted = documented(id, response);
      checkHeaders(wanted, response.headers);
      const body = await jsonOf(response);
      const schema = schemaFor(wanted, response);
      if (schema !== undefined && method !== "HEAD") validate(schema, body);
      const { code } = (body ?? {}) as { code?: string };
      seen.add(`${id} ${response.status}`).add(`${id} ${response.status} ${code}`);
    } catch (cause) {
      throw new Error(`${what} is not as documented: ${(cause as Error).message}`, { cause });
    }
  };
  return {
    seen,
    async fetch(input, init) {
      const response = await fetch(input, init);
      await check(init?.method ?? "GET", response);
      return response;
    },
    callOf: (world) => async (path, init) => {
      const response = await world.call(path, init);
      await check(init?.method ?? (init?.json === undefined ? "GET" : "POST"), response);
      return response;
    },
  };
}

/** The operation that is meant by a request; undefined: there is none. */
function operationAt(method: string, pathname: string): string | undefined {
  const wanted = method === "HEAD" ? "get" : method.toLowerCase();
  return OPERATIONS.find((one) => one.method === wanted && patternOf(one.path).test(pathname))?.id;
}

function patternOf(path: string): RegExp {
  const pattern = path
    .replaceAll(".", "\\.")
    .replace(/\{\w+\+\}/g, ".+")
    .replace(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${pattern}$`);
}

/** What is answered where no operation is. */
const ELSEWHERE: Readonly<Record<number, ResponseObject>> = {
  404: elsewhere("not_found"),
  405: { ...elsewhere("method_not_allowed"), headers: { Allow: { description: "", schema: {} } } },
};

function elsewhere(code: string): ResponseObject {
  const narrowed = { properties: { code: { const: code } } };
  const schema = { allOf: [{ $ref: "#/components/schemas/Problem" }, narrowed] };
  return { description: code, content: { "application/problem+json": { schema } } };
}

function documented(id: string | undefined, { status }: Response): ResponseObject {
  const operation = Object.values(document.paths)
    .flatMap((methods) => Object.values(methods))
    .find(({ operationId }) => operationId === id);
  const wanted = operation ? operation.responses[status] : ELSEWHERE[status];
  if (wanted === undefined) throw new Error("unknown status");
  if (!("$ref" in wanted)) return wanted;
  return document.components.responses[wanted.$ref.split("/").at(-1) ?? ""] as ResponseObject;
}

function checkHeaders({ headers = {} }: ResponseObject, given: Headers): void {
  const known = [...COMMON_HEADERS, ...Object.keys(headers).map((name) => name.toLowerCase())];
  const unknown = [...given.keys()].filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`unknown header ${unknown.join(", ")}`);
}

const mediaTypeOf = ({ headers }: Response): string | undefined =>
  headers.get("content-type")?.split(";")[0];

/** The schema of what was answered, if that is JSON. */
function schemaFor({ content = {} }: ResponseObject, response: Response): JsonSchema | undefined {
  const type = mediaTypeOf(response);
  const known = Object.keys(content);
  if (type === undefined && known.length === 0) return undefined;
  const media = content[type ?? ""] ?? (type && content["*/*"]);
  if (!media) throw new Error(`content type ${type}, not ${known.join(" or ") || "none"}`);
  return type?.endsWith("json") ? media.schema : undefined;
}

/** The body if it is JSON; a stream is left for the caller. */
async function jsonOf(response: Response): Promise<unknown> {
  if (!mediaTypeOf(response)?.endsWith("json")) return undefined;
  const text = await response.clone().text();
  return text === "" ? undefined : JSON.parse(text);
}

/** Throws unless a body is as its schema says, without a field more. */
function bodyValidator(): (schema: JsonSchema, body: unknown) => void {
  const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
  const schemas = Object.fromEntries(
    Object.entries(document.components.schemas).map(([name, each]) => [name, closedSchema(each)]),
  );
  const compiled = new Map<JsonSchema, ValidateFunction>();
  return (schema, body) => {
    const validate =
      compiled.get(schema) ?? ajv.compile({ ...closedSchema(schema), components: { schemas } });
    compiled.set(schema, validate);
    if (!validate(body))
      throw new Error(`${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`);
  };
}
