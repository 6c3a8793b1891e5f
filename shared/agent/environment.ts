import type { Fault } from "../errors.ts";
import type { AgentSettings } from "./settings.ts";
import { STEERING, steersPrograms } from "./steering-names.ts";

/** Stands before the name of an agent's variable in its build, where only the runner reads it. */
export const ENVIRONMENT_PREFIX = "RUNYARD_ENV_";

/** Which secrets the environment of an agent may name; the operator decides. */
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
}

/**
 * What is wrong with the environment of an agent of `owner`: names that steer programs, see
 * {@link steersPrograms}, and secrets that `rule` does not give to the owner; one fault a variable.
 * Pointers begin at the settings. (What a schema can say, theirs says.)
 */
export function environmentFaults(
  { environment = {} }: Pick<AgentSettings, "environment">,
  owner: string,
  rule: SecretRule,
): Fault[] {
  return Object.entries(environment).flatMap(([name, { secret }]) => {
    const pointer = `/environment/${name}`;
    if (steersPrograms(name)) return [{ pointer, detail: STEERING }];
    const reason = refusalOf(secret, owner, rule);
    return reason === undefined ? [] : [{ pointer: `${pointer}/secret`, detail: reason }];
  });
}

/** The key of the model's API has the same id under a project's number, so its project counts not. */
function refusalOf(secret: string, owner: string, rule: SecretRule): string | undefined {
  const { projectId, modelKeySecret } = rule;
  if (idOf(secret) === idOf(modelKeySecret)) {
    return "is the key of the model's API, which agents never get";
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
