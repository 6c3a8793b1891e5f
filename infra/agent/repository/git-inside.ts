import { type Helper, type HelperRun, runHelper } from "../sandbox/helper.ts";
import { GIT_ENVIRONMENT } from "../workspace/git.ts";

/** Nothing runs, asks or goes elsewhere because a repository wants it. */
const CONFIGURATION = `[core]
	hooksPath = /dev/null
	fsmonitor = false
[credential]
	helper =
[gc]
	auto = 0
[maintenance]
	auto = false
[submodule]
	recurse = false
[http]
	followRedirects = false
	; A connection that carries less than this many bytes a second, for this many seconds, is given up.
	lowSpeedLimit = 100
	lowSpeedTime = 30
; Git speaks to a proxy outside of its sandbox, which speaks TLS in its place.
[url "http://"]
	insteadOf = https://
`;

/** Submodules may be named as for a user of SSH. */
const bySsh = (host: string): string => `[url "http://${host}/"]
	insteadOf = git@${host}:
	insteadOf = ssh://git@${host}/
`;

/** Writes the configuration; not a variable, as git hands none of those on to submodules. */
const PRELUDE = 'cat > "$GIT_CONFIG_GLOBAL"\n';

/** A script for bash with git, as it reads repositories in the sandbox through the proxy. */
export function runGitInside(
  helper: Helper,
  script: string,
  { args, until, hosts }: { args: readonly string[]; until: number; hosts: readonly string[] },
): Promise<HelperRun> {
  const { clock, patience, path, temporary } = helper;
  return runHelper(
    { ...helper, patience: { ...patience, deadlineMs: until - clock.now() } },
    {
      command: ["/bin/bash", "-c", `${PRELUDE}${script}`, "git", ...args],
      environment: {
        ...GIT_ENVIRONMENT,
        GIT_CONFIG_GLOBAL: `${temporary}/git.config`,
        GIT_ALLOW_PROTOCOL: "http",
        PATH: path,
      },
      input: Buffer.from(CONFIGURATION + hosts.map(bySsh).join("")),
    },
  );
}
