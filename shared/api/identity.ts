import type { Scope } from "./operation.ts";

/** Who a verified token says that its bearer is. */
export interface Identity {
  /** `google:SUB`, or the uid of a user of Firebase. */
  owner: string;
  /** Undefined unless it was verified that the bearer has it. */
  email: string | undefined;
  /** The domain by which everybody may be let in who belongs to it. */
  domain: string | undefined;
  scopes: Scope[];
  /** SHA-256 of the API key that the token was made of; undefined: of none. */
  keyHash: string | undefined;
}

/**
 * Whether somebody with a token may call the API: anybody can get one that is genuine.
 *
 * @param users e-mail addresses, `@domain`s, owners, or `*` for everybody; in lower case but for
 * owners
 */
export function isAdmitted(users: readonly string[], { owner, email, domain }: Identity): boolean {
  const names = ["*", owner, email, domain === undefined ? undefined : `@${domain}`];
  return names.some((name) => name !== undefined && users.includes(name));
}
