import { credentialOf } from "../../../shared/agent/credential.ts";
import { runGitInside } from "../repository/git-inside.ts";
import { type RepositoryProxy, startRepositoryProxy } from "../repository/proxy.ts";
import { placeOf, withGit } from "../repository/reads.ts";
import { SUBMODULES } from "../repository/submodules.ts";
import type { RepositoryAccess } from "../repository/upstream.ts";
import type { Helper, HelperRun, NotStarted } from "../sandbox/helper.ts";
import { oneLine } from "../text.ts";
import {
  bringMirror,
  fetchedText,
  findMirror,
  keepMirror,
  MIRROR_REF,
  type Mirror,
  type Mirrors,
} from "./mirrors.ts";
import { enumerated } from "./omissions.ts";

/** What to check out. */
export interface Checkout {
  /** Into which folder of the workspace. Default: into itself. */
  folder?: string;
  url: string;
  /** Branch, tag or commit; `HEAD` for the repository's own. */
  ref: string;
  /** It is read with the credential that there is, else as everybody may read it. */
  isPrivate: boolean;
  /** Hosts of submodules beside its own; undefined: those are not fetched. */
  submoduleHosts?: readonly string[] | undefined;
  /** Submodules of its own host that are read with its credential, see `credential.submodules`. */
  opened?: readonly string[] | undefined;
  /** Folders to which the checkout is confined. Default: none, it has all. */
  paths?: readonly string[] | undefined;
  /** Whether files of Git LFS are fetched, those of submodules too. */
  hasLfs: boolean;
}

export interface CheckoutOptions {
  helper: Helper;
  /** When it is given up, in milliseconds of the helper's clock. */
  until: number;
  /** Where to listen for git's way out, on this machine. */
  egressSocket: string;
  access: RepositoryAccess;
  /** The workspace on this machine. */
  workspace: string;
  /** Undefined: none are read, and none are left. */
  mirrors?: Mirrors | undefined;
}

export interface CheckedOut {
  /** The commit's id. */
  commit: string;
  /** What of it came from a mirror, in words. Absent: none was used. */
  fetched?: string;
  /** What is missing, one sentence each. */
  notes: string[];
}

export interface CheckoutFailure extends NotStarted {
  /** The repository is there and answers, but has no such branch, tag or commit: */
  isUnknownRef: boolean;
  ref: string;
}

/** The script's exit code where the host does not serve what a mirror lacks. */
const UNSERVED = 9;

/**
 * Runs in an empty folder. `$1` address, `$2` ref, `$3` how much to fetch, `$4` where files of
 * Git LFS are asked for, or nothing: they stay pointers, `$5` the folders that are checked out, a
 * line each, or nothing: all, `$6` the commit of a mirror whose objects are there, or
 * `unusable`: what is there of one is removed. No branch: `HEAD` is the commit itself, so that every
 * turn of a conversation finds the same. What a ref begins with has no meaning behind a `+`. What
 * `.lfsconfig` says of addresses does not count.
 *
 * What a mirror has beyond the commit that the host serves is removed while files are written: the
 * workspace has the same as without one.
 */
const SCRIPT = `set -eu
[ "$6" != unusable ] || rm -rf .git
git init --quiet --template= --initial-branch=main .
git config remote.origin.url "$1"
git config remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*'
git config user.name Runyard
git config user.email agent@runyard.invalid
# From a try before: what a host that serves files has not sent it sends no later.
git config --unset-all remote.origin.promisor || true
git config --unset-all remote.origin.partialclonefilter || true
found=FETCH_HEAD
shallowly() { git -c fetch.unpackLimit=1 fetch --quiet --no-tags --depth=1 "$@"; }
case $3 in
  mirrored) shallowly origin "+$2" || exit ${UNSERVED}
    git update-ref ${MIRROR_REF} 'FETCH_HEAD^{commit}' ;;
  shallow) shallowly \${5:+--filter=blob:none} origin "+$2" ;;
  whole) git fetch --quiet --no-tags origin "+$2" ;;
  all) git fetch --quiet origin '+refs/heads/*:refs/remotes/origin/*' '+refs/tags/*:refs/tags/*'
    found=$2 ;;
esac
if [ -n "$4" ]; then
  git lfs version >/dev/null 2>&1 || { echo 'Git LFS is not installed where runs work' >&2; exit 1; }
  git lfs install --local --skip-repo >/dev/null
fi
repack=
if [ "$3" = mirrored ] && [ "$(git rev-parse ${MIRROR_REF})" != "$6" ]; then
  sed -i "/^$6$/d" .git/shallow
  git repack -a -d -q -n --window=0 >/dev/null & repack=$!
fi
if [ -n "$5" ]; then printf '%s\\n' "$5" | git sparse-checkout set --cone --stdin; fi
git \${4:+-c "lfs.url=$4"} checkout --quiet --detach "$found^{commit}" --
if [ -n "$5" ]; then
  while IFS= read -r path; do
    [ -d "./$path" ] || { printf 'it has no folder %s\\n' "$path" >&2; exit 1; }
  done <<< "$5"
fi
[ -z "$repack" ] || wait "$repack"
git update-ref -d ${MIRROR_REF}
rm -f .git/FETCH_HEAD
git rev-parse HEAD
`;

/**
 * Checks a repository out into its folder: one commit without history where the server can,
 * files of Git LFS and submodules only if they are wanted. Git works in the sandbox and reaches the
 * repository alone, by a proxy that has the credential.
 */
export async function checkOut(
  checkout: Checkout,
  options: CheckoutOptions,
): Promise<CheckedOut | CheckoutFailure> {
  const { folder = "", url, submoduleHosts, opened, hasLfs } = checkout;
  const { helper, until, egressSocket: socketPath, access } = options;
  const address = URL.parse(url);
  if (!address) return failed(checkout, { why: "that is no address" });
  if (address.port) return failed(checkout, { why: "only port 443 of a host can be reached" });
  if (!placeOf(url)) return failed(checkout, { why: "that is no address of a repository" });
  const credential = checkout.isPrivate ? credentialOf(access.credential ?? "") : undefined;
  if (checkout.isPrivate && credential === undefined) {
    return failed(checkout, { why: "its credential is neither TOKEN nor USER:TOKEN" });
  }
  const proxy = await startRepositoryProxy({
    ...{ socketPath, url, credential, submoduleHosts, opened, hasLfs, access },
  });
  try {
    const hosts = [address.hostname, ...(submoduleHosts ?? [])];
    const inside = { folder, until, hosts, hasLfs };
    const git: Git = (script, ...args) => runGitInside(helper, script, { ...inside, args });
    return await fetchAll(checkout, { ...options, git, proxy });
  } finally {
    await proxy.close();
  }
}

type Git = (script: string, ...args: string[]) => Promise<HelperRun>;

interface Fetching extends CheckoutOptions {
  git: Git;
  proxy: RepositoryProxy;
}

async function fetchAll(
  checkout: Checkout,
  fetching: Fetching,
): Promise<CheckedOut | CheckoutFailure> {
  const { git, proxy, workspace: root, helper } = fetching;
  const { hasLfs, folder = "" } = checkout;
  const mirror = await mirrorOf(checkout, fetching);
  const { run, extent } = await fetchCommit(checkout, { ...fetching, mirror });
  if (!run.isDone) return failureOf(checkout, run, proxy);
  const commit = run.output.trim();
  const received = proxy.received();
  if (mirror && (extent === "mirrored" || extent === "shallow")) {
    await keepMirror(mirror, { root, folder, commit, received }, helper.log);
  }
  const isMirrored = extent === "mirrored" && mirror?.found;
  const done: CheckedOut = {
    ...{ commit, notes: [] },
    ...(isMirrored && { fetched: fetchedText(received, isMirrored.sizeBytes) }),
  };
  if (checkout.submoduleHosts === undefined) return done;
  const submodules = await git(SUBMODULES, hasLfs ? "lfs" : "");
  if (!submodules.isDone) return failureOf(checkout, submodules, proxy);
  const missing = submodules.output
    .split("\0")
    .filter(Boolean)
    .map((path) => (folder ? `${folder}/${path}` : path));
  return { ...done, notes: missing.length === 0 ? [] : [noteOf(missing, proxy)] };
}

/** Of folders alone little is fetched, of which there is no mirror. */
async function mirrorOf(
  { url, paths }: Checkout,
  { mirrors, helper }: Fetching,
): Promise<Mirror | undefined> {
  if (mirrors === undefined || paths !== undefined) return undefined;
  return findMirror(mirrors, url.replace(/\/+$/, ""), helper.log);
}

/** Fetches a commit and checks it out: on top of a mirror, or else from the host alone. */
async function fetchCommit(
  checkout: Checkout,
  fetching: Fetching & { mirror: Mirror | undefined },
): Promise<{ run: HelperRun; extent: Extent }> {
  const { git, proxy, mirror } = fetching;
  const { url, ref, hasLfs, paths = [], folder = "" } = checkout;
  const lfs = hasLfs ? `${withGit(url.replace(/\/+$/, ""))}/info/lfs` : "";
  const fetch = async (extent: Extent, ofMirror = "") => {
    return { run: await git(SCRIPT, url, ref, extent, lfs, paths.join("\n"), ofMirror), extent };
  };
  const isTried = mirror?.found && (await proxy.isReadable());
  if (isTried && (await bringMirror(mirror, { ...fetching, folder }))) {
    const mirrored = await fetch("mirrored", mirror.found?.commit);
    if (!isUnserved(mirrored.run)) return mirrored;
  }
  const first = await fetch("shallow", isTried ? "unusable" : "");
  const next = first.run.isDone ? undefined : extentAfter(checkout, first.run);
  return next === undefined ? first : fetch(next);
}

const isUnserved = ({ end, stoppedBy }: HelperRun): boolean =>
  stoppedBy === null && "exitCode" in end && end.exitCode === UNSERVED;

const NAMED = 5;

/** Which submodules are missing, and what their hosts said. */
function noteOf(missing: readonly string[], proxy: RepositoryProxy): string {
  const named = missing.slice(0, NAMED).map((path) => oneLine(path, 100));
  const whys = [...proxy.otherFaults()]
    .slice(0, NAMED)
    .map(([url, why]) => `${oneLine(url, 200)}: ${why}`);
  const why = whys.length === 0 ? "" : ` (${whys.join("; ")})`;
  return `Submodules that could not be fetched: ${enumerated(named, missing.length)}${why}.`;
}

type Extent = "mirrored" | "shallow" | "whole" | "all";

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
  { url, ref }: Checkout,
  { why, isUnknownRef = false }: { why: string; isUnknownRef?: boolean },
): CheckoutFailure {
  const error = `The repository ${url} cannot be checked out: ${why}.`;
  return { failedStep: "checkout", stoppedBy: null, error, isUnknownRef, ref };
}
