import type { RequestedBuild } from "./build.ts";
import { invalid } from "./invalid.ts";
import { LIMITS } from "./limits.ts";

const VERSION_NAME = /^projects\/[^/]+\/secrets\/[^/]+\/versions\/[^/]+$/;

/**
 * Every secret variable is defined once, used at least once, and never shares its name with a plain
 * one.
 *
 * @throws {GoogleError} INVALID_ARGUMENT
 */
export function checkSecrets(build: RequestedBuild): void {
  const defined = definedNames(build);
  const used = usedNames(build);
  for (const name of used) {
    if (!defined.has(name)) throw fail(`secretEnv "${name}" is used without being defined`);
  }
  for (const name of defined) {
    if (!used.has(name)) throw fail(`secretEnv "${name}" is defined without being used`);
  }
  checkNoConflict(build);
}

function definedNames({ availableSecrets }: RequestedBuild): Set<string> {
  const defined = new Set<string>();
  for (const { versionName = "", env = "" } of availableSecrets?.secretManager ?? []) {
    if (!VERSION_NAME.test(versionName)) {
      const form = "projects/*/secrets/*/versions/*";
      throw fail(`secret version name "${versionName}" must match format "${form}"`);
    }
    if (env === "") throw fail(`secret "${versionName}" must specify env`);
    if (defined.has(env)) throw fail(`secretEnv "${env}" is defined more than once`);
    defined.add(env);
  }
  if (defined.size > LIMITS.secretValues) {
    throw fail(`build defines more than ${LIMITS.secretValues} secret values`);
  }
  return defined;
}

function usedNames(build: RequestedBuild): Set<string> {
  const used = new Set<string>();
  for (const name of build.options?.secretEnv ?? []) {
    if (used.has(name)) throw fail(`Build uses global secretEnv "${name}" more than once`);
    used.add(name);
  }
  const everywhere = new Set(used);
  for (const [index, { secretEnv = [] }] of (build.steps ?? []).entries()) {
    for (const [position, name] of secretEnv.entries()) {
      if (everywhere.has(name)) throw fail(`Step ${index} uses the global secretEnv "${name}"`);
      if (secretEnv.indexOf(name) !== position) {
        throw fail(`Step ${index} uses the secretEnv "${name}" more than once`);
      }
      used.add(name);
    }
  }
  return used;
}

function checkNoConflict({ options, steps = [] }: RequestedBuild): void {
  for (const [index, step] of steps.entries()) {
    const plain = [...(options?.env ?? []), ...(step.env ?? [])];
    const names = new Set(plain.map((entry) => entry.slice(0, entry.indexOf("="))));
    for (const name of [...(options?.secretEnv ?? []), ...(step.secretEnv ?? [])]) {
      if (names.has(name)) throw fail(`step ${index} has secret and non-secret env "${name}"`);
    }
  }
}

function fail(reason: string) {
  return invalid("available_secrets", reason);
}
