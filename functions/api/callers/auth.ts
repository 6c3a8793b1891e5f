import type { Request, Response } from "express";
import { isAdmitted } from "../../../shared/api/identity.ts";
import {
  isKeyHash,
  type KeyRecord,
  keyFault,
  keyHash,
  tokenScopes,
} from "../../../shared/documents/key.ts";
import { AppError } from "../../../shared/errors.ts";
import { sha256 } from "../../../shared/hash.ts";
import { isRunId } from "../../../shared/ids.ts";
import { counted } from "../../../shared/text.ts";
import type { Config } from "../../config.ts";
import type { Services } from "../../services/services.ts";
import type { Principal } from "../http/call.ts";
import { noRun } from "../runs/own-run.ts";
import { addressOf } from "./address.ts";
import { Budget, overdrawn, tellBalance } from "./budget.ts";

/**
 * How long a key that was found valid stays so here; a revoked one works at most this much longer.
 */
const CACHE_MS = 60_000;
const CACHE_ENTRIES = 1000;
/** Longest key or token; Node itself takes no more than 16 KiB of headers. */
const TOKEN_LENGTH = 8192;

/** Finds out who sends a request. */
export interface Authenticator {
  /** By key or by ID token. */
  principal(request: Request, response: Response): Promise<Principal>;
  /** By the token of a run's attempt, which the run's own build has. */
  build(request: Request, response: Response): Promise<void>;
}

type Outside = Pick<Services, "keys" | "idTokens" | "now" | "runs">;
export type AuthSettings = Pick<Config, "tokenUsers" | "failuresPerMinute" | "forwardedHops">;

/**
 * An address from which too many came that were not valid is let in by nothing but keys and tokens
 * that are remembered, until its minute is over.
 *
 * @throws {AppError} unauthorized; forbidden if a token's bearer is not admitted; not_found;
 * rate_limited
 */
export function authenticator(services: Outside, settings: AuthSettings): Authenticator {
  const { now } = services;
  const keys = keyFinder(services);
  const failures = new Budget({ name: "failures", quota: settings.failuresPerMinute, now });
  const builds = buildFinder(services);
  const counted = async <T>(
    request: Request,
    response: Response,
    find: (refuse: () => void) => Promise<T>,
  ): Promise<T> => {
    const address = addressOf(request, settings.forwardedHops);
    try {
      return await find(() => refuseOverdrawn(failures, address));
    } catch (error) {
      const isInvalid = error instanceof AppError && [401, 403, 404].includes(error.status);
      const balance = isInvalid ? failures.spend(address) : failures.balanceOf(address);
      tellBalance(response, failures, balance);
      throw error;
    }
  };
  return {
    principal: (request, response) =>
      counted(request, response, async (refuse) => {
        const token = bearerToken(request);
        const isKey = !isJwt(token);
        const hash = keyHash(token);
        if (!(isKey && keys.isRemembered(hash))) refuse();
        if (isKey) return principalOf(await keys.find(hash), hash);
        return principalOfToken(token, { services, keys, settings });
      }),
    build: (request, response) =>
      counted(request, response, async (refuse) => {
        const hash = sha256(bearerToken(request));
        const { id } = request.params as { id: string };
        // One that was right before the report's own transaction holds against the run again.
        if (builds.isRemembered(id, hash)) return;
        refuse();
        await builds.check(id, hash);
      }),
  };
}

interface BuildFinder {
  isRemembered(runId: string, tokenHash: string): boolean;
  check(runId: string, tokenHash: string): Promise<void>;
}

/**
 * Holds tokens against the runs' own, and remembers which were right: builds report every few
 * seconds, and each further read of a run would cost as much as a third of a report's writes.
 */
function buildFinder({ runs }: Pick<Services, "runs">): BuildFinder {
  const known = new Map<string, string>();
  return {
    isRemembered: (id, hash) => known.get(id) === hash,
    async check(id, hash) {
      const record = isRunId(id) ? await runs.getRecord(id) : undefined;
      if (record === undefined) throw noRun(id);
      if (record.state.progressTokenHash !== hash) {
        throw unauthorized("not the token of the run's attempt");
      }
      if (known.size >= CACHE_ENTRIES) known.clear();
      known.set(id, hash);
    },
  };
}

function refuseOverdrawn(failures: Budget, address: string): void {
  const balance = failures.balanceOf(address);
  if (balance.remaining > 0) return;
  throw overdrawn(
    balance,
    `${counted(failures.quota, "request")} without a valid key came from your address`,
  );
}

interface KeyFinder {
  isRemembered(hash: string): boolean;
  find(hash: string): Promise<KeyRecord>;
}

/** Looks up valid keys in `keys`, and remembers those that it found for a minute. */
function keyFinder({ keys, now }: Outside): KeyFinder {
  const known = new Map<string, { record: KeyRecord; until: number }>();
  const remembered = (hash: string) => {
    const entry = known.get(hash);
    const time = now();
    const isValid = entry !== undefined && time.getTime() < entry.until;
    return isValid && keyFault(entry.record, time) === undefined ? entry.record : undefined;
  };
  return {
    isRemembered: (hash) => remembered(hash) !== undefined,
    async find(hash) {
      const found = remembered(hash);
      if (found !== undefined) return found;
      const record = await keys.get(hash);
      if (record === undefined) throw unauthorized("the key is not known");
      const fault = keyFault(record, now());
      if (fault !== undefined) throw unauthorized(fault);
      if (known.size >= CACHE_ENTRIES) known.clear();
      known.set(hash, { record, until: now().getTime() + CACHE_MS });
      return record;
    },
  };
}

function principalOf({ owner, scopes, id }: KeyRecord, hash: string): Principal {
  return { owner, scopes, keyId: id, keyHash: hash };
}

/** A token that was made of a key is good for as long as the key is, and for no more. */
async function principalOfToken(
  token: string,
  of: { services: Outside; keys: KeyFinder; settings: AuthSettings },
): Promise<Principal> {
  const { services, keys, settings } = of;
  const identity = await services.idTokens.verify(token, services.now());
  const { owner, scopes, keyHash: hash } = identity;
  if (hash === undefined) {
    if (!isAdmitted(settings.tokenUsers, identity)) throw notAdmitted(identity.email ?? owner);
    return { owner, scopes, keyId: null, keyHash: null };
  }
  const key = isKeyHash(hash) ? await keys.find(hash) : undefined;
  if (key?.owner !== owner) throw unauthorized("the token's key is not known");
  return { owner, scopes: tokenScopes(key.scopes), keyId: key.id, keyHash: null };
}

/** Keys have no dots; a token has two. */
function isJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
}

/**
 * The token of `Authorization: Bearer …`.
 *
 * @throws {AppError} unauthorized
 */
export function bearerToken(request: Request): string {
  const header = request.headers.authorization;
  const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? "")?.[1];
  if (token !== undefined && token.length <= TOKEN_LENGTH) return token;
  throw unauthorized(
    "send Authorization: Bearer KEY; the first start writes a key to its state directory",
  );
}

function unauthorized(detail: string): AppError {
  return new AppError("unauthorized", { detail });
}

function notAdmitted(who: string): AppError {
  const detail = `${who} may not call this API; its operator lets people in with RUNYARD_TOKEN_USERS`;
  return new AppError("forbidden", { detail });
}
