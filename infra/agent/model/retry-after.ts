import type { IncomingHttpHeaders } from "node:http";

/** Statuses with which the API says that it has no room, by its own limits or the key's. */
const NO_ROOM = [429, 503, 529];

/** What an answer says about when to ask again. */
interface Head {
  status: number;
  headers: IncomingHttpHeaders;
}

/**
 * When the API may be asked again, in milliseconds since the epoch, if its answer says so: by
 * `Retry-After`, or else by when the last of the limits that are used up is reset.
 *
 * @see https://docs.anthropic.com/en/api/rate-limits#response-headers
 */
export function askAgainAt({ status, headers }: Head, nowMs: number): number | undefined {
  if (!NO_ROOM.includes(status)) return undefined;
  const wait = headers["retry-after"];
  if (wait !== undefined)
    return /^\d{1,9}$/.test(wait) ? nowMs + Number(wait) * 1000 : dateOf(wait);
  const resets = Object.entries(headers).flatMap(([name, value]) => {
    const [, limit] = /^anthropic-ratelimit-(.+)-reset$/.exec(name) ?? [];
    if (limit === undefined || !isUsedUp(limit, headers)) return [];
    return dateOf(String(value)) ?? [];
  });
  return resets.length > 0 ? Math.max(...resets) : undefined;
}

/** Most limits say what remains of them, the unified ones of a subscription their status. */
function isUsedUp(limit: string, headers: IncomingHttpHeaders): boolean {
  const about = (what: string) => headers[`anthropic-ratelimit-${limit}-${what}`];
  return about("remaining") === "0" || about("status") === "rejected";
}

/** A date of HTTP or of RFC 3339, or seconds since the epoch. */
function dateOf(text: string): number | undefined {
  if (/^\d{9,11}$/.test(text)) return Number(text) * 1000;
  const at = /^(\d{4}-|[A-Z][a-z]{2}, )/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
