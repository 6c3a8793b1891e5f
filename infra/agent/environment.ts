import { randomBytes } from "node:crypto";
import { ENVIRONMENT_PREFIX } from "../../shared/agent/environment.ts";

/** Variables by their names. */
export type Environment = Readonly<Record<string, string>>;

/**
 * Every variable that an agent, its setup commands and its checks see, but for {@link ADDRESSED}:
 * nothing of the machine's or the runner's own comes with them. What is set by us wins; the API
 * refuses such names.
 *
 * @param parts.given the secrets that the request names, see {@link givenVariables}
 * @param parts.engine what its command line wants
 */
export function agentEnvironment({
  given,
  place: { home, path, temporary },
  engine,
}: {
  given: Environment;
  place: { home: string; path: string; temporary: string };
  engine: Environment;
}): Environment {
  return {
    ...given,
    ...engine,
    HOME: home,
    LANG: "C.UTF-8",
    PATH: path,
    SHELL: "/bin/bash",
    TERM: "dumb",
    TMPDIR: temporary,
    USER: "agent",
  };
}

const LOCAL = "127.0.0.1,localhost,::1";

/**
 * Variables of whatever runs in an agent's place, git's as well. The relay beside it knows the two
 * addresses, on ports of its own: `{model}` is that of the model's proxy, `{egress}` that of the
 * other.
 */
export const ADDRESSED: Environment = {
  ANTHROPIC_BASE_URL: "{model}",
  HTTPS_PROXY: "{egress}",
  https_proxy: "{egress}",
  HTTP_PROXY: "{egress}",
  http_proxy: "{egress}",
  NO_PROXY: LOCAL,
  no_proxy: LOCAL,
  NODE_USE_ENV_PROXY: "1",
};

/**
 * The request's secrets: the build has them under names of ours, so that they touch nothing of
 * ours.
 */
export function givenVariables(ofBuild: NodeJS.ProcessEnv): Environment {
  return Object.fromEntries(
    Object.entries(ofBuild).flatMap(([name, value]) =>
      name.startsWith(ENVIRONMENT_PREFIX) && value !== undefined
        ? [[name.slice(ENVIRONMENT_PREFIX.length), value]]
        : [],
    ),
  );
}

/** By which whoever runs builds without containers finds a build's processes. */
const STEP = "CLOUD_BUILD_STEP";

/** Of the runner's own variables, those that an agent without a sandbox carries on. */
export function inheritedVariables(ofBuild: NodeJS.ProcessEnv): Environment {
  const step = ofBuild[STEP];
  return step ? { [STEP]: step } : {};
}

/** A variable by which the processes of an agent without a sandbox are found. */
export function newCookie(): { variables: Environment; mark: string } {
  const name = "RUNYARD_AGENT_COOKIE";
  const value = randomBytes(16).toString("hex");
  return { variables: { [name]: value }, mark: `${name}=${value}` };
}
