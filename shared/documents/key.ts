import { SCOPES, type Scope } from "../api/operation.ts";
import { sha256 } from "../hash.ts";
import { base62, type RandomBytes } from "../ids.ts";

/**
 * An API key as `keys/{SHA-256 of the key, hex}` describes it; the key itself is stored nowhere.
 */
export interface KeyRecord {
  schemaVersion: 1;
  /** `key_…`: names the key without being it. */
  id: string;
  owner: string;
  /** What its maker calls it. */
  name: string;
  scopes: Scope[];
  createdAt: Date | null;
  /** Null: it does not expire. */
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** The key's first characters, by which a person recognizes it. */
  prefix: string;
}

/** Bounds on what a key is made with. */
export const KEY_LIMITS = { nameLength: 100, ownerLength: 128, prefixLength: 8 } as const;

/** The claim of a custom token that says of which key it was made, by the key's hash. */
export const KEY_CLAIM = "runyardKey";

/** Whether a text has the form of {@link keyHash}; one that has not is not looked up. */
export function isKeyHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** A new API key: 256 random bits. */
export function newKey(random: RandomBytes): string {
  return `ry_${Buffer.from(random(32)).toString("base64url")}`;
}

/** The SHA-256 of a key, hex: the name of its document. */
export function keyHash(key: string): string {
  return sha256(key);
}

/** The description of a new key. */
export function newKeyRecord(
  key: string,
  of: Pick<KeyRecord, "owner" | "name" | "scopes" | "expiresAt"> & { now: Date; id: Uint8Array },
): KeyRecord {
  const { owner, name, scopes, expiresAt, now, id } = of;
  return {
    schemaVersion: 1,
    id: `key_${base62(id).slice(-12)}`,
    owner,
    name,
    scopes,
    createdAt: now,
    expiresAt,
    revokedAt: null,
    prefix: key.slice(0, KEY_LIMITS.prefixLength),
  };
}

/**
 * The description of a key by its document. One that has an owner alone is of a time when every key
 * was for everything; scopes that are not known count for nothing.
 *
 * @param data the document's data, with `Date`s
 * @returns undefined: it describes no key
 */
export function keyRecordOf(hash: string, data: unknown): KeyRecord | undefined {
  const { owner, ...rest } = (data ?? {}) as Partial<KeyRecord>;
  if (typeof owner !== "string" || owner === "") return undefined;
  const { scopes = ["admin"] } = rest;
  return {
    schemaVersion: 1,
    id: `key_${hash.slice(0, 12)}`,
    name: "",
    createdAt: null,
    expiresAt: null,
    revokedAt: null,
    prefix: "",
    ...rest,
    owner,
    scopes: SCOPES.filter((scope) => scopes.includes(scope)),
  };
}

/** Why a key is not valid; undefined: it is. */
export function keyFault(
  { id, revokedAt, expiresAt }: Pick<KeyRecord, "id" | "revokedAt" | "expiresAt">,
  now: Date,
): string | undefined {
  if (revokedAt !== null) return `the key ${id} was revoked at ${revokedAt.toISOString()}`;
  if (expiresAt === null || now < expiresAt) return undefined;
  return `the key ${id} expired at ${expiresAt.toISOString()}`;
}

/** Whether one of `scopes` includes `needed`: `run` includes `read`, `admin` both. */
export function includesScope(scopes: readonly Scope[], needed: Scope): boolean {
  return scopes.some((scope) => SCOPES.indexOf(scope) >= SCOPES.indexOf(needed));
}

/** `scopes` as they hold for one who came by a token of a key: never more than `run`. */
export function tokenScopes(scopes: readonly Scope[]): Scope[] {
  return (["read", "run"] as const).filter((scope) => includesScope(scopes, scope));
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 24 * 3600 };
const INSTANT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

/**
 * When a key expires.
 *
 * @param text a time from `now` on (`90d`, `12h`, `30m`), an instant of RFC 3339, or a date: its
 * start in UTC
 * @throws {Error} that says what is wrong with it
 */
export function expiryOf(text: string, now: Date): Date {
  const [, count, unit = ""] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const expiry =
    count === undefined
      ? new Date(INSTANT.test(text) ? text : Number.NaN)
      : new Date(now.getTime() + Number(count) * (UNIT_SECONDS[unit] ?? 0) * 1000);
  if (Number.isNaN(expiry.getTime())) {
    throw new Error(`${text} is no time; say 90d, 12h, 30m, or an instant as 2027-01-31T12:00:00Z`);
  }
  if (expiry <= now) throw new Error(`${text} is not in the future`);
  return expiry;
}
