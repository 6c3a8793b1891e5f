import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { openApiDocument } from "../../shared/api/openapi/document.ts";
import type { JsonSchema, ResponseObject } from "../../shared/api/openapi/types.ts";
import { OPERATIONS } from "../../shared/api/operations.ts";
import { closedSchema } from "./closed-schema.ts";
import type { World } from "./world.ts";

/** What the API answered to a request. */
interface ApiAnswer {
  method: string;
  /** Path of the request, without the query. */
  path: string;
  status: number;
  /** By their names in lower case. */
  headers: ReadonlyMap<string, string>;
  /** The body, if it was read. */
  text: string | undefined;
}

/** Checks answers of the API against its OpenAPI document, and remembers what was answered. */
export interface ApiContract {
  /**
   * `fetch`, but throws if the answer has a status, content type, header or field that the document
   * does not have.
   */
  fetch: typeof fetch;
  /** `world.call` that does the same. */
  callOf(world: Pick<World, "call">): World["call"];
  /** Throws the same of an answer that came in another way. */
  check(answer: ApiAnswer): void;
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
const documented = new Map(
  Object.values(document.paths)
    .flatMap((methods) => Object.values(methods))
    .map((operation) => [operation.operationId, operation.responses]),
);
const routes = OPERATIONS.map(({ id, method, path }) => {
  return { id, method, path, pattern: patternOf(path) };
});

export function apiContract(): ApiContract {
  const seen = new Set<string>();
  const validate = bodyValidator();
  const check = (answer: ApiAnswer): void => {
    const { method, path, status, text } = answer;
    const id = operationAt(method, path);
    try {
      const wanted = responseOf(id, status);
      checkHeaders(wanted, answer);
      const schema = schemaFor(wanted, answer);
      const isJson = schema !== undefined && method !== "HEAD" && text !== undefined;
      const body: unknown = isJson ? JSON.parse(text) : undefined;
      if (isJson) validate(schema, body);
      const { code } = (body ?? {}) as { code?: string };
      seen.add(`${id} ${status}`).add(`${id} ${status} ${code}`);
    } catch (cause) {
      const what = `${method} ${path} (${id ?? "no operation"}): ${status}`;
      throw new Error(`${what} is not as documented: ${(cause as Error).message}`, { cause });
    }
  };
  return {
    seen,
    check,
    async fetch(input, init) {
      const response = await fetch(input, init);
      // A signed address is the storage's, whose answers the document does not have.
      const isOfStorage = new URL(response.url).searchParams.has("X-Goog-Signature");
      if (!isOfStorage) check(await answerOf(init?.method ?? "GET", response));
      return response;
    },
    callOf: (world) => async (path, init) => {
      const response = await world.call(path, init);
      const method = init?.method ?? (init?.json === undefined ? "GET" : "POST");
      check(await answerOf(method, response));
      return response;
    },
  };
}

/** An answer to `fetch`, whose body is left for the caller; only JSON is read. */
async function answerOf(method: string, response: Response): Promise<ApiAnswer> {
  const { url, status } = response;
  const headers = new Map(response.headers);
  const isJson = mediaTypeOf(headers)?.endsWith("json");
  const text = isJson ? await response.clone().text() : undefined;
  return { method, path: new URL(url).pathname, status, headers, text };
}

/**
 * The operation that is meant by a request; undefined: there is none. A path as it stands in the
 * document is meant before one with parameters.
 */
function operationAt(method: string, path: string): string | undefined {
  const wanted = method === "HEAD" ? "get" : method.toLowerCase();
  const literal = routes.filter((route) => route.path === path);
  const meant = literal.length > 0 ? literal : routes;
  return meant.find((route) => route.method === wanted && route.pattern.test(path))?.id;
}

function patternOf(path: string): RegExp {
  const literal = path.replaceAll(".", "\\.");
  const pattern = literal.replace(/\{\w+\+\}/g, ".+").replace(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${pattern}$`);
}

/** Refusals that come before it is known which operation is meant, or that none is. */
const ELSEWHERE: Readonly<Record<number, ResponseObject>> = {
  400: refusal("invalid_request"),
  403: refusal("foreign_host", "foreign_origin"),
  404: refusal("not_found"),
  405: {
    ...refusal("method_not_allowed"),
    headers: { Allow: { description: "What is possible.", schema: { type: "string" } } },
  },
  411: refusal("length_required"),
  413: refusal("too_large"),
  415: refusal("unsupported_media_type"),
};

function refusal(...codes: string[]): ResponseObject {
  const narrowed = { properties: { code: { enum: codes } } };
  const schema = { allOf: [{ $ref: "#/components/schemas/Problem" }, narrowed] };
  return { description: "", content: { "application/problem+json": { schema } } };
}

function responseOf(id: string | undefined, status: number): ResponseObject {
  const wanted = id === undefined ? ELSEWHERE[status] : documented.get(id)?.[status];
  if (wanted === undefined) throw new Error("unknown status");
  if (!("$ref" in wanted)) return wanted;
  return document.components.responses[wanted.$ref.split("/").at(-1) ?? ""] as ResponseObject;
}

function checkHeaders({ headers = {} }: ResponseObject, answer: ApiAnswer): void {
  const known = [...COMMON_HEADERS, ...Object.keys(headers).map((name) => name.toLowerCase())];
  const unknown = [...answer.headers.keys()].filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`unknown header ${unknown.join(", ")}`);
}

const mediaTypeOf = (headers: ReadonlyMap<string, string>): string | undefined =>
  headers.get("content-type")?.split(";")[0];

/** The schema of what was answered, if that is JSON. */
function schemaFor({ content = {} }: ResponseObject, answer: ApiAnswer): JsonSchema | undefined {
  const type = mediaTypeOf(answer.headers);
  const known = Object.keys(content);
  if (type === undefined && known.length === 0) return undefined;
  const media = content[type ?? ""] ?? (type && content["*/*"]);
  if (!media) throw new Error(`content type ${type}, not ${known.join(" or ") || "none"}`);
  return type?.endsWith("json") ? media.schema : undefined;
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
    if (validate(body)) return;
    throw new Error(`${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`);
  };
}

/**
 * Path of a script that the page loads, from `/v1`; looks at the page, which must have been built.
 */
export async function pageAsset(get: (path: string) => Promise<Response>): Promise<string> {
  const page = await (await get("/../")).text();
  const [asset] = /\/assets\/page-[\w-]+\.js/.exec(page) ?? [];
  if (asset === undefined) throw new Error(`the page loads nothing: ${page.slice(0, 200)}`);
  return `/..${asset}`;
}
