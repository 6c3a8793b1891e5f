import type { IncomingHttpHeaders } from "node:http";

/** This machine, as it asks for itself. */
const LOOPBACK: readonly string[] = ["127.0.0.1", "localhost", "[::1]"];

/** A name, an IPv4 address or an IPv6 address in brackets; a port; nothing else. */
const AUTHORITY = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9._-]{0,252}[a-z0-9_])?)(?::\d{1,5})?$/;

/**
 * Whether a request is addressed to this machine by a name that is its own. Who answers to any name
 * answers a page whose host's address became 127.0.0.1 meanwhile, and so gives it everything.
 *
 * @param authority the header `Host`, or HTTP/2's `:authority`
 * @param more names that count too, in lower case
 */
export function isOwnAuthority(
  authority: string | undefined,
  more: readonly string[] = [],
): boolean {
  const [, host = ""] = AUTHORITY.exec((authority ?? "").toLowerCase()) ?? [];
  return LOOPBACK.includes(host) || more.includes(host);
}

/**
 * Why a request is not answered: it is addressed to somebody else, or a page of another site sends
 * it.
 *
 * @param more names that count as this machine's too, in lower case
 */
export function foreignReason(
  {
    headers,
    rawHeaders,
    url = "",
  }: {
    headers: IncomingHttpHeaders;
    rawHeaders: readonly string[];
    url?: string | undefined;
  },
  more: readonly string[] = [],
): string | undefined {
  if (!url.startsWith("/")) return "The target of a request must be a path.";
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
  if (hosts.length > 1) return "The request has more than one Host.";
  if (!isOwnAuthority(headers.host, more)) return `Host ${headers.host} is not served here.`;
  const { origin } = headers;
  const isOwnOrigin =
    origin === undefined || isOwnAuthority(/^https?:\/\/(.*)$/.exec(origin)?.[1], more);
  const isOtherSite = headers["sec-fetch-site"] === "cross-site";
  return isOwnOrigin && !isOtherSite ? undefined : "Pages of other sites may not ask.";
}
