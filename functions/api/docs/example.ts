import type {
  JsonSchema,
  OpenApiDocument,
  OperationObject,
} from "../../../shared/api/openapi/types.ts";
import { lastPart } from "./schema.ts";

/** An operation with its place. */
export interface Placed {
  method: string;
  path: string;
  operation: OperationObject;
}

/** A command for a shell that calls an operation, with its key in `$KEY`. */
export function curlOf(document: OpenApiDocument, { method, path, operation }: Placed): string {
  const [server] = document.servers;
  const { security, requestBody } = operation;
  const url = `${server?.url.replace(/\/$/, "") ?? ""}${path.replace(/\{(\w+)\}/g, (_all, name: string) => `$${name.toUpperCase()}`)}`;
  const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const body = requestBody?.required ? sampleOf(media?.schema ?? {}, document) : undefined;
  const token = security[0] && ("build" in security[0] ? "$TOKEN" : "$KEY");
  const parts = [
    `curl${method === "get" ? "" : ` -X ${method.toUpperCase()}`} "${url}"`,
    token && `-H "Authorization: Bearer ${token}"`,
    body !== undefined && `-H 'Content-Type: ${type}'`,
    body !== undefined && `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`,
  ];
  return parts.filter(Boolean).join(" \\\n  ");
}

/** The smallest value of a schema: what it requires, with its examples. */
function sampleOf(schema: JsonSchema, document: OpenApiDocument): unknown {
  const { $ref, anyOf, enum: members, examples } = schema;
  if (examples !== undefined) return (examples as unknown[])[0];
  if ($ref !== undefined) {
    return sampleOf(document.components.schemas[lastPart($ref)] ?? {}, document);
  }
  if ("const" in schema) return schema["const"];
  if (members !== undefined) return (members as unknown[])[0];
  if (anyOf !== undefined) return sampleOf((anyOf as JsonSchema[])[0] ?? {}, document);
  return plainSample(schema, document);
}

function plainSample(schema: JsonSchema, document: OpenApiDocument): unknown {
  const {
    type,
    required = [],
    properties = {},
  } = schema as {
    type?: string;
    required?: string[];
    properties?: Record<string, JsonSchema>;
  };
  if (type === "object") {
    return Object.fromEntries(
      required.map((name) => [name, sampleOf(properties[name] ?? {}, document)]),
    );
  }
  if (type === "array") return [];
  if (type === "boolean") return true;
  return type === "string" ? "…" : (schema["minimum"] ?? 1);
}
