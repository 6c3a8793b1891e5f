/**
 * Refusals of the API, by code: the HTTP status, the problem's title, and whether sending the same
 * request again later may help.
 */
export const PROBLEMS = {
  malformed_json: { status: 400, title: "The body is not JSON", retry: false },
  invalid_utf8: { status: 400, title: "The body is not UTF-8", retry: false },
  invalid_request: { status: 400, title: "The request is not valid HTTP", retry: false },
  unauthorized: { status: 401, title: "No valid key", retry: false },
  foreign_host: { status: 403, title: "This host is not served here", retry: false },
  foreign_origin: { status: 403, title: "This origin may not call the API", retry: false },
  not_found: { status: 404, title: "Not found", retry: false },
  method_not_allowed: { status: 405, title: "Method not allowed", retry: false },
  forbidden: { status: 403, title: "The key's scope does not allow this", retry: false },
  conversation_busy: { status: 409, title: "Another turn is at work", retry: true },
  agent_archived: { status: 409, title: "The agent is archived", retry: false },
  prompt_expired: { status: 410, title: "The prompt is no longer kept", retry: false },
  outputs_expired: { status: 410, title: "The outputs are no longer kept", retry: false },
  upload_expired: { status: 410, title: "The upload is no longer kept", retry: false },
  events_expired: { status: 410, title: "The events are no longer kept", retry: false },
  conflict: { status: 409, title: "The run's state does not allow this", retry: false },
  length_required: { status: 411, title: "Content-Length is required", retry: false },
  precondition_failed: { status: 412, title: "It has changed since it was read", retry: false },
  too_large: { status: 413, title: "The body is too large", retry: false },
  unsupported_media_type: { status: 415, title: "Send application/json", retry: false },
  range_not_satisfiable: { status: 416, title: "There is no such range", retry: false },
  invalid: { status: 422, title: "The request does not fit its schema", retry: false },
  idempotency_key_reused: {
    status: 422,
    title: "This Idempotency-Key belongs to another request",
    retry: false,
  },
  precondition_required: { status: 428, title: "Send If-Match", retry: false },
  limit_reached: { status: 429, title: "There are as many as may be", retry: true },
  budget_spent: { status: 429, title: "The owner's budget of the day is spent", retry: true },
  rate_limited: { status: 429, title: "Too many requests", retry: true },
  no_sandbox: { status: 403, title: "Agents have no sandbox here", retry: false },
  internal: { status: 500, title: "Internal error", retry: true },
  unavailable: { status: 503, title: "Try again shortly", retry: true },
} as const;
export type ProblemCode = keyof typeof PROBLEMS;

/**
 * One fault in a request: where it is, as a JSON pointer into the body, and what is wrong there.
 */
export interface Fault {
  pointer: string;
  detail: string;
}

/**
 * A refusal from the table above. Thrown by the functions; the API answers it as problem+json, a
 * Pub/Sub trigger is delivered again only if the table says `retry`.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ProblemCode;
  readonly faults: Fault[];
  /** When it is worth to try again, if `retry` says that it is. */
  readonly retryAfterSeconds: number;

  /** @param options.retryAfterSeconds default 5 */
  constructor(
    code: ProblemCode,
    options: { detail: string; faults?: Fault[]; cause?: unknown; retryAfterSeconds?: number },
  ) {
    super(options.detail, { cause: options.cause });
    this.code = code;
    this.faults = options.faults ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds ?? 5;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  get retry(): boolean {
    return PROBLEMS[this.code].retry;
  }
}
