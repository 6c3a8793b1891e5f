import type { OAuth2Client } from "google-auth-library";
import { AppError } from "../../shared/errors.ts";
import { TIMING } from "../../shared/limits.ts";

/** Where the signers' certificates are: a JSON object of PEM texts by key id. */
export const CERTIFICATES = {
  google: "https://www.googleapis.com/oauth2/v1/certs",
  firebase:
    "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com",
} as const;

export const GOOGLE_ISSUERS: readonly string[] = [
  "https://accounts.google.com",
  "accounts.google.com",
];

export type Claims = Readonly<Record<string, unknown>>;

/** For whom a token must be, and by whom. */
export interface Expected {
  issuers: readonly string[];
  audiences: readonly string[];
}

/** As Google's library allows for clocks that differ; a token works so much longer. */
export const CLOCK_SKEW_MS = 300_000;

/**
 * ID tokens that one signer has signed, verified by Google's library, which is loaded with the
 * first one. It keeps the signer's certificates for as long as they say.
 */
export class SignedTokens {
  readonly #certificatesUrl: string;
  #client: Promise<OAuth2Client> | undefined;

  constructor(certificatesUrl: string) {
    this.#certificatesUrl = certificatesUrl;
  }

  /**
   * What a token claims, once that is proven.
   *
   * @throws {AppError} unauthorized; unavailable if the certificates cannot be had
   */
  async verify(token: string, expected: Expected, now: Date): Promise<Claims> {
    const { header, claims } = decodeToken(token);
    const isVerified = header["alg"] === "RS256" && (await this.#isSigned(token, expected));
    if (!isVerified || !isUsable(claims, now)) throw refused(faultOf(claims, expected, now));
    return claims;
  }

  async #isSigned(token: string, { issuers, audiences }: Expected): Promise<boolean> {
    this.#client ??= this.#load();
    const client = await this.#client;
    const certificates = await certificatesOf(client);
    try {
      await client.verifySignedJwtWithCertsAsync(token, certificates, [...audiences], [...issuers]);
      return true;
    } catch {
      // The library's words repeat the token.
      return false;
    }
  }

  async #load(): Promise<OAuth2Client> {
    const { OAuth2Client } = await import("google-auth-library");
    return new OAuth2Client({
      endpoints: { oauth2FederatedSignonPemCertsUrl: this.#certificatesUrl },
      transporterOptions: { timeout: (TIMING.callDeadline * 1000) / 3 },
    });
  }
}

async function certificatesOf(client: OAuth2Client) {
  try {
    return (await client.getFederatedSignonCertsAsync()).certs;
  } catch (cause) {
    const detail = "the certificates to verify the token with cannot be had; try again shortly";
    throw new AppError("unavailable", { detail, cause });
  }
}

/**
 * What a token says, believed by nobody yet.
 *
 * @throws {AppError} unauthorized if it is no token
 */
export function decodeToken(token: string): { header: Claims; claims: Claims; signature: string } {
  const [head = "", body = "", signature = "", ...more] = token.split(".");
  const [header, claims] = [decode(head), decode(body)];
  if (header === undefined || claims === undefined || more.length > 0) throw refused(UNKNOWN);
  return { header, claims, signature };
}

const UNKNOWN = "no such token is accepted here: neither its issuer nor its form is known";

/** A part of a token; undefined if it is no JSON object. */
function decode(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

/** What the library leaves to us: `nbf`, and that there is a subject. */
function isUsable({ nbf, sub }: Claims, now: Date): boolean {
  const hasSubject = typeof sub === "string" && sub !== "" && sub.length <= 128;
  return hasSubject && (nbf === undefined || Number(nbf) * 1000 <= now.getTime() + CLOCK_SKEW_MS);
}

/** What is wrong with a token that is not believed. For its bearer: nothing hangs on it. */
export function faultOf(
  { exp, iat, nbf, aud }: Claims,
  { audiences }: Expected,
  now: Date,
): string {
  if (Number(exp) * 1000 + CLOCK_SKEW_MS < now.getTime()) return "the token has expired";
  const valid = Math.max(Number(iat ?? 0), Number(nbf ?? 0)) * 1000;
  if (valid > now.getTime() + CLOCK_SKEW_MS) return "the token is not valid yet";
  if (!audiences.includes(String(aud))) return "the token is for another audience";
  return "the token is not genuine, or misses something";
}

/** The address that a token's signer has verified, in lower case. */
export function verifiedEmail({ email, email_verified: isVerified }: Claims): string | undefined {
  return typeof email === "string" && isVerified === true ? email.toLowerCase() : undefined;
}

/** A refusal of whoever bears a token, in words for them. */
export function refused(detail = UNKNOWN): AppError {
  return new AppError("unauthorized", { detail });
}
