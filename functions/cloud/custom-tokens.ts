import type { GoogleAuth } from "google-auth-library";
import { AppError } from "../../shared/errors.ts";
import { TIMING } from "../../shared/limits.ts";
import type { CustomToken, CustomTokens } from "../services/callers.ts";

/** How custom tokens are signed; not at all by default. */
export interface CustomTokenSettings {
  /** E-mail address of the service account that signs them, one of the Firebase project. */
  serviceAccount: string | undefined;
  /** Whether they are for an emulator, which takes them as they are. */
  unsigned: boolean;
}

/** IAM's credentials API. */
const IAM = "https://iamcredentials.googleapis.com";
/** A custom token is good for signing in for so long, which is the most that Firebase allows. */
const LIFETIME_SECONDS = 3600;
const AUDIENCE =
  "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit";
/** The account that the emulators' own unsigned tokens name. */
const EMULATOR_ACCOUNT = "firebase-auth-emulator@example.com";

/** The library's client, or what a test has in its place. */
type Requester = Pick<GoogleAuth, "request">;

/**
 * Makes the custom tokens that the Firebase SDK signs in with. They are signed by IAM: the
 * functions have no key of a service account. Google's library is loaded with the first one.
 *
 * @see
 * https://firebase.google.com/docs/auth/admin/create-custom-tokens#create_custom_tokens_using_a_third-party_jwt_library
 */
export class SignedCustomTokens implements CustomTokens {
  readonly #settings: CustomTokenSettings;
  readonly #iam: string;
  readonly #open: () => Promise<Requester>;

  /** @param options.iam default: Google's */
  constructor(
    settings: CustomTokenSettings,
    { iam = IAM, open = openAuth }: { iam?: string; open?: () => Promise<Requester> } = {},
  ) {
    this.#settings = settings;
    this.#iam = iam;
    this.#open = open;
  }

  async create(
    { uid, claims }: CustomToken,
    now: Date,
  ): Promise<{ token: string; expiresAt: Date }> {
    const { serviceAccount, unsigned } = this.#settings;
    const account = unsigned ? EMULATOR_ACCOUNT : serviceAccount;
    if (account === undefined) {
      const detail = "tokens are not configured here: set RUNYARD_TOKEN_SERVICE_ACCOUNT";
      throw new AppError("not_found", { detail });
    }
    const iat = Math.floor(now.getTime() / 1000);
    const exp = iat + LIFETIME_SECONDS;
    const payload = { iss: account, sub: account, aud: AUDIENCE, iat, exp, uid, claims };
    const header = { alg: unsigned ? "none" : "RS256", typ: "JWT" };
    const content = `${encode(header)}.${encode(payload)}`;
    const signature = unsigned ? "" : await this.#sign(content, account);
    return { token: `${content}.${signature}`, expiresAt: new Date(exp * 1000) };
  }

  async #sign(content: string, account: string): Promise<string> {
    const url = `${this.#iam}/v1/projects/-/serviceAccounts/${encodeURIComponent(account)}:signBlob`;
    const data = { payload: Buffer.from(content).toString("base64") };
    try {
      const auth = await this.#open();
      const timeout = TIMING.callDeadline * 1000;
      const answer = await auth.request<{ signedBlob: string }>({
        url,
        method: "POST",
        data,
        timeout,
      });
      return Buffer.from(answer.data.signedBlob, "base64").toString("base64url");
    } catch (cause) {
      const detail = `IAM did not sign as ${account}; the log says why`;
      throw new AppError("unavailable", { detail, cause });
    }
  }
}

async function openAuth(): Promise<Requester> {
  const { GoogleAuth } = await import("google-auth-library");
  return new GoogleAuth({ scopes: "https://www.googleapis.com/auth/cloud-platform" });
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
