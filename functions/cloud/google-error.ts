import type { Clock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import { TIMING } from "../../shared/limits.ts";

/** gRPC status numbers that decisions hang on. @see google/rpc/code.proto */
export const GRPC = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** The numeric code of an error of Google's clients: gRPC's, or HTTP's for Cloud Storage. */
export function codeOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "number" ? error.code : undefined;
}

const OURS: Partial<Record<number, "rate_limited" | "unavailable">> = {
  // Cloud Storage's are those of HTTP.
  408: "unavailable",
  429: "rate_limited",
  500: "unavailable",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
  [GRPC.RESOURCE_EXHAUSTED]: "rate_limited",
  [GRPC.UNAVAILABLE]: "unavailable",
  [GRPC.DEADLINE_EXCEEDED]: "unavailable",
  [GRPC.ABORTED]: "unavailable",
};

/** Runs one call to a service of Google's. */
export type Calling = <T>(call: () => Promise<T>) => Promise<T>;

/**
 * How calls to `what` are run. What passes by itself becomes a refusal that says so, and so does a
 * call that takes longer than `TIMING.callDeadline`, whatever becomes of it; the rest stays as it
 * is.
 */
export function calling(what: string, timers: Pick<Clock, "after">): Calling {
  return async (call) => {
    try {
      return await withinDeadline(call(), timers);
    } catch (error) {
      throw asRefusal(what, error);
    }
  };
}

/** The refusal that says that an error of `what` passes by itself; any other error as it is. */
export function asRefusal(what: string, error: unknown): unknown {
  const code = OURS[codeOf(error) ?? 0];
  if (code === undefined) return error;
  const detail = `${what} did not answer in time; try again shortly`;
  return new AppError(code, { detail, cause: error });
}

async function withinDeadline<T>(called: Promise<T>, timers: Pick<Clock, "after">): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  // An error takes its stack when it is made, so none is made for a call that is answered.
  const stop = timers.after(TIMING.callDeadline * 1000, () =>
    reject(Object.assign(new Error("no answer in time"), { code: GRPC.DEADLINE_EXCEEDED })),
  );
  try {
    return await Promise.race([called, late]);
  } finally {
    stop();
  }
}
