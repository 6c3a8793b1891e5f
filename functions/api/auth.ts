import { createHash } from "node:crypto";
import type { Request, RequestHandler } from "express";
import { AppError } from "../../shared/errors.ts";
import type { RunStore } from "../cloud/run-store.ts";

/** How long a key that was found valid stays so here; a revoked one works at most this much longer. */
const CACHE_MS = 60_000;
const CACHE_ENTRIES = 1000;

/** Finds the owner of a request's key. */
export type Authenticate = (request: Request) => Promise<string>;

/**
 * Keys are looked up by their SHA-256 in `keys`, and remembered for a minute.
 *
 * @throws {AppError} unauthorized
 */
export function authenticator(runs: RunStore, now: () => Date): Authenticate {
  const known = new Map<string, { owner: string; until: number }>();
  return async (request) => {
    const hash = sha256(bearerToken(request));
    const time = now().getTime();
    const cached = known.get(hash);
    if (cached !== undefined && time < cached.until) return cached.owner;
    const owner = await runs.ownerOfKey(hash);
    if (owner === undefined) throw new AppError("unauthorized", { detail: "the key is not known" });
    if (known.size >= CACHE_ENTRIES) known.clear();
    known.set(hash, { owner, until: time + CACHE_MS });
    return owner;
  };
}

/**
 * The token of `Authorization: Bearer …`.
 *
 * @throws {AppError} unauthorized
 */
export function bearerToken(request: Request): string {
  const header = request.headers.authorization;
  const token = /^Bearer +([\x21-\x7e]{1,512}) *$/i.exec(header ?? "")?.[1];
  if (token !== undefined) return token;
  const detail =
    "send Authorization: Bearer KEY; the first start writes a key to its state directory";
  throw new AppError("unauthorized", { detail });
}

export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * Refuses requests that a page of somebody else's could have a browser send: those addressed to a host
 * that is not ours (DNS rebinding) or sent from a foreign origin.
 */
export function refuseForeign(allowedHosts: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    const host = hostnameOf(`http://${request.headers.host ?? ""}`);
    if (host === undefined || !allowedHosts.includes(host)) {
      throw new AppError("foreign_host", {
        detail: `Host ${request.headers.host} is not served here`,
      });
    }
    const { origin } = request.headers;
    if (origin !== undefined && !allowedHosts.includes(hostnameOf(origin) ?? "")) {
      throw new AppError("foreign_origin", { detail: `Origin ${origin} may not call this API` });
    }
    next();
  };
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
