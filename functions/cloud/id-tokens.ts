import type { OAuth2Client } from "google-auth-library";
import type { Identity } from "../../shared/api/identity.ts";
import { SCOPES } from "../../shared/api/operation.ts";
import { KEY_CLAIM, tokenScopes } from "../../shared/documents/key.ts";
import { AppError } from "../../shared/errors.ts";
import { TIMING } from "../../shared/limits.ts";
import type { IdTokens } from "../services/callers.ts";

/** Whose tokens are accepted; nobody's by default. */
export interface IdTokenSettings {
  /** Audiences, of which a token of Google's must be for one. */
  audiences: readonly string[];
  /** The Firebase project whose users' tokens are accepted. */
  firebaseProject: string | undefined;
}

/** Where the signers' certificates are: a JSON object of PEM texts by key id. */
const CERTIFICATES = {
  google: "https://www.googleapis.com/oauth2/v1/certs",
  firebase:
    "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com",
} as const;

const GOOGLE_ISSUERS = ["https://accounts.google.com", "accounts.google.com"];

/** As Google's library allows for clocks that differ; a token works so much longer. */
const CLOCK_SKEW_MS = 300_000;

type Claims = Readonly<Record<string, unknown>>;
type Signer = keyof typeof CERTIFICATES;

/** What a token must be. */
interface Expected {
  signer: Signer;
  issuers: string[];
  audiences: readonly string[];
}

/**
 * ID tokens of Google and of Firebase Authentication, verified by Google's library, which is loaded with the first
 * one. It keeps the signers' certificates for as long as they say.
 *
 * @see https://cloud.google.com/docs/authentication/get-id-token
 * @see https://firebase.google.com/docs/auth/admin/verify-id-tokens#verify_id_tokens_using_a_third-party_jwt_library
 */
export class VerifiedIdTokens implements IdTokens {
  readonly #settings: IdTokenSettings;
  readonly #certificates: Readonly<Record<Signer, string>>;
  readonly #clients = new Map<Signer, Promise<OAuth2Client>>();

  /** @param certificates default: {@link CERTIFICATES} */
  constructor(
    settings: IdTokenSettings,
    certificates: Readonly<Record<Signer, string>> = CERTIFICATES,
  ) {
    this.#settings = settings;
    this.#certificates = certificates;
  }

  async verify(token: string, now: Date): Promise<Identity> {
    const [header, claims] = token.split(".").map(decode);
    const expected = this.#expected(claims);
    if (header === undefined || claims === undefined || expected === undefined) {
      throw refused("no such token is accepted here: neither its issuer nor its form is known");
    }
    const isVerified =
      header["alg"] === "RS256" &&
      (await this.#isVerified(token, expected)) &&
      isUsable(claims, now);
    if (!isVerified) throw refused(faultOf(claims, expected, now));
    return expected.signer === "google" ? googleIdentity(claims) : firebaseIdentity(claims);
  }

  #expected(claims: Claims | undefined): Expected | undefined {
    const { audiences, firebaseProject } = this.#settings;
    const issuer = String(claims?.["iss"]);
    if (audiences.length > 0 && GOOGLE_ISSUERS.includes(issuer)) {
      return { signer: "google", issuers: GOOGLE_ISSUERS, audiences };
    }
    const firebase = `https://securetoken.google.com/${firebaseProject}`;
    if (firebaseProject === undefined || issuer !== firebase) return undefined;
    return { signer: "firebase", issuers: [firebase], audiences: [firebaseProject] };
  }

  async #isVerified(token: string, { signer, issuers, audiences }: Expected): Promise<boolean> {
    const client = await this.#client(signer);
    const certificates = await certificatesOf(client);
    try {
      await client.verifySignedJwtWithCertsAsync(token, certificates, [...audiences], issuers);
      return true;
    } catch {
      // The library's words repeat the token.
      return false;
    }
  }

  #client(signer: Signer): Promise<OAuth2Client> {
    const known = this.#clients.get(signer);
    if (known !== undefined) return known;
    const loading = import("google-auth-library").then(
      ({ OAuth2Client }) =>
        new OAuth2Client({
          endpoints: { oauth2FederatedSignonPemCertsUrl: this.#certificates[signer] },
          transporterOptions: { timeout: (TIMING.callDeadline * 1000) / 3 },
        }),
    );
    this.#clients.set(signer, loading);
    return loading;
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

/** What the library leaves to us: `nbf`, and that there is a subject. */
function isUsable({ nbf, sub }: Claims, now: Date): boolean {
  const hasSubject = typeof sub === "string" && sub !== "" && sub.length <= 128;
  return hasSubject && (nbf === undefined || Number(nbf) * 1000 <= now.getTime() + CLOCK_SKEW_MS);
}

/** What is wrong with a token that was not verified. For its bearer: nothing hangs on it. */
function faultOf({ exp, iat, nbf, aud }: Claims, { audiences }: Expected, now: Date): string {
  if (Number(exp) * 1000 + CLOCK_SKEW_MS < now.getTime()) return "the token has expired";
  const valid = Math.max(Number(iat ?? 0), Number(nbf ?? 0)) * 1000;
  if (valid > now.getTime() + CLOCK_SKEW_MS) return "the token is not valid yet";
  if (!audiences.includes(String(aud))) return "the token is for another audience";
  return "the token is not genuine, or misses something";
}

function googleIdentity(claims: Claims): Identity {
  const email = verifiedEmail(claims);
  const ownDomain = email?.split("@")[1] ?? "";
  // Others' domains are those of their Workspace; an address there may be that of somebody who has left.
  const hosted = isGoogles(ownDomain) ? ownDomain : claims["hd"];
  const domain = typeof hosted === "string" ? hosted.toLowerCase() : undefined;
  return {
    owner: `google:${String(claims["sub"])}`,
    email,
    domain: email === undefined ? undefined : domain,
    scopes: tokenScopes(["run"]),
    keyHash: undefined,
  };
}

/** Domains under which Google itself gives out the addresses. */
function isGoogles(domain: string): boolean {
  return domain === "gmail.com" || domain.endsWith(".gserviceaccount.com");
}

/** Both claims are those of our custom tokens; `scopes` may also be the project's own. */
function firebaseIdentity(claims: Claims): Identity {
  const email = verifiedEmail(claims);
  const { scopes, [KEY_CLAIM]: key } = claims;
  const given = Array.isArray(scopes)
    ? SCOPES.filter((scope) => scopes.includes(scope))
    : undefined;
  return {
    owner: String(claims["sub"]),
    email,
    domain: email?.split("@")[1],
    scopes: tokenScopes(given ?? ["run"]),
    keyHash: key === undefined ? undefined : String(key),
  };
}

function verifiedEmail({ email, email_verified: isVerified }: Claims): string | undefined {
  return typeof email === "string" && isVerified === true ? email.toLowerCase() : undefined;
}

/** A part of a token; undefined if it is no JSON object. */
function decode(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

function refused(detail: string): AppError {
  return new AppError("unauthorized", { detail });
}
