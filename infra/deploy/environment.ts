import { usageFault } from "../../cli/failure.ts";
import { readConfig } from "../../functions/config.ts";
import { FUNCTIONS, namesOf, UNKNOWN_NUMBER } from "./names.ts";
import { environmentOf, mountedOf } from "./plan/services.ts";
import type { DeploySettings } from "./settings.ts";

type Variables = Record<string, string | undefined>;

/**
 * Has the functions' own reader look at what their services will have.
 *
 * @throws {Failure} that names the variable
 */
export function checkEnvironment(given: DeploySettings): void {
  const settings = { ...given, projectNumber: given.projectNumber ?? UNKNOWN_NUMBER };
  const names = namesOf(settings);
  for (const name of FUNCTIONS) {
    const mounted = mountedOf(name, settings).map(([variable]) => [variable, ""] as const);
    const environment = {
      ...environmentOf({ settings, names }, name),
      ...Object.fromEntries(mounted),
    };
    const read = new Set<string>();
    // On Cloud Run, which says so by this.
    const watched = new Proxy<Variables>(
      { ...environment, K_SERVICE: name },
      {
        get(variables, key: string) {
          read.add(key);
          return variables[key];
        },
      },
    );
    refusing(() => readConfig(watched));
    for (const [variable, value] of Object.entries(given.environment)) {
      if (environment[variable] !== value) refuse(`${variable} is set by the stack`);
      if (!read.has(variable)) refuse(`${variable} is no variable of the functions`);
    }
  }
}

function refusing(read: () => void): void {
  try {
    read();
  } catch (error) {
    refuse((error as Error).message, error);
  }
}

function refuse(fault: string, cause?: unknown): never {
  throw usageFault(`The setting environment: ${fault}.`, cause);
}
