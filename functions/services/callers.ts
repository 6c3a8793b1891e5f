import type { Identity } from "../../shared/api/identity.ts";
import type { Scope } from "../../shared/api/operation.ts";
import type { KEY_CLAIM, KeyRecord } from "../../shared/documents/key.ts";

/** API keys, each known by the SHA-256 of the key in hex. */
export interface KeyStore {
  /** What a key is for, revoked or not. Undefined: there is none of that hash. */
  get(hash: string): Promise<KeyRecord | undefined>;
  create(hash: string, record: KeyRecord): Promise<void>;
  /** Every key, oldest first. */
  list(): Promise<{ hash: string; record: KeyRecord }[]>;
  /** Call only for a key that is there. */
  revoke(hash: string, now: Date): Promise<void>;
}

/** ID tokens of Google and of Firebase Authentication. */
export interface IdTokens {
  /**
   * Who a token's bearer is.
   *
   * @throws {AppError} unauthorized if the token is not genuine, not for us or not valid now;
   * unavailable if the certificates cannot be had
   */
  verify(token: string, now: Date): Promise<Identity>;
}

/** What a custom token says. */
export interface CustomToken {
  uid: string;
  claims: { scopes: Scope[] } & Record<typeof KEY_CLAIM, string>;
}

/** Custom tokens, which the Firebase SDK signs in with. */
export interface CustomTokens {
  /**
   * A token by which its bearer signs in as `uid`, until `expiresAt`; for how long it stays signed
   * in, Firebase decides.
   *
   * @throws {AppError} not_found if it is not configured who signs; unavailable if that one does
   * not
   */
  create(token: CustomToken, now: Date): Promise<{ token: string; expiresAt: Date }>;
}
