import type { TSchema } from "../../schema/type.ts";
import type { Answer, Operation } from "../operation.ts";
import { COMMON_HEADERS, RATE_LIMIT, type Refusal, refusalsOf } from "./problems.ts";
import { published, referredSchemas } from "./schemas.ts";
import type {
  Header,
  MediaType,
  OpenApiDocument,
  OperationObject,
  Parameter,
  Reference,
  ResponseObject,
} from "./types.ts";

/** The groups of operations, in the order in which people read them. */
const TAGS: Readonly<Record<string, string>> = {
  Runs: "One accepted request to execute an agent on a prompt. Its document is the live result.",
  Conversations: "Runs that continue one agent session, one at a time.",
  Agents: "Stored, versioned configurations of agents.",
  Triggers: "Events that start runs: schedules, hooks, events of the project, ends of runs.",
  Uploads: "Files for runs that are too large for a request.",
  Usage: "What an owner's runs came to.",
  Webhooks: "Addresses that are told of runs' changes of status, and what was sent to them.",
  MCP: "For agents that start and follow runs: tools of the Model Context Protocol.",
  Tokens: "For pages that listen to Firestore as the owner of a key.",
  Legacy: "The paths of the service that this one takes the place of, with its bodies.",
  Builds: "What only a run's own build calls.",
  Service: "The service itself, without a key.",
};

const DESCRIPTION = `Runs coding agents in the background: one POST is one durable run.

Every refusal is \`application/problem+json\` with a \`code\`. Beside the refusals that an operation lists, a
path that is not there is 404 \`not_found\`, and another method on one that is there 405 \`method_not_allowed\`
with \`Allow\`. HEAD is possible wherever GET is. Another owner's things look like ones that do not exist.
Every answer has \`Cache-Control\` and \`X-Content-Type-Options: nosniff\`; where a key or token is asked for, also
\`RateLimit-Policy\` and \`RateLimit\`: how many requests a minute are possible, and how many are left. Answers may get more fields, and
sets of names like \`status\` more members: ignore what you do not know.`;

const SECURITY_SCHEMES = {
  key: {
    type: "http",
    scheme: "bearer",
    description:
      "A key; its scopes say what it may be used for; `run` includes `read`, `admin` both. Or, where the operator allows it, an ID token of Google or Firebase, which is for `run`.",
  },
  build: {
    type: "http",
    scheme: "bearer",
    description: "The token of a run's attempt, which its build alone has.",
  },
};

/**
 * The OpenAPI 3.1 document of a table of operations.
 *
 * @param serverUrl the API's address without the paths' `/v1`; default: where the document is
 */
export function openApiDocument(
  operations: readonly Operation[],
  serverUrl = "/",
): OpenApiDocument {
  const paths = pathsOf(operations);
  const responses = sharedResponses(operations);
  return {
    openapi: "3.1.0",
    info: {
      title: "Runyard",
      version: "1",
      description: DESCRIPTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: serverUrl }],
    tags: tagsOf(operations),
    paths,
    components: {
      schemas: referredSchemas({ paths, responses }),
      responses,
      headers: COMMON_HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function tagsOf(operations: readonly Operation[]): OpenApiDocument["tags"] {
  const used = new Set(operations.map(({ tag }) => tag));
  const known = Object.entries(TAGS).filter(([name]) => used.delete(name));
  const unknown = [...used].join(", ");
  if (unknown !== "") throw new Error(`no description of the tag ${unknown}: add it to TAGS`);
  return known.map(([name, description]) => ({ name, description }));
}

function pathsOf(operations: readonly Operation[]): OpenApiDocument["paths"] {
  const byPath = Map.groupBy(operations, ({ path }) => path.replace("+}", "}"));
  return Object.fromEntries(
    [...byPath].map(([path, group]) => [
      path,
      Object.fromEntries(group.map((operation) => [operation.method, operationOf(operation)])),
    ]),
  );
}

function operationOf(operation: Operation): OperationObject {
  const { id, tag, summary, body, bodyType = "application/json", isBodyOptional } = operation;
  const parameters = [
    ...pathParameters(operation.path),
    ...queryParameters(operation),
    ...headerParameters(operation),
  ];
  return {
    operationId: id,
    tags: [tag],
    summary,
    security: securityOf(operation),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: isBodyOptional !== true,
        content: { [bodyType]: { schema: published(body) } },
      },
    }),
    responses: responsesOf(operation),
  };
}

function securityOf({ access }: Operation): OperationObject["security"] {
  if (access === "public") return [];
  return access === "build" ? [{ build: [] }] : [{ key: [access] }];
}

/** `{id}` is that of the thing whose collection is before it in the path. */
function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/(?:(\w+?)s\/)?\{(\w+)(\+?)\}/g)].map(([, thing, name = "", rest]) => ({
    name,
    in: "path",
    required: true,
    description: `The ${thing}'s ${name}${rest === "" ? "." : "; it may hold slashes."}`,
    schema: { type: "string" },
  }));
}

function queryParameters({ query }: Operation): Parameter[] {
  const { properties = {}, required = [] } = query ?? {};
  return Object.entries(properties as Record<string, TSchema>).map(([name, property]) => {
    const { description, ...schema } = published(property);
    return {
      name,
      in: "query",
      required: (required as readonly string[]).includes(name),
      description: String(description),
      schema,
    };
  });
}

function headerParameters({ headers = {} }: Operation): Parameter[] {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: "header",
    required: false,
    description,
    schema: { type: "string" },
  }));
}

/** Refusals that operations share: those of statuses that have no other meaning for them. */
function sharedResponses(operations: readonly Operation[]): Record<string, ResponseObject> {
  const refusals = operations.flatMap((operation) =>
    refusalsOf(operation).filter(({ status }) => !(status in operation.answers)),
  );
  return Object.fromEntries(refusals.map(({ name, response }) => [name, response]));
}

function responsesOf(operation: Operation): OperationObject["responses"] {
  const isCounted = operation.access !== "public" && operation.access !== "build";
  const refusals = refusalsOf(operation);
  const answers = Object.entries(operation.answers).map(([status, answer]) => {
    const refusal = refusals.find((one) => one.status === status);
    return [status, withRefusal(responseOf(answer, isCounted ? RATE_LIMIT : {}), refusal)];
  });
  const references = refusals.map(({ status, name }) => [
    status,
    { $ref: `#/components/responses/${name}` },
  ]);
  return Object.fromEntries([...references, ...answers]);
}

/** A status that is an answer of the operation's own and a refusal too has the contents of both. */
function withRefusal(answer: ResponseObject, refusal: Refusal | undefined): ResponseObject {
  if (refusal === undefined) return answer;
  const { description, headers, content } = refusal.response;
  return {
    description: `${answer.description} ${description}`,
    headers: { ...answer.headers, ...headers },
    content: { ...answer.content, ...content },
  };
}

function responseOf(
  { description, schema, contentType, orContentType, headers = {} }: Answer,
  common: Record<string, Reference>,
): ResponseObject {
  const type = contentType ?? (schema && "application/json");
  const own = Object.entries(headers).map(([name, text]): [string, Header] => [
    name,
    { description: text, schema: { type: "string" } },
  ]);
  return {
    description,
    headers: { ...Object.fromEntries(own), ...common },
    ...(type && {
      content: {
        [type]: mediaTypeOf(type, schema),
        ...(orContentType && { [orContentType]: mediaTypeOf(orContentType, undefined) }),
      },
    }),
  };
}

/** Text is a string; other content without a schema is any bytes. */
function mediaTypeOf(type: string, schema: TSchema | undefined): MediaType {
  if (schema !== undefined) return { schema: published(schema) };
  return type.startsWith("text/") ? { schema: { type: "string" } } : {};
}
