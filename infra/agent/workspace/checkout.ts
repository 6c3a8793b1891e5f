import { credentialOf } from "../repository/credential.ts";
import { type RepositoryProxy, startRepositoryProxy } from "../repository/proxy.ts";
import { placeOf } from "../repository/reads.ts";
import type { RepositoryAccess } from "../repository/upstream.ts";
import { type Helper, type HelperRun, type NotStarted, runHelper } from "../sandbox/helper.ts";
import { oneLine } from "../text.ts";
import { GIT_ENVIRONMENT } from "./git.ts";

/** What to check out. */
export interface Checkout {
  url: string;
  /** Branch, tag or commit; `HEAD` for the repository's own. */
  ref: string;
  /** It is read with the credential that there is, else as everybody may read it. */
  isPrivate: boolean;
}

export interface CheckoutOptions {
  helper: Helper;
  /** Where to listen for git's way out, on this machine. */
  egressSocket: string;
  access: RepositoryAccess;
}

export interface CheckoutFailure extends NotStarted {
  /** The repository is there and answers, but has no such branch, tag or commit. */
  isUnknownRef: boolean;
}

/**
 * Runs in the empty workspace. `$1` address, `$2` ref, `$3` how much to fetch. No branch: `HEAD` is the
 * commit itself, so that every turn of a conversation finds the same. What a ref begins with has no meaning
 * behind a `+`.
 */
const SCRIPT = `set -eu
git init --quiet --template= --initial-branch=main .
git config remote.origin.url "$1"
git config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
git config user.name Runyard
git config user.email agent@runyard.invalid
found=FETCH_HEAD
case $3 in
  shallow) git fetch --quiet --no-tags --depth=1 origin "+$2" ;;
  whole) git fetch --quiet --no-tags origin "+$2" ;;
  all) git fetch --quiet origin '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*'
    found=$2 ;;
esac
git checkout --quiet --detach "$found^{commit}" --
rm -f .git/FETCH_HEAD
git rev-parse HEAD
`;

/** Nothing runs, asks or goes elsewhere because a repository wants it. */
const CONFIGURATION = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "credential.helper": "",
  "gc.auto": "0",
  "http.followRedirects": "false",
  "maintenance.auto": "false",
  "submodule.recurse": "false",
  // It speaks to a proxy outside of its sandbox, which speaks TLS in its place.
  "url.http://.insteadOf": "https://",
};

/** A connection that carries less than this many bytes a second, for this many seconds, is given up. */
const SLOW = { GIT_HTTP_LOW_SPEED_LIMIT: "100", GIT_HTTP_LOW_SPEED_TIME: "30" };

/**
 * Checks a repository out into the workspace: one commit without history where the server can, no
 * submodules, no files of Git LFS. Git works in the sandbox and reaches the repository alone, by a proxy
 * that has the credential.
 *
 * @returns the commit's id.
 */
export async function checkOut(
  checkout: Checkout,
  { helper, egressSocket: socketPath, access }: CheckoutOptions,
): Promise<string | CheckoutFailure> {
  const { url } = checkout;
  const address = URL.parse(url);
  if (!address) return failed(checkout, { why: "that is no address" });
  if (address.port) return failed(checkout, { why: "only port 443 of a host can be reached" });
  if (!placeOf(url)) return failed(checkout, { why: "that is no address of a repository" });
  const credential = checkout.isPrivate ? credentialOf(access.credential ?? "") : undefined;
  if (checkout.isPrivate && credential === undefined) {
    return failed(checkout, { why: "its credential is neither TOKEN nor USER:TOKEN" });
  }
  const proxy = await startRepositoryProxy({ socketPath, url, credential, access });
  const { clock, patience } = helper;
  const until = clock.now() + patience.deadlineMs;
  try {
    const fetch = (extent: Extent) =>
      runHelper(
        { ...helper, patience: { ...patience, deadlineMs: until - clock.now() } },
        {
          command: ["/bin/sh", "-c", SCRIPT, "checkout", url, checkout.ref, extent],
          environment: environmentOf(helper),
          input: Buffer.alloc(0),
        },
      );
    const first = await fetch("shallow");
    const next = first.isDone ? undefined : extentAfter(checkout, first);
    const last = next === undefined ? first : await fetch(next);
    return last.isDone ? last.output.trim() : failureOf(checkout, last, proxy);
  } finally {
    await proxy.close();
  }
}

type Extent = "shallow" | "whole" | "all";

function environmentOf({ path }: Helper): Record<string, string> {
  const settings = Object.entries(CONFIGURATION).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    ...GIT_ENVIRONMENT,
    ...SLOW,
    ...Object.fromEntries(settings),
    GIT_CONFIG_COUNT: String(Object.keys(CONFIGURATION).length),
    GIT_ALLOW_PROTOCOL: "http",
    PATH: path,
  };
}

const UNKNOWN_REF = /couldn't find remote ref|not our ref|unadvertised object|invalid reference/;

/** A server may serve no single commits, or be a folder of files; a commit may be abbreviated. */
function extentAfter({ ref }: Checkout, { complaint, stoppedBy }: HelperRun): Extent | undefined {
  if (stoppedBy !== null) return undefined;
  const isDumb = /dumb http transport/.test(complaint);
  if (/^[0-9a-f]{4,64}$/i.test(ref) && (isDumb || UNKNOWN_REF.test(complaint))) return "all";
  return isDumb ? "whole" : undefined;
}

function failureOf(checkout: Checkout, run: HelperRun, proxy: RepositoryProxy): CheckoutFailure {
  const { complaint, end, stoppedBy } = run;
  if (stoppedBy === "deadline") return failed(checkout, { why: "it takes too long" });
  if (stoppedBy !== null) return { ...failed(checkout, { why: stoppedBy }), stoppedBy };
  if ("error" in end) return failed(checkout, { why: `git could not be started: ${end.error}` });
  const fault = proxy.fault();
  if (fault !== undefined) return failed(checkout, { why: fault });
  if (UNKNOWN_REF.test(complaint)) {
    return failed(checkout, {
      why: `it has no branch, tag or commit ${checkout.ref}`,
      isUnknownRef: true,
    });
  }
  return failed(checkout, { why: lastWords(complaint) });
}

const lastWords = (complaint: string): string =>
  oneLine(complaint.trim().split("\n").at(-1) ?? "", 300) || "git says nothing";

function failed(
  { url }: Checkout,
  { why, isUnknownRef = false }: { why: string; isUnknownRef?: boolean },
): CheckoutFailure {
  const error = `The repository ${url} cannot be checked out: ${why}.`;
  return { failedStep: "checkout", stoppedBy: null, error, isUnknownRef };
}
