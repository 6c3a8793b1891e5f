import { usageFault } from "../../cli/failure.ts";
import { SCOPES, type Scope } from "../../shared/api/operation.ts";
import { expiryOf, KEY_LIMITS } from "../../shared/documents/key.ts";

/** What the command line says of a key that is to be made. */
export interface KeyFlags {
  name?: string;
  owner?: string;
  scope?: string;
  expires?: string;
  project?: string;
}

/** What a key is to be made with. */
export interface KeyOrder {
  name: string;
  owner: string;
  scopes: Scope[];
  expiresAt: Date | null;
}

/**
 * Reads what is said of a key: it is of the local owner unless it is for a project, and for runs.
 *
 * @throws {Failure} that names the option that is wrong
 */
export function keyOrder(values: KeyFlags, now: Date): KeyOrder {
  const { name = "", owner = values.project === undefined ? "local" : "", scope = "run" } = values;
  if (!isName(name)) {
    throw usageFault(
      `--name must say what the key is for, in 1 to ${KEY_LIMITS.nameLength} characters`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(owner) || owner.length > KEY_LIMITS.ownerLength) {
    const form = `1 to ${KEY_LIMITS.ownerLength} printable characters of ASCII without spaces`;
    throw usageFault(`--owner must say whom the key lets in, in ${form}`);
  }
  const expiresAt = values.expires === undefined ? null : expiry(values.expires, now);
  return { name, owner, scopes: scopesOf(scope), expiresAt };
}

function isName(text: string): boolean {
  return text.trim() !== "" && text.length <= KEY_LIMITS.nameLength && !/\p{Cc}/u.test(text);
}

function scopesOf(text: string): Scope[] {
  const given = text.split(",").map((item) => item.trim());
  const unknown = given.find((item) => !(SCOPES as readonly string[]).includes(item));
  if (unknown === undefined) return SCOPES.filter((scope) => given.includes(scope));
  throw usageFault(`--scope: ${unknown || "nothing"} is no scope; use ${SCOPES.join(", ")}`);
}

function expiry(text: string, now: Date): Date {
  try {
    return expiryOf(text, now);
  } catch (error) {
    throw usageFault(`--expires: ${(error as Error).message}`, error);
  }
}
