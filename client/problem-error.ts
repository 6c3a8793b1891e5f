import type { Problem } from "../shared/api/problem.ts";
import type { ProblemCode } from "../shared/errors.ts";

/** A refusal of the API, or an answer that is none of the API's. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  /** What is wrong, for programs; `unknown` if something between here and the API answered. */
  readonly code: ProblemCode | "unknown";
  /** The HTTP status. */
  readonly status: number;
  /** What is wrong with this request, and what to do. */
  readonly detail: string;
  /** Each fault of a request that does not fit its schema. */
  readonly errors: NonNullable<Problem["errors"]>;
  /** After how many seconds the same request may succeed; undefined: it will not by itself. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    {
      code,
      status,
      detail,
      errors = [],
    }: Pick<Problem, "status" | "detail" | "errors"> & {
      code: ProblemCode | "unknown";
    },
    retryAfterSeconds?: number,
  ) {
    super(`${code} (${status}): ${detail}`);
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.errors = errors;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The error of an answer that is no success; reads its body. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const { status, headers } = response;
  const text = await response.text();
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  const retryAfterSeconds = Number.isFinite(seconds) ? seconds : undefined;
  if (headers.get("content-type")?.startsWith("application/problem+json")) {
    return new ProblemError(JSON.parse(text) as Problem, retryAfterSeconds);
  }
  const detail = `not an answer of the API: ${text.slice(0, 200)}`;
  return new ProblemError({ code: "unknown", status, detail }, retryAfterSeconds);
}
