import cors from "cors";
import type { RequestHandler } from "express";
import { AppError } from "../../../shared/errors.ts";

/** Response headers that a page may read, beside those that it always may. */
const EXPOSED_HEADERS = [
  "Accept-Ranges",
  "Content-Range",
  "ETag",
  "Idempotency-Replayed",
  "Location",
  "Preference-Applied",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
];
/** How long a browser remembers what it may send. */
const PREFLIGHT_SECONDS = 600;

/**
 * Refuses requests that a page of somebody else's could have a browser send: those addressed to a host
 * that is not ours (DNS rebinding) or sent from a foreign origin.
 *
 * @param corsOrigins origins of pages that are no foreigners
 */
export function refuseForeign({
  allowedHosts,
  corsOrigins,
}: {
  allowedHosts: readonly string[];
  corsOrigins: readonly string[];
}): RequestHandler {
  return (request, _response, next) => {
    const host = hostnameOf(`http://${request.headers.host ?? ""}`);
    if (host === undefined || !allowedHosts.includes(host)) {
      throw new AppError("foreign_host", {
        detail: `Host ${request.headers.host} is not served here`,
      });
    }
    const { origin } = request.headers;
    const isOurs =
      origin === undefined ||
      corsOrigins.includes(origin) ||
      allowedHosts.includes(hostnameOf(origin) ?? "");
    if (isOurs) return next();
    throw new AppError("foreign_origin", { detail: `Origin ${origin} may not call this API` });
  };
}

/**
 * Lets pages of these origins read the answers, and answers the question that a browser asks beforehand. Cookies
 * and the like are never let through: whoever calls sends a key.
 */
export function sharedWith(corsOrigins: readonly string[]): RequestHandler {
  return cors({
    origin: [...corsOrigins],
    methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  });
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
