import { DEFAULT_SECRET_PREFIX, type SecretRule } from "../shared/agent/environment.ts";
import type { BuildSettings } from "../shared/attempt/build-plan.ts";
import type { CustomTokenSettings } from "./cloud/custom-tokens.ts";
import type { RunQuotas } from "./cloud/firestore/admission.ts";
import type { IdTokenSettings } from "./cloud/id-tokens.ts";

/** Everything that the functions take from their environment; this is the one place that reads it. */
export interface Config {
  projectId: string;
  /** Bucket of inputs, claims, outputs and manifests. */
  bucket: string;
  /** The API's address as builds reach it, without a trailing slash. */
  publicUrl: string;
  /** Host names (without port) that requests to the API may be addressed to. */
  allowedHosts: readonly string[];
  /** Origins of pages that may call the API, as `https://app.example.com`. */
  corsOrigins: readonly string[];
  /** Requests that each owner may send in a minute to each instance. */
  requestsPerMinute: number;
  /** Requests without a valid key that may come from an address in a minute. */
  failuresPerMinute: number;
  /** Proxies in front of the API that append to `X-Forwarded-For`; the first of them is told the caller's address. */
  forwardedHops: number;
  runQuotas: RunQuotas;
  idTokens: IdTokenSettings;
  /** Who may call with an ID token: e-mail addresses, `@domain`s, owners, or `*`. */
  tokenUsers: readonly string[];
  customTokens: CustomTokenSettings;
  builds: BuildSettings;
  /** The secrets that agents may name. */
  secretRule: SecretRule;
  /** `host:port` of a Cloud Build that is not Google's; Google's clients know no variable for it. */
  cloudBuildEmulatorHost: string | undefined;
  /** The function that this process serves. */
  functionTarget: string | undefined;
  /** Address that the HTTP server binds to. */
  host: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration.
 *
 * @throws {Error} that names every variable that is missing, or the first that does not say what it should
 */
export function readConfig(environment: Environment = process.env): Config {
  const required = requiredFrom(environment, [
    "GOOGLE_CLOUD_PROJECT",
    "RUNYARD_BUCKET",
    "RUNYARD_PUBLIC_URL",
    "RUNYARD_IMAGE",
    "RUNYARD_BUILD_SERVICE_ACCOUNT",
    "RUNYARD_LOGS_BUCKET",
    "RUNYARD_MODEL_KEY_SECRET",
  ]);
  const projectId = required.GOOGLE_CLOUD_PROJECT;
  return {
    projectId,
    bucket: required.RUNYARD_BUCKET,
    publicUrl: required.RUNYARD_PUBLIC_URL.replace(/\/+$/, ""),
    allowedHosts: lowerCase(listOf(environment["RUNYARD_ALLOWED_HOSTS"] ?? LOOPBACK)),
    ...callersOf(environment),
    builds: {
      projectId,
      location: environment["RUNYARD_LOCATION"] ?? "us-central1",
      image: required.RUNYARD_IMAGE,
      serviceAccount: required.RUNYARD_BUILD_SERVICE_ACCOUNT,
      logsBucket: required.RUNYARD_LOGS_BUCKET,
      modelKeySecret: required.RUNYARD_MODEL_KEY_SECRET,
    },
    secretRule: {
      prefix: environment["RUNYARD_SECRET_PREFIX"] ?? DEFAULT_SECRET_PREFIX,
      modelKeySecret: required.RUNYARD_MODEL_KEY_SECRET,
    },
    cloudBuildEmulatorHost: environment["CLOUD_BUILD_EMULATOR_HOST"],
    functionTarget: environment["FUNCTION_TARGET"],
    // Cloud Run (which sets K_SERVICE) reaches its container from outside; nobody else shall.
    host: environment["K_SERVICE"] === undefined ? "127.0.0.1" : "0.0.0.0",
  };
}

const LOOPBACK = "127.0.0.1,localhost,[::1]";

/** Who may call, from where and how often. */
function callersOf(
  environment: Environment,
): Pick<
  Config,
  | "corsOrigins"
  | "requestsPerMinute"
  | "failuresPerMinute"
  | "forwardedHops"
  | "runQuotas"
  | "idTokens"
  | "tokenUsers"
  | "customTokens"
> {
  const whole = (name: string, least: number) => wholeNumberOf(environment, name, least);
  return {
    corsOrigins: lowerCase(listOf(environment["RUNYARD_CORS_ORIGINS"])).map(originOf),
    requestsPerMinute: whole("RUNYARD_REQUESTS_PER_MINUTE", 1) ?? 600,
    failuresPerMinute: whole("RUNYARD_FAILURES_PER_MINUTE", 1) ?? 60,
    // Cloud Run's own front appends the address of whoever it takes a request from.
    forwardedHops:
      whole("RUNYARD_FORWARDED_HOPS", 0) ?? (environment["K_SERVICE"] === undefined ? 0 : 1),
    runQuotas: {
      concurrent: whole("RUNYARD_MAX_CONCURRENT_RUNS", 1),
      daily: whole("RUNYARD_MAX_DAILY_RUNS", 1),
    },
    idTokens: {
      audiences: listOf(environment["RUNYARD_ID_TOKEN_AUDIENCE"]),
      firebaseProject: environment["RUNYARD_FIREBASE_PROJECT"] || undefined,
    },
    tokenUsers: listOf(environment["RUNYARD_TOKEN_USERS"]).map((user) =>
      user.includes("@") ? user.toLowerCase() : user,
    ),
    customTokens: {
      serviceAccount: environment["RUNYARD_TOKEN_SERVICE_ACCOUNT"] || undefined,
      unsigned: Boolean(environment["FIRESTORE_EMULATOR_HOST"]),
    },
  };
}

function wholeNumberOf(environment: Environment, name: string, least: number): number | undefined {
  const text = environment[name] || undefined;
  if (text === undefined) return undefined;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least) return number;
  throw new Error(`${name} is ${text}, and must be a whole number from ${least} on`);
}

function originOf(text: string): string {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  const example = "https://app.example.com, without a path";
  throw new Error(
    `RUNYARD_CORS_ORIGINS has ${text}, which is no origin; list origins as ${example}`,
  );
}

function requiredFrom<const N extends string>(
  environment: Environment,
  names: readonly N[],
): Record<N, string> {
  const missing = names.filter((name) => !environment[name]);
  if (missing.length > 0) throw new Error(`not set in the environment: ${missing.join(", ")}`);
  return Object.fromEntries(names.map((name) => [name, environment[name] ?? ""])) as Record<
    N,
    string
  >;
}

function listOf(text = ""): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);
}

function lowerCase(items: string[]): string[] {
  return items.map((item) => item.toLowerCase());
}
