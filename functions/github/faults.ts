import { preview } from "../../shared/text.ts";
import { DeliveryFault } from "../services/repository-host.ts";

/** What GitHub's client throws: an answer's status, 500 if there was none. */
interface RequestFault {
  status: number;
  message: string;
  response?: {
    headers: Record<string, string | number | undefined>;
    data: { message?: string; errors?: { message?: string }[] } | string;
  };
}

/** The status of an answer that is a refusal; undefined: it is none. */
export const statusOf = (error: unknown): number | undefined =>
  (error as Partial<RequestFault> | undefined)?.response === undefined
    ? undefined
    : (error as RequestFault).status;

/** Of GitHub's own words. */
const WORDS = 200;
/** How long a limit is waited for of which GitHub does not say when it is over. */
const LIMIT_SECONDS = 60;

/**
 * An error of a call to GitHub as what it means for the delivery: refused for good, or to be tried
 * again. What is no answer of GitHub and no failure of the connection is a bug, and returned as it
 * is.
 *
 * @param what was to be done, after "GitHub does not"
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function faultOf(error: unknown, what: string): unknown {
  if (error instanceof DeliveryFault) return error;
  const { status, response } = (error ?? {}) as Partial<RequestFault>;
  if (status === undefined) return error;
  if (response === undefined) {
    return new DeliveryFault(`GitHub cannot be reached to ${what}.`, {
      cause: error,
      retryAfterSeconds: 0,
    });
  }
  const said = saidIn(response);
  const wait = waitOf(status, response, said);
  const message =
    status === 401
      ? "GitHub does not take the App's key: the operator must look at RUNYARD_GITHUB_APP_ID and the key."
      : `GitHub does not ${what}: ${status} ${preview(said, WORDS)}`;
  return new DeliveryFault(message, { cause: error, retryAfterSeconds: wait });
}

function saidIn({ data }: NonNullable<RequestFault["response"]>): string {
  if (typeof data === "string") return data;
  const more = (Array.isArray(data?.errors) ? data.errors : []).map((one) => one?.message ?? "");
  return [data?.message ?? "", ...more].filter(Boolean).join("; ");
}

/** Seconds until it may be tried again; undefined: there is no use. */
function waitOf(
  status: number,
  { headers }: NonNullable<RequestFault["response"]>,
  said: string,
): number | undefined {
  if (status >= 500 || status === 408) return secondsIn(headers) ?? 0;
  const isSpent = String(headers["x-ratelimit-remaining"]) === "0";
  const isLimit = /rate limit|abuse/i.test(said) || headers["retry-after"] !== undefined;
  if (status === 429 || (status === 403 && (isSpent || isLimit))) {
    return secondsIn(headers) ?? LIMIT_SECONDS;
  }
  return undefined;
}

function secondsIn(headers: Record<string, string | number | undefined>): number | undefined {
  const after = Number(headers["retry-after"]);
  if (after > 0) return after;
  if (String(headers["x-ratelimit-remaining"]) !== "0") return undefined;
  // An instant by GitHub's clock, which it also says.
  const now = Date.parse(String(headers["date"])) / 1000;
  const reset = Number(headers["x-ratelimit-reset"]);
  return reset > now ? Math.ceil(reset - now) : undefined;
}
