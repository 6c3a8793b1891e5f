import { type Helper, type HelperRun, runHelper } from "../sandbox/helper.ts";
import { GIT_ENVIRONMENT } from "../workspace/git.ts";

/** Nothing runs, asks or goes elsewhere because a repository wants it. */
const CONFIGURATION = `[core]
	hooksPath = /dev/null
	fsmonitor = false
	; What a machine has that fails is lost with it, whatever its disk was made to write.
	fsync = none
[checkout]
	; Each has a whole file in memory.
	workers = 2
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
	; While a host packs it sends five bytes in five seconds, or nothing; the whole has ten minutes.
	lowSpeedLimit = 1
	lowSpeedTime = 240
; Git speaks to a proxy outside of its sandbox, which speaks TLS in its place.
[url "http://"]
	insteadOf = https://
`;

/**
 * Git LFS puts files into their places while git checks them out. Only the proxy says where they
 * are, and that a file cannot be had is said at once.
 */
const LFS = `[filter "lfs"]
	process = git-lfs filter-process
	clean = git-lfs clean -- %f
	smudge = git-lfs smudge -- %f
	required = true
[lfs]
	skipDownloadErrors = false
	tlsTimeout = 15
	activityTimeout = 30
[lfs "transfer"]
	maxRetries = 1
	maxRetryDelay = 1
`;

/** Submodules may be named as for a user of SSH. */
const bySsh = (host: string): string => `[url "http://${host}/"]
	insteadOf = git@${host}:
	insteadOf = ssh://git@${host}/
`;

/** Writes the configuration; not a variable, as git hands none of those on to submodules. */
const PRELUDE = `cat > "$GIT_CONFIG_GLOBAL"
mkdir -p "./$1" && cd "./$1" || exit
shift
`;

interface GitOptions {
  /** In which of the workspace it runs; empty: in itself. */
  folder: string;
  args: readonly string[];
  /** When it is given up, in milliseconds of the helper's clock. */
  until: number;
  hosts: readonly string[];
  /** Whether files of Git LFS are put into their places. */
  hasLfs: boolean;
}

/** A script for bash with git, as it reads repositories in the sandbox through the proxy. */
export function runGitInside(
  helper: Helper,
  script: string,
  { folder, args, until, hosts, hasLfs }: GitOptions,
): Promise<HelperRun> {
  const { clock, patience, path, temporary } = helper;
  return runHelper(
    {
      ...helper,
      patience: { ...patience, deadlineMs: until - clock.now(), idleMs: Number.POSITIVE_INFINITY },
    },
    {
      command: ["/bin/bash", "-c", `${PRELUDE}${script}`, "git", folder, ...args],
      environment: {
        ...GIT_ENVIRONMENT,
        GIT_CONFIG_GLOBAL: `${temporary}/git.config`,
        GIT_ALLOW_PROTOCOL: "http",
        PATH: path,
      },
      input: Buffer.from(CONFIGURATION + (hasLfs ? LFS : "") + hosts.map(bySsh).join("")),
    },
  );
}
