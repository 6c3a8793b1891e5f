import type { SecretRule } from "../shared/agent/environment.ts";
import type { BuildSettings } from "../shared/attempt/build-plan.ts";
import type { CommitAuthor } from "../shared/documents/deliver.ts";
import { type WebhookNet, webhookNetsOf } from "../shared/events/target.ts";
import { parsedJson } from "../shared/json.ts";
import type { DailyBudgets } from "../shared/run/owner-day.ts";
import type { RetentionTable } from "../shared/run/retention.ts";
import type { EventGrant } from "../shared/triggers/grants.ts";
import type { CustomTokenSettings } from "./cloud/custom-tokens.ts";
import type { RunQuotas } from "./cloud/firestore/admission.ts";
import type { IdTokenSettings } from "./cloud/id-tokens.ts";
import { commitAuthorOf } from "./commit-author.ts";
import { eventGrantsOf } from "./event-grants.ts";
import { type GithubSettings, githubOf } from "./github-settings.ts";
import { retentionTableOf } from "./retention.ts";
import { sealKeysOf } from "./seal-keys.ts";
import { type TelemetrySettings, telemetryOf } from "./telemetry-settings.ts";
import { TRIGGER_SETTINGS, type TriggerAuth, triggerAuthOf } from "./trigger-auth.ts";

/**
 * Everything that the functions take from their environment; this is the one place that reads it.
 */
export interface Config {
  projectId: string;
  /** Bucket of inputs, claims, outputs and manifests. */
  bucket: string;
  /** The API's address as builds reach it, without a trailing slash. */
  publicUrl: string;
  /** Host names (without port) that requests to the API may be addressed to. */
  allowedHosts: readonly string[];
  /**
   * The same of the functions that are no API; undefined: any, since the platform decides who
   * reaches them.
   */
  triggerHosts: readonly string[] | undefined;
  /** Who may call the functions that are not for everybody; undefined: this one is. */
  triggerAuth: TriggerAuth | undefined;
  /**
   * Where the API passes on what is posted to hooks, without a trailing slash; undefined: it does
   * not, hooks have an address of their own.
   */
  passHooksTo: string | undefined;
  /** Origins of pages that may call the API, as `https://app.example.com`. */
  corsOrigins: readonly string[];
  /** Requests that each owner may send in a minute to each instance. */
  requestsPerMinute: number;
  /** Requests without a valid key that may come from an address in a minute. */
  failuresPerMinute: number;
  /**
   * Proxies in front of the API that append to `X-Forwarded-For`; the first of them is told the
   * caller's address.
   */
  forwardedHops: number;
  runQuotas: RunQuotas;
  /** Runs of an owner that may wait for a machine type. */
  mostWaiting: number;
  /** What owners may spend in a day. */
  dailyBudgets: DailyBudgets;
  /** How long what owners' runs leave is kept. */
  retention: RetentionTable;
  /** Who may bind triggers to events that belong to the project. */
  eventGrants: readonly EventGrant[];
  idTokens: IdTokenSettings;
  /** OAuth client by which people sign in to the page with Google; undefined: they cannot. */
  googleClientId: string | undefined;
  /** Who may call with an ID token: e-mail addresses, `@domain`s, owners, or `*`. */
  tokenUsers: readonly string[];
  customTokens: CustomTokenSettings;
  builds: BuildSettings;
  /** The secrets that agents may name. */
  secretRule: SecretRule;
  /** The file that stands for Secret Manager on one machine; undefined: Google's is used. */
  secretsFile: string | undefined;
  /** Where webhooks may go beside port 443 of the public Internet. */
  webhookNets: readonly WebhookNet[];
  /** The keys that seal what must be kept secret, of 32 bytes; only some functions have them. */
  sealKeys: readonly Uint8Array[];
  /**
   * Where agents have no sandbox: the one prompt that is accepted, without settings. Undefined:
   * agents are kept apart, or may run as they are.
   */
  onlyPrompt: string | undefined;
  /**
   * `host:port` of a Cloud Build that is not Google's; Google's clients know no variable for it.
   */
  cloudBuildEmulatorHost: string | undefined;
  /** The App by which runs are delivered to GitHub. */
  github: GithubSettings;
  /** Of commits whose request names no author; undefined: whoever makes them. */
  commitAuthor: CommitAuthor | undefined;
  /** What is told to whoever draws charts; undefined: nothing. */
  telemetry: TelemetrySettings | undefined;
  /** The function that this process serves. */
  functionTarget: string | undefined;
  /** Address that the HTTP server binds to. */
  host: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration.
 *
 * @throws {Error} that names every variable that is missing, or the first that does not say what it
 * should
 */
export function readConfig(environment: Environment = process.env): Config {
  const functionTarget = environment["FUNCTION_TARGET"];
  // Whatever is not known to be for everybody is not.
  const isPublic = functionTarget === "api" || functionTarget === "receiveHook";
  const required = requiredFrom(environment, [
    "GOOGLE_CLOUD_PROJECT",
    "RUNYARD_BUCKET",
    "RUNYARD_PUBLIC_URL",
    "RUNYARD_IMAGE",
    "RUNYARD_BUILD_SERVICE_ACCOUNT",
    "RUNYARD_LOGS_BUCKET",
    "RUNYARD_MODEL_KEY_SECRET",
    ...(isPublic ? [] : TRIGGER_SETTINGS),
  ]);
  const projectId = required.GOOGLE_CLOUD_PROJECT;
  const isOnCloudRun = environment["K_SERVICE"] !== undefined;
  const github = githubOf(environment, projectId);
  const allowedHosts = lowerCase(listOf(environment["RUNYARD_ALLOWED_HOSTS"] ?? LOOPBACK));
  return {
    projectId,
    bucket: required.RUNYARD_BUCKET,
    publicUrl: required.RUNYARD_PUBLIC_URL.replace(/\/+$/, ""),
    allowedHosts,
    triggerHosts: isOnCloudRun ? undefined : allowedHosts,
    triggerAuth: isPublic ? undefined : triggerAuthOf(environment),
    passHooksTo: environment["RUNYARD_PASS_HOOKS_TO"] || undefined,
    ...callersOf(environment),
    builds: {
      projectId,
      location: environment["RUNYARD_LOCATION"] ?? "us-central1",
      image: required.RUNYARD_IMAGE,
      serviceAccount: required.RUNYARD_BUILD_SERVICE_ACCOUNT,
      logsBucket: required.RUNYARD_LOGS_BUCKET,
      modelKeySecret: required.RUNYARD_MODEL_KEY_SECRET,
      mirrorMiB: wholeNumberOf(environment, "RUNYARD_MIRROR_MIB", 0) ?? 0,
    },
    secretRule: {
      prefixes: secretPrefixesOf(environment),
      projectId,
      modelKeySecret: required.RUNYARD_MODEL_KEY_SECRET,
      appSecrets: [github.keySecret, github.hookKeySecret],
    },
    github,
    commitAuthor: commitAuthorOf(environment["RUNYARD_COMMIT_AUTHOR"]),
    secretsFile: environment["RUNYARD_SECRETS_FILE"] || undefined,
    eventGrants: eventGrantsOf(environment["RUNYARD_EVENT_GRANTS"]),
    webhookNets: webhookNetsOf(environment["RUNYARD_WEBHOOK_NETS"]),
    sealKeys: sealKeysOf(environment["RUNYARD_SEAL_KEYS"]),
    onlyPrompt: environment["RUNYARD_UNCONFINED_PROMPT"] || undefined,
    cloudBuildEmulatorHost: environment["CLOUD_BUILD_EMULATOR_HOST"],
    telemetry: telemetryOf(environment),
    functionTarget,
    // Cloud Run (which sets K_SERVICE) reaches its container from outside; nobody else shall.
    host: isOnCloudRun ? "0.0.0.0" : "127.0.0.1",
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
  | "mostWaiting"
  | "dailyBudgets"
  | "retention"
  | "idTokens"
  | "googleClientId"
  | "tokenUsers"
  | "customTokens"
> {
  const whole = (name: string, least: number) => wholeNumberOf(environment, name, least);
  const googleClientId = googleClientIdOf(environment);
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
    mostWaiting: whole("RUNYARD_MAX_WAITING", 1) ?? 10_000,
    dailyBudgets: dailyBudgetsOf(environment),
    retention: retentionTableOf(environment["RUNYARD_RETENTION"]),
    idTokens: {
      audiences: [
        ...listOf(environment["RUNYARD_ID_TOKEN_AUDIENCE"]),
        ...(googleClientId === undefined ? [] : [googleClientId]),
      ],
      firebaseProject: environment["RUNYARD_FIREBASE_PROJECT"] || undefined,
    },
    googleClientId,
    tokenUsers: listOf(environment["RUNYARD_TOKEN_USERS"]).map((user) =>
      user.includes("@") ? user.toLowerCase() : user,
    ),
    customTokens: {
      serviceAccount: environment["RUNYARD_TOKEN_SERVICE_ACCOUNT"] || undefined,
      unsigned: Boolean(environment["FIRESTORE_EMULATOR_HOST"]),
    },
  };
}

function googleClientIdOf(environment: Environment): string | undefined {
  const id = environment["RUNYARD_GOOGLE_CLIENT_ID"] || undefined;
  if (id === undefined || /^[\w-]{1,100}\.apps\.googleusercontent\.com$/.test(id)) return id;
  const form = "the id of an OAuth client, as 123-abc.apps.googleusercontent.com";
  throw new Error(`RUNYARD_GOOGLE_CLIENT_ID is ${id}, and must be ${form}`);
}

/** The beginning of a secret's id, or of `projects/P/secrets/` and an id. */
const SECRET_PREFIX = /^(projects\/[a-z0-9:.-]{1,64}\/secrets\/)?[A-Za-z0-9_-]{0,255}$/;

/**
 * `{"owner": ["prefix", …], …}`. An owner may have any characters, so this is no list with commas.
 */
function secretPrefixesOf(environment: Environment): SecretRule["prefixes"] {
  const table = parsedJson(environment["RUNYARD_SECRET_PREFIXES"] || "{}");
  const isPrefix = (item: unknown) => typeof item === "string" && SECRET_PREFIX.test(item);
  const isRow = (row: unknown) => Array.isArray(row) && row.every(isPrefix);
  const isTable = typeof table === "object" && table !== null && !Array.isArray(table);
  if (isTable && Object.values(table).every(isRow)) return new Map(Object.entries(table));
  const form = '{"local": ["runyard-"]}: owners, and how the ids of their secrets begin';
  throw new Error(`RUNYARD_SECRET_PREFIXES must be JSON like ${form}`);
}

/** More than anybody means to spend in a day, in USD. */
const MOST_USD = 1_000_000;

/** `{"owner": 20, "*": 5}`, in USD. */
function dailyBudgetsOf(environment: Environment): DailyBudgets {
  const table = parsedJson(environment["RUNYARD_DAILY_BUDGETS"] || "{}");
  const form = '{"ann@example.com": 20, "*": 5}: owners, or * for every other, and USD for a day';
  if (typeof table !== "object" || table === null || Array.isArray(table)) {
    throw new Error(`RUNYARD_DAILY_BUDGETS must be JSON like ${form}`);
  }
  for (const [owner, usd] of Object.entries(table)) {
    if (typeof usd === "number" && usd >= 0 && usd <= MOST_USD) continue;
    const bounds = `must be a number of USD from 0 to ${MOST_USD}`;
    throw new Error(`RUNYARD_DAILY_BUDGETS: that of ${owner} ${bounds}, as in ${form}`);
  }
  return new Map(Object.entries(table));
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
