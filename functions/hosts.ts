import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { AppError } from "../shared/errors.ts";

/** Who may be asked for, and by whose pages. */
export interface KnownHosts {
  /** Host names in lower case, without port. */
  allowedHosts: readonly string[];
  /** Origins of pages that are no foreigners. */
  corsOrigins: readonly string[];
}

type Head = Pick<IncomingMessage, "headers" | "headersDistinct" | "url" | "method">;

/**
 * What is wrong with a request that a page of somebody else's could have a browser send: one that
 * is addressed to a host that is not ours (DNS rebinding), or that comes from a foreign origin.
 * Also with one that says twice where it goes: whoever looks next might believe the other.
 */
export function foreignFault(
  { headers, headersDistinct, url = "", method }: Head,
  { allowedHosts, corsOrigins }: KnownHosts,
): AppError | undefined {
  if (!url.startsWith("/") && !(method === "OPTIONS" && url === "*")) {
    const detail = "the request's target must be a path; name the host in Host";
    return new AppError("invalid_request", { detail });
  }
  if ((headersDistinct["host"] ?? []).length > 1) {
    return new AppError("invalid_request", { detail: "the request has more than one Host" });
  }
  const host = hostnameOf(headers.host ?? "");
  if (host === undefined || !allowedHosts.includes(host)) {
    const detail = `Host ${headers.host} is not served here`;
    return new AppError("foreign_host", { detail });
  }
  const { origin } = headers;
  if (origin === undefined || corsOrigins.includes(origin)) return undefined;
  if (allowedHosts.includes(hostnameOfOrigin(origin) ?? "")) return undefined;
  return new AppError("foreign_origin", { detail: `Origin ${origin} may not call here` });
}

/**
 * Whether a browser says that a page of another site sends this; for what no page has to send. With
 * GET it names no origin.
 */
export function isFromOtherSite(headers: IncomingHttpHeaders): boolean {
  return headers["sec-fetch-site"] === "cross-site";
}

/** A name, an IPv4 address or an IPv6 address in brackets; a port; nothing else. */
const AUTHORITY = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9._-]{0,252}[a-z0-9_])?)(?::\d{1,5})?$/;

/**
 * The host in a header `Host`, in lower case. Not by `URL`, which takes `evil@localhost`,
 * `localhost/x` and `0x7f.1` for hosts that they are not.
 */
function hostnameOf(authority: string): string | undefined {
  return AUTHORITY.exec(authority.toLowerCase())?.[1];
}

function hostnameOfOrigin(origin: string): string | undefined {
  const [, authority = ""] = /^https?:\/\/(.*)$/.exec(origin) ?? [];
  return hostnameOf(authority);
}
