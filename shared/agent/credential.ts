/** What a secret says of who asks a host for a repository. */
export interface Credential {
  /** Value of the header `Authorization`. */
  authorization: string;
}

/**
 * Hosts that look at the token alone take any name, and GitHub wants this one of an App's token.
 */
const ANYBODY = "x-access-token";

/**
 * Reads a secret that is `TOKEN` or `USER:TOKEN`, with or without an end of line.
 *
 * @returns undefined: it is neither.
 */
export function credentialOf(secret: string): Credential | undefined {
  const { user, token } = partsOf(secret);
  return token === "" ? undefined : { authorization: `Basic ${paired(user, token)}` };
}

/** What of a secret nobody may see, in whatever form it may be said. */
export function hiddenOf(secret: string): string[] {
  const { user, token } = partsOf(secret);
  return [secret, token, paired(user, token)];
}

function partsOf(secret: string): { user: string; token: string } {
  const [, user = ANYBODY, token = ""] = /^(?:([^:\s]*):)?([^:\s]+)$/.exec(secret.trim()) ?? [];
  return { user, token };
}

const paired = (user: string, token: string): string =>
  Buffer.from(`${user}:${token}`).toString("base64");
