/** Code points that Apple's file systems leave out when they compare names. */
const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * Longest path below the workspace, in bytes. Linux opens none of 4,096 and more, and the
 * workspace's own place on the machine takes some of them.
 */
export const MAX_PATH_BYTES = 4_000;

/**
 * Whether git takes a path into no index and no patch, on any system: what spells `.git` where
 * names are compared without case (everywhere), without some characters (HFS) or by their short
 * forms (NTFS), and links that spell `.gitmodules`. One such name makes `git apply` refuse a whole
 * patch.
 *
 * @param path bytes as latin1
 * @see verify_path in https://github.com/git/git/blob/master/read-cache.c
 */
export function isRefusedByGit(path: string, isLink: boolean): boolean {
  const names = path.split("/");
  return names.some((name, at) => {
    if (isGit(name)) return true;
    return isLink && (isModules(name) || isNtfsModules(names.slice(at).join("/")));
  });
}

function isGit(name: string): boolean {
  if (name === "" || name === "." || name === "..") return true;
  // After a backslash NTFS sees a further name.
  return /^\.git$/i.test(plain(name)) || name.split("\\").some(isNtfsGit);
}

const isNtfsGit = (name: string): boolean => /^(\.git|git~1)[. ]*(:|$)/i.test(name);

const isModules = (name: string): boolean => /^\.gitmodules$/i.test(plain(name));

/** Without what HFS leaves out. */
const plain = (name: string): string =>
  Buffer.from(name, "latin1").toString().replace(IGNORED_BY_HFS, "");

/** Whether the rest of a path is `.gitmodules`, or a short name that NTFS may give it. */
const isNtfsModules = (rest: string): boolean =>
  rest.split("\\").some((_, at, names) => isShortModules(names.slice(at).join("\\")));

function isShortModules(rest: string): boolean {
  const name = (/^([^:]*?)[. ]*(?::|$)/.exec(rest)?.[1] ?? "").toLowerCase();
  if (name === ".gitmodules" || /^gitmod~[1-4]$/.test(name)) return true;
  // Where the first four are taken: the beginning of the name, and of its hash.
  return name.length === 8 && /^(gi7eba|gi7eb|gi7e|gi7|gi|g)?~[1-9][0-9]*$/.test(name);
}
