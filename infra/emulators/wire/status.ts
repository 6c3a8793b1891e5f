/**
 * The one table of Google's error statuses: name, gRPC number, HTTP status and the JSON `reason`
 * that Google's JSON APIs give with it.
 *
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
 */
const STATUSES = {
  CANCELLED: { grpc: 1, http: 499, reason: "cancelled" },
  UNKNOWN: { grpc: 2, http: 500, reason: "internalError" },
  INVALID_ARGUMENT: { grpc: 3, http: 400, reason: "invalid" },
  DEADLINE_EXCEEDED: { grpc: 4, http: 504, reason: "deadlineExceeded" },
  NOT_FOUND: { grpc: 5, http: 404, reason: "notFound" },
  ALREADY_EXISTS: { grpc: 6, http: 409, reason: "conflict" },
  PERMISSION_DENIED: { grpc: 7, http: 403, reason: "forbidden" },
  RESOURCE_EXHAUSTED: { grpc: 8, http: 429, reason: "rateLimitExceeded" },
  FAILED_PRECONDITION: { grpc: 9, http: 400, reason: "failedPrecondition" },
  ABORTED: { grpc: 10, http: 409, reason: "aborted" },
  OUT_OF_RANGE: { grpc: 11, http: 400, reason: "outOfRange" },
  UNIMPLEMENTED: { grpc: 12, http: 501, reason: "notImplemented" },
  INTERNAL: { grpc: 13, http: 500, reason: "internalError" },
  UNAVAILABLE: { grpc: 14, http: 503, reason: "backendError" },
  DATA_LOSS: { grpc: 15, http: 500, reason: "internalError" },
  UNAUTHENTICATED: { grpc: 16, http: 401, reason: "required" },
} as const;

/** A status of `google.rpc.Code`, by its name. */
export type GoogleStatus = keyof typeof STATUSES;

/** Whether there is a status of this name. */
export function isGoogleStatus(name: string): name is GoogleStatus {
  return Object.hasOwn(STATUSES, name);
}

/**
 * A refusal in Google's own terms. Operations throw it; the one adapter of each protocol turns it
 * into the wire's form.
 */
export class GoogleError extends Error {
  override readonly name = "GoogleError";
  readonly status: GoogleStatus;

  constructor(status: GoogleStatus, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }

  get grpcCode(): number {
    return STATUSES[this.status].grpc;
  }

  get httpStatus(): number {
    return STATUSES[this.status].http;
  }

  get reason(): string {
    return STATUSES[this.status].reason;
  }
}
