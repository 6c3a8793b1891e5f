import cors from "cors";
import type { RequestHandler } from "express";
import { foreignFault, type KnownHosts } from "../../hosts.ts";

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

/** Refuses what a page of somebody else's could have a browser send, see {@link foreignFault}. */
export function refuseForeign(known: KnownHosts): RequestHandler {
  return (request, _response, next) => {
    const fault = foreignFault(request, known);
    if (fault !== undefined) throw fault;
    next();
  };
}

/**
 * Lets pages of these origins read the answers, and answers the question that a browser asks
 * beforehand. Cookies and the like are never let through: whoever calls sends a key.
 */
export function sharedWith(corsOrigins: readonly string[]): RequestHandler {
  return cors({
    origin: [...corsOrigins],
    methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  });
}
