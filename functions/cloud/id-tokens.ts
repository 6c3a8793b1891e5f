import type { Identity } from "../../shared/api/identity.ts";
import { SCOPES } from "../../shared/api/operation.ts";
import { KEY_CLAIM, tokenScopes } from "../../shared/documents/key.ts";
import type { IdTokens } from "../services/callers.ts";
import {
  CERTIFICATES,
  type Claims,
  decodeToken,
  GOOGLE_ISSUERS,
  refused,
  SignedTokens,
  verifiedEmail,
} from "./signed-tokens.ts";

/** Whose tokens are accepted; nobody's by default. */
export interface IdTokenSettings {
  /** Audiences, of which a token of Google's must be for one. */
  audiences: readonly string[];
  /** The Firebase project whose users' tokens are accepted. */
  firebaseProject: string | undefined;
}

/**
 * ID tokens of Google and of Firebase Authentication.
 *
 * @see https://cloud.google.com/docs/authentication/get-id-token
 * @see
 * https://firebase.google.com/docs/auth/admin/verify-id-tokens#verify_id_tokens_using_a_third-party_jwt_library
 */
export class VerifiedIdTokens implements IdTokens {
  readonly #settings: IdTokenSettings;
  readonly #google: SignedTokens;
  readonly #firebase: SignedTokens;

  /** @param certificates default: {@link CERTIFICATES} */
  constructor(
    settings: IdTokenSettings,
    certificates: Readonly<Record<keyof typeof CERTIFICATES, string>> = CERTIFICATES,
  ) {
    this.#settings = settings;
    this.#google = new SignedTokens(certificates.google);
    this.#firebase = new SignedTokens(certificates.firebase);
  }

  async verify(token: string, now: Date): Promise<Identity> {
    const { audiences, firebaseProject } = this.#settings;
    const issuer = String(decodeToken(token).claims["iss"]);
    if (audiences.length > 0 && GOOGLE_ISSUERS.includes(issuer)) {
      const expected = { issuers: GOOGLE_ISSUERS, audiences };
      return googleIdentity(await this.#google.verify(token, expected, now));
    }
    const firebase = `https://securetoken.google.com/${firebaseProject}`;
    if (firebaseProject === undefined || issuer !== firebase) throw refused();
    const expected = { issuers: [firebase], audiences: [firebaseProject] };
    return firebaseIdentity(await this.#firebase.verify(token, expected, now));
  }
}

function googleIdentity(claims: Claims): Identity {
  const email = verifiedEmail(claims);
  const ownDomain = email?.split("@")[1] ?? "";
  // Others' domains are those of their Workspace; an address there may be that of somebody who has
  // left.
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
