/** What a repository's `info/refs` lists. */
export interface AdvertisedRefs {
  /** Ids of commits by the full names of refs, as `refs/heads/main`. */
  commits: ReadonlyMap<string, string>;
  /** Whether this is all of them. */
  isWhole: boolean;
}

const FLUSH = 0;
const LENGTH_DIGITS = 4;

/**
 * Reads what a server of git says to `info/refs?service=git-upload-pack` in the protocol's version
 * 0 or 1, or one that only has files.
 *
 * @param content its beginning, or all of it
 * @param isAll which of the two
 * @returns undefined: it is neither
 * @see https://git-scm.com/docs/http-protocol#_discovering_references
 */
export function advertisedRefs(content: Buffer, isAll: boolean): AdvertisedRefs | undefined {
  const lines = packetLines(content);
  if (lines.next().value !== "# service=git-upload-pack") return refsInFile(content, isAll);
  const commits = new Map<string, string>();
  let flushes = 0;
  for (const line of lines) {
    // The first ends the title, the second the refs.
    if (line === undefined) flushes += 1;
    if (flushes === 2) return { commits, isWhole: true };
    const [, commit, name] = /^([0-9a-f]{40,64}) ([^\0]+)/.exec(line ?? "") ?? [];
    if (commit !== undefined && name !== undefined) commits.set(name, commit);
  }
  return { commits, isWhole: false };
}

/** Lines of a commit, a tab and a ref, as `git update-server-info` writes them. */
function refsInFile(content: Buffer, isAll: boolean): AdvertisedRefs | undefined {
  const lines = content.toString("utf8").split("\n");
  // What comes after the last end of a line is nothing, or cut off.
  const rows = lines.slice(0, -1).map((line) => /^([0-9a-f]{40,64})\t(\S+)$/.exec(line));
  if (rows.length === 0 || rows.includes(null)) return undefined;
  const commits = new Map(rows.map((row) => [row?.[2] ?? "", row?.[1] ?? ""]));
  return { commits, isWhole: isAll };
}

/** Lines with their lengths before them, as far as they are whole; undefined: a flush. */
function* packetLines(content: Buffer): Generator<string | undefined, undefined> {
  for (let at = 0; at + LENGTH_DIGITS <= content.length; ) {
    const digits = content.toString("latin1", at, at + LENGTH_DIGITS);
    const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : -1;
    const isLine = length > LENGTH_DIGITS && at + length <= content.length;
    if (length !== FLUSH && !isLine) return;
    if (length === FLUSH) yield undefined;
    else yield content.toString("utf8", at + LENGTH_DIGITS, at + length).replace(/\n$/, "");
    at += length === FLUSH ? LENGTH_DIGITS : length;
  }
}

/** Where git looks for a name, in this order. */
const PLACES = ["", "refs/", "refs/tags/", "refs/heads/"];

/** Whether a branch, tag or commit is there; null: only a fetch can tell. */
export function hasRef({ commits, isWhole }: AdvertisedRefs, ref: string): boolean | null {
  if (PLACES.some((place) => commits.has(`${place}${ref}`))) return true;
  // Files do not list it.
  if (ref === "HEAD") return null;
  const mayBeCommit = /^[0-9a-f]{4,64}$/i.test(ref);
  if (mayBeCommit) return commits.values().some((commit) => commit === ref.toLowerCase()) || null;
  return isWhole ? false : null;
}
