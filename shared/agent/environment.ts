import type { Fault } from "../errors.ts";
import type { AgentSettings } from "./settings.ts";

/** Stands before the name of an agent's variable in its build, where only the runner reads it. */
export const ENVIRONMENT_PREFIX = "RUNYARD_ENV_";

/** Which secrets the environment of an agent may name; the operator decides. */
export interface SecretRule {
  /** How the id of a secret must begin. Empty: every secret that builds may read. */
  prefix: string;
  /** `projects/P/secrets/S/versions/V` with the key of the model's API, which no agent gets. */
  modelKeySecret: string;
}

/** For a {@link SecretRule} where the operator sets none. */
export const DEFAULT_SECRET_PREFIX = "runyard-";

/** Variables by which the runner, a loader, a shell or Node would do something else than they should. */
const RESERVED_NAMES = new Set([
  "API_TIMEOUT_MS",
  "BASHOPTS",
  "BASH_ENV",
  "CLOUD_BUILD_STEP",
  "DISABLE_AUTOUPDATER",
  "ENV",
  "HOME",
  "IFS",
  "IS_SANDBOX",
  "LANG",
  "PATH",
  "SHELL",
  "SHELLOPTS",
  "TERM",
  "TMPDIR",
  "USER",
]);
const RESERVED_PREFIXES = [
  "ANTHROPIC_",
  "BASH_FUNC_",
  "CLAUDE_",
  "DYLD_",
  "LD_",
  "NODE_",
  "RUNYARD_",
];
/** In either case. */
const PROXY_NAMES = ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

/**
 * What is wrong with the environment of an agent: names that belong to the runner, and secrets that
 * `rule` does not give away. Pointers begin at the settings. (What a schema can say, theirs says.)
 */
export function environmentFaults(
  { environment = {} }: Pick<AgentSettings, "environment">,
  rule: SecretRule,
): Fault[] {
  return Object.entries(environment).flatMap(([name, { secret }]) => {
    const pointer = `/environment/${name}`;
    const nameFault = isReserved(name)
      ? [{ pointer, detail: "is set by the runner; choose another name" }]
      : [];
    const reason = refusalOf(secret, rule);
    return reason === undefined
      ? nameFault
      : [...nameFault, { pointer: `${pointer}/secret`, detail: reason }];
  });
}

function isReserved(name: string): boolean {
  return (
    RESERVED_NAMES.has(name) ||
    RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix)) ||
    PROXY_NAMES.includes(name.toUpperCase())
  );
}

/** A secret has the same id under a project's number, so projects are not compared. */
function refusalOf(secret: string, { prefix, modelKeySecret }: SecretRule): string | undefined {
  const id = secretId(secret);
  if (id === secretId(modelKeySecret))
    return "is the key of the model's API, which agents never get";
  if (id.startsWith(prefix)) return undefined;
  return `is not for agents here: the id of the secret must begin with "${prefix}"`;
}

/** `S` of `projects/P/secrets/S/versions/V`. */
const secretId = (versionName: string): string => versionName.split("/")[3] ?? "";
