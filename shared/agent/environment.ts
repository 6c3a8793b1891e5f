import type { Fault } from "../errors.ts";
import type { AgentSettings } from "./settings.ts";
import { STEERING, steersPrograms } from "./steering-names.ts";

/** Stands before the name of an agent's variable in its build, where only the runner reads it. */
export const ENVIRONMENT_PREFIX = "RUNYARD_ENV_";

/**
 * The variable of a build with the repository's credential, which only the runner reads; of several
 * repositories with `_` and the place in their list behind it.
 */
export const REPOSITORY_CREDENTIAL = "RUNYARD_REPOSITORY_CREDENTIAL";

/** Which secrets the settings of an agent may name; the operator decides. */
export interface SecretRule {
  /**
   * By owner: what the secrets begin with that are the owner's. Without a row there are none. A
   * secret belongs to whoever has the longest beginning of it, and to nobody else.
   *
   * `runyard-` begins ids in {@link SecretRule.projectId}, `projects/P/secrets/runyard-` those of
   * another project. Empty: every secret of the project that is in no other row.
   */
  prefixes: ReadonlyMap<string, readonly string[]>;
  /** The project that ids without one are of. */
  projectId: string;
  /** `projects/P/secrets/S/versions/V` with the key of the model's API, which no agent gets. */
  modelKeySecret: string;
  /** The same of the keys of the App by which runs are delivered. */
  appSecrets?: readonly string[];
}

/** What names secrets. */
type Naming = Pick<AgentSettings, "environment" | "repository" | "repositories">;

/** Each secret that settings name, and where. */
export function namedSecrets({ environment = {}, ...naming }: Naming): {
  pointer: string;
  secret: string;
}[] {
  const credentials = credentialsOf(naming).map(({ pointer, secret }) => ({
    pointer: `${pointer}/credential/secret`,
    secret,
  }));
  return [
    ...Object.entries(environment).map(([name, variable]) => ({
      pointer: `/environment/${name}/secret`,
      secret: variable.secret,
    })),
    ...credentials,
  ];
}

/** The secrets that open repositories, whose they are, and the variables that have them. */
export function credentialsOf({ repository, repositories = [] }: Omit<Naming, "environment">) {
  const named = [
    { pointer: "/repository", variable: REPOSITORY_CREDENTIAL, credential: repository?.credential },
    ...repositories.map(({ credential }, at) => ({
      ...{ pointer: `/repositories/${at}`, credential },
      variable: `${REPOSITORY_CREDENTIAL}_${at}`,
    })),
  ];
  return named.flatMap(({ credential, ...one }) =>
    credential && "secret" in credential ? [{ ...one, secret: credential.secret }] : [],
  );
}

/**
 * What is wrong with the secrets of an agent of `owner`, and with the variables that get them:
 * names that steer programs, see {@link steersPrograms}, and secrets that `rule` does not give to
 * the owner; one fault a variable. Pointers begin at the settings. (What a schema can say, theirs
 * says.)
 */
export function secretFaults(settings: Naming, owner: string, rule: SecretRule): Fault[] {
  const steering = Object.keys(settings.environment ?? {})
    .filter(steersPrograms)
    .map((name) => `/environment/${name}`);
  const refused = namedSecrets(settings).flatMap(({ pointer, secret }) => {
    if (steering.includes(pointer.replace(/\/secret$/, ""))) return [];
    const detail = refusalOf(secret, owner, rule);
    return detail === undefined ? [] : [{ pointer, detail }];
  });
  return [...steering.map((pointer) => ({ pointer, detail: STEERING })), ...refused];
}

/**
 * A key of the operator's has the same id under a project's number, so its project counts not.
 */
function refusalOf(secret: string, owner: string, rule: SecretRule): string | undefined {
  const { projectId, modelKeySecret, appSecrets = [] } = rule;
  if (idOf(secret) === idOf(modelKeySecret)) {
    return "is the key of the model's API, which agents never get";
  }
  if (appSecrets.some((one) => idOf(secret) === idOf(one))) {
    return "is a key of the GitHub App, which agents never get";
  }
  const full = (prefix: string) =>
    prefix.startsWith("projects/") ? prefix : `projects/${projectId}/secrets/${prefix}`;
  const longest = (prefixes: readonly string[]) =>
    Math.max(0, ...prefixes.map(full).map((each) => (secret.startsWith(each) ? each.length : 0)));
  const own = longest(rule.prefixes.get(owner) ?? []);
  if (own > 0 && own === longest([...rule.prefixes.values()].flat())) return undefined;
  const names = (rule.prefixes.get(owner) ?? []).map((prefix) => `"${prefix}"`).join(", ");
  return names === ""
    ? `is not for ${owner}: the operator gives secrets in RUNYARD_SECRET_PREFIXES`
    : `is not for ${owner}, whose secrets are those of ${projectId} that begin with ${names}`;
}

/** `S` of `projects/P/secrets/S/versions/V`. */
const idOf = (versionName: string): string => versionName.split("/")[3] ?? "";
