import { PROBLEMS, type ProblemCode } from "../../errors.ts";
import type { Operation } from "../operation.ts";
import type { Reference, ResponseObject } from "./types.ts";

/**
 * What every request may be answered with: HTTP that is none, foreign callers, bodies, faults of
 * ours.
 */
const COMMON = [
  "invalid_request",
  "foreign_host",
  "foreign_origin",
  "length_required",
  "too_large",
  "unsupported_media_type",
  "internal",
  "unavailable",
] as const;

const OF_KEYS = ["unauthorized", "forbidden", "rate_limited"] as const;
const OF_BODIES = ["malformed_json", "invalid_utf8", "unsupported_media_type", "invalid"] as const;

/** Every code that an operation may be refused with, in the order of their statuses. */
function problemsOf(operation: Operation): ProblemCode[] {
  const { access, body, query, headers = {}, problems = [] } = operation;
  const codes = new Set<ProblemCode>([...COMMON, ...problems]);
  if (access === "build") codes.add("unauthorized");
  if (access !== "build" && access !== "public") for (const code of OF_KEYS) codes.add(code);
  if (body !== undefined) for (const code of OF_BODIES) codes.add(code);
  if (query !== undefined || "Idempotency-Key" in headers || "Prefer" in headers)
    codes.add("invalid");
  return [...codes].toSorted((a, b) => PROBLEMS[a].status - PROBLEMS[b].status);
}

/** An answer that refuses, with all codes of its status that an operation may have. */
export interface Refusal {
  status: string;
  /** Made of the status and the codes, so that operations with equal ones share the refusal. */
  name: string;
  response: ResponseObject;
}

export function refusalsOf(operation: Operation): Refusal[] {
  const byStatus = Map.groupBy(problemsOf(operation), (code) => PROBLEMS[code].status);
  return [...byStatus].map(([status, codes]) => ({
    status: String(status),
    name: `Problem${status}-${codes.join("-")}`,
    response: responseOf(status, codes),
  }));
}

function responseOf(status: number, codes: ProblemCode[]): ResponseObject {
  const narrowed = { properties: { status: { const: status }, code: { enum: codes } } };
  const schema = { allOf: [{ $ref: "#/components/schemas/Problem" }, narrowed] };
  const headers = {
    ...RATE_LIMIT,
    ...(codes.some((code) => PROBLEMS[code].retry) && headerReference("Retry-After")),
    ...(status === 416 && { ...headerReference("Content-Range"), ...headerReference("ETag") }),
    ...(status === 401 && headerReference("WWW-Authenticate")),
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(" "),
    headers,
    content: { "application/problem+json": { schema } },
  };
}

/** Headers of several answers, for `components`. */
export const COMMON_HEADERS = {
  RateLimit: {
    description: "What is left of the owner's requests in this minute, once the caller is known.",
    schema: { type: "string" },
  },
  "RateLimit-Policy": {
    description: "How many requests the owner may send in a minute.",
    schema: { type: "string" },
  },
  ETag: { description: "That of the whole content.", schema: { type: "string" } },
  "Content-Range": { description: "bytes */SIZE", schema: { type: "string" } },
  "Retry-After": {
    description: "Seconds after which the same request may well succeed.",
    schema: { type: "integer" },
  },
  "WWW-Authenticate": { description: "The scheme of the key.", schema: { const: "Bearer" } },
};

const headerReference = (name: keyof typeof COMMON_HEADERS): Record<string, Reference> => ({
  [name]: { $ref: `#/components/headers/${name}` },
});

/** Headers of every answer to a caller who is known. */
export const RATE_LIMIT: Record<string, Reference> = {
  ...headerReference("RateLimit"),
  ...headerReference("RateLimit-Policy"),
};
