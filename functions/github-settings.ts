import type { DeliveryRule } from "../shared/delivery/repository-name.ts";
import { parsedJson } from "../shared/json.ts";

/** The GitHub App by which runs are delivered. */
export interface GithubSettings {
  /** Undefined: there is none, and nothing is delivered. */
  appId: string | undefined;
  /** Where its API is, without a trailing slash. */
  apiUrl: string;
  rule: DeliveryRule;
  /** In PEM; undefined: this process has none, or the file of secrets has it. */
  privateKey: string | undefined;
  /** `projects/P/secrets/S/versions/V` of the key, which no agent gets. */
  keySecret: string;
  /** What GitHub signs the App's webhook with; undefined: as for the key. */
  hookKey: string | undefined;
  /** `projects/P/secrets/S/versions/V` of that, which no agent gets. */
  hookKeySecret: string;
  /** What comments have in them that go on with a conversation; undefined: none does. */
  mention: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const GITHUB = "https://github.com";
const TABLE = '{"local": ["my-org/*", "other/site"]}: owners, and the repositories of their runs';
const ROW = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\/(\*|[A-Za-z0-9._-]{1,100})$/;

/** @throws {Error} that names the first variable that does not say what it should */
export function githubOf(environment: Environment, projectId: string): GithubSettings {
  const appId = environment["RUNYARD_GITHUB_APP_ID"] || undefined;
  if (appId !== undefined && !/^\d{1,12}$/.test(appId)) {
    throw new Error(`RUNYARD_GITHUB_APP_ID is ${appId}, and must be an App's id, as 123456`);
  }
  const host = addressOf(environment, "RUNYARD_GITHUB_URL") ?? GITHUB;
  const own = host === GITHUB ? "https://api.github.com" : `${host}/api/v3`;
  const secretOf = (name: string, usual: string) =>
    `projects/${projectId}/secrets/${secretIdOf(environment, name, usual)}/versions/latest`;
  return {
    appId,
    apiUrl: addressOf(environment, "RUNYARD_GITHUB_API_URL") ?? own,
    rule: {
      host: appId === undefined ? undefined : host,
      repositories: tableOf(environment["RUNYARD_GITHUB_REPOSITORIES"] || "{}"),
    },
    privateKey: environment["RUNYARD_GITHUB_PRIVATE_KEY"] || undefined,
    keySecret: secretOf("RUNYARD_GITHUB_KEY_SECRET", "github-app-key"),
    hookKey: environment["RUNYARD_GITHUB_HOOK_KEY"] || undefined,
    hookKeySecret: secretOf("RUNYARD_GITHUB_HOOK_KEY_SECRET", "github-hook-key"),
    mention: mentionOf(environment),
  };
}

function secretIdOf(environment: Environment, name: string, usual: string): string {
  const id = environment[name] || usual;
  if (/^[A-Za-z0-9_-]{1,255}$/.test(id)) return id;
  throw new Error(`${name} is ${id}, and must be the id of a secret`);
}

function mentionOf(environment: Environment): string | undefined {
  const text = environment["RUNYARD_GITHUB_MENTION"]?.trim() || undefined;
  if (text === undefined || /^[@/]?\w[\w -]{1,60}\w$/.test(text)) return text;
  throw new Error(
    `RUNYARD_GITHUB_MENTION is ${text}, and must be @ and the App's name, or words of 3 to 62 characters`,
  );
}

function addressOf(environment: Environment, name: string): string | undefined {
  const text = environment[name]?.replace(/\/+$/, "") || undefined;
  if (text === undefined) return undefined;
  const { protocol, hostname } = URL.parse(text) ?? {};
  if (protocol === "https:" || (protocol === "http:" && hostname === "127.0.0.1")) return text;
  throw new Error(`${name} is ${text}, and must be an address that begins with https://`);
}

function tableOf(json: string): DeliveryRule["repositories"] {
  const table = parsedJson(json);
  const isRow = (row: unknown) =>
    Array.isArray(row) && row.every((item) => typeof item === "string" && ROW.test(item));
  const isTable = typeof table === "object" && table !== null && !Array.isArray(table);
  if (isTable && Object.values(table as object).every(isRow)) {
    return new Map(Object.entries(table as Record<string, string[]>));
  }
  throw new Error(`RUNYARD_GITHUB_REPOSITORIES must be JSON like ${TABLE}`);
}
