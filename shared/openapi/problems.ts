import type { Operation } from "../api/operation.ts";
import { PROBLEMS, type ProblemCode } from "../errors.ts";
import type { Reference, ResponseObject } from "./types.ts";

/** What every request may be answered with: HTTP that is none, foreign callers, bodies, faults of ours. */
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
export function problemsOf(operation: Operation): ProblemCode[] {
  const { access, body, query, headers = {}, problems = [] } = operation;
  const codes = new Set<ProblemCode>([...COMMON, ...problems]);
  if (access === "build") codes.add("unauthorized");
  if (access !== "build" && access !== "public") for (const code of OF_KEYS) codes.add(code);
  if (body !== undefined) for (const code of OF_BODIES) codes.add(code);
  if (query !== undefined || "Idempotency-Key" in headers || "Prefer" in headers)
    codes.add("invalid");
  return [...codes].toSorted((a, b) => PROBLEMS[a].status - PROBLEMS[b].status);
}

/** The answers of an operation that refuse, by status: references to {@link problemResponses}. */
export function problemReferences(operation: Operation): Record<string, Reference> {
  const byStatus = Object.entries(codesByStatus(operation)).map(([status, codes]) => [
    status,
    { $ref: `#/components/responses/${nameOf(status, codes)}` },
  ]);
  return Object.fromEntries(byStatus);
}

/** The answers that refuse, by the name of their status and codes. */
export function problemResponses(operations: readonly Operation[]): Record<string, ResponseObject> {
  const all = operations.flatMap((operation) => Object.entries(codesByStatus(operation)));
  return Object.fromEntries(
    all.map(([status, codes]) => [nameOf(status, codes), responseOf(Number(status), codes)]),
  );
}

const codesByStatus = (operation: Operation): Record<string, ProblemCode[]> =>
  Object.fromEntries(Map.groupBy(problemsOf(operation), (code) => PROBLEMS[code].status));

const nameOf = (status: string, codes: ProblemCode[]) => `Problem${status}-${codes.join("-")}`;

function responseOf(status: number, codes: ProblemCode[]): ResponseObject {
  const narrowed = { properties: { status: { const: status }, code: { enum: codes } } };
  const schema = { allOf: [{ $ref: "#/components/schemas/Problem" }, narrowed] };
  const headers = {
    ...(codes.some((code) => PROBLEMS[code].retry) && {
      "Retry-After": { $ref: "#/components/headers/Retry-After" },
    }),
    ...(status === 401 && {
      "WWW-Authenticate": { $ref: "#/components/headers/WWW-Authenticate" },
    }),
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(" "),
    ...(Object.keys(headers).length > 0 && { headers }),
    content: { "application/problem+json": { schema } },
  };
}

/** Headers of refusals, for `components`. */
export const PROBLEM_HEADERS = {
  "Retry-After": {
    description: "Seconds after which the same request may well succeed.",
    schema: { type: "integer" },
  },
  "WWW-Authenticate": { description: "The scheme of the key.", schema: { const: "Bearer" } },
};
