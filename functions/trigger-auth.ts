import type { IncomingMessage } from "node:http";
import { AppError } from "../shared/errors.ts";
import {
  CERTIFICATES,
  CLOCK_SKEW_MS,
  type Claims,
  decodeToken,
  type Expected,
  faultOf,
  GOOGLE_ISSUERS,
  refused,
  SignedTokens,
  verifiedEmail,
} from "./cloud/signed-tokens.ts";

/** Who may call a function that is no API, and who looks at that. */
export interface TriggerAuth {
  /**
   * Who has verified the signature of a caller's ID token: `iam`, Cloud Run itself; `oidc`, nobody
   * yet.
   */
  form: "iam" | "oidc";
  /** Audiences, of which a token must be for one. */
  audiences: readonly string[];
  /** Addresses of the service accounts that may call, in lower case. */
  accounts: readonly string[];
  /** Where the signer's certificates are. */
  certificatesUrl: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What must be set for a function that is no API. */
export const TRIGGER_SETTINGS = [
  "RUNYARD_TRIGGER_AUTH",
  "RUNYARD_TRIGGER_AUDIENCE",
  "RUNYARD_TRIGGER_ACCOUNTS",
] as const;

/**
 * Reads {@link TRIGGER_SETTINGS}.
 *
 * @throws {Error} that says which does not say what it should
 */
export function triggerAuthOf(environment: Environment): TriggerAuth {
  const isOnCloudRun = environment["K_SERVICE"] !== undefined;
  const form = environment["RUNYARD_TRIGGER_AUTH"];
  if (form !== "iam" && form !== "oidc") {
    throw new Error(`RUNYARD_TRIGGER_AUTH is ${form}, and must be iam or oidc`);
  }
  if (form === "iam" && !isOnCloudRun) {
    const reason = "outside Cloud Run nobody verifies callers for the function";
    throw new Error(`RUNYARD_TRIGGER_AUTH is iam, and must be oidc: ${reason}`);
  }
  const certificatesUrl = environment["RUNYARD_TRIGGER_CERTIFICATES"] || undefined;
  if (certificatesUrl !== undefined && isOnCloudRun) {
    const reason = "on Cloud Run only Google's own certificates count";
    throw new Error(`RUNYARD_TRIGGER_CERTIFICATES must not be set: ${reason}`);
  }
  return {
    form,
    audiences: itemsOf(environment, "RUNYARD_TRIGGER_AUDIENCE"),
    accounts: accountsOf(environment),
    certificatesUrl: certificatesUrl ?? CERTIFICATES.google,
  };
}

/** No pattern and no domain: each account is named. */
const ACCOUNT = /^[a-z0-9._-]+@[a-z0-9.-]+$/;

function accountsOf(environment: Environment): string[] {
  const accounts = itemsOf(environment, "RUNYARD_TRIGGER_ACCOUNTS").map((a) => a.toLowerCase());
  const wrong = accounts.find((account) => !ACCOUNT.test(account));
  if (wrong === undefined) return accounts;
  const example = "pubsub-push@my-project.iam.gserviceaccount.com";
  throw new Error(
    `RUNYARD_TRIGGER_ACCOUNTS has ${wrong}; list addresses of accounts, as ${example}`,
  );
}

function itemsOf(environment: Environment, name: string): string[] {
  const items = (environment[name] ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);
  if (items.length === 0) throw new Error(`${name} is empty`);
  return items;
}

/** What is wrong with who sends a request; undefined: nothing. Looks at nothing but its headers. */
export type Admission = (request: IncomingMessage) => Promise<AppError | undefined>;

/**
 * Admits the accounts that may call: those of Pub/Sub's pushes, of Scheduler's calls.
 *
 * @see https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions#protocol
 * @param now default: the machine's time
 */
export function triggerAdmission(auth: TriggerAuth, now = () => new Date()): Admission {
  const { form, accounts, audiences } = auth;
  const expected = { issuers: GOOGLE_ISSUERS, audiences };
  const signed = new SignedTokens(auth.certificatesUrl);
  const claimsOf = (token: string) =>
    form === "oidc"
      ? signed.verify(token, expected, now())
      : platformClaims(token, expected, now());
  return async (request) => {
    try {
      const account = verifiedEmail(await claimsOf(onlyToken(request)));
      if (account !== undefined && accounts.includes(account)) return undefined;
      const who = account ?? "an account whose address is not verified";
      const detail = `${who} may not call here; who may is set with RUNYARD_TRIGGER_ACCOUNTS`;
      return new AppError("forbidden", { detail });
    } catch (error) {
      if (error instanceof AppError) return error;
      throw error;
    }
  };
}

/** Bytes of the longest token that is looked at; Google's have about a thousand. */
const TOKEN_LENGTH = 8192;

/**
 * The one token of a request. Where Cloud Run finds one in `X-Serverless-Authorization` it looks at
 * no other, so that whatever stands in `Authorization` would be verified by nobody.
 *
 * @see https://cloud.google.com/run/docs/authenticating/service-to-service
 */
function onlyToken({ headersDistinct }: IncomingMessage): string {
  const [header = "", ...more] = headersDistinct["authorization"] ?? [];
  const token = /^Bearer +([\w.-]+) *$/i.exec(header)?.[1];
  const isOnly = more.length === 0 && headersDistinct["x-serverless-authorization"] === undefined;
  if (isOnly && token !== undefined && token.length <= TOKEN_LENGTH) return token;
  throw refused("send an ID token in one header Authorization: Bearer TOKEN, and in no other");
}

/**
 * What stands in the place of the signature of a token that Cloud Run has verified.
 *
 * @see https://cloud.google.com/run/docs/troubleshooting#signature-removed
 */
const VERIFIED_BY_CLOUD_RUN = "SIGNATURE_REMOVED_BY_GOOGLE";

/**
 * The claims of a token that the platform has verified, for one of its own audiences: ours may be
 * fewer.
 */
async function platformClaims(token: string, expected: Expected, now: Date): Promise<Claims> {
  const { claims, signature } = decodeToken(token);
  if (signature !== VERIFIED_BY_CLOUD_RUN) {
    throw refused(
      "Cloud Run has not verified this token: the service must ask for roles/run.invoker",
    );
  }
  const { iss, aud, exp } = claims;
  const isExpected =
    expected.issuers.includes(String(iss)) &&
    expected.audiences.includes(String(aud)) &&
    Number(exp) * 1000 + CLOCK_SKEW_MS >= now.getTime();
  if (!isExpected) throw refused(faultOf(claims, expected, now));
  return claims;
}
