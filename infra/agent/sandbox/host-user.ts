import { randomInt } from "node:crypto";
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Between what systemd hands out and what programs take for negative: nobody's. */
const FIRST_USER = 2_000_000_000;
/** The same where only 16 bits are mapped, as in some containers. */
const FIRST_SMALL_USER = 61_184;

/**
 * The user (and group) of the machine as which an attempt's sandbox is made, when the runner is
 * root: one that owns nothing but this attempt's folders. Undefined when the runner is not root, or
 * is it only inside a user namespace: then the sandbox's processes are the runner's user's, as they
 * always were.
 */
export function newHostUser(): number | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const mapped = mappedUsers();
  const candidates = [FIRST_USER + randomInt(100_000_000), FIRST_SMALL_USER + randomInt(4_000)];
  return candidates.find((user) =>
    mapped.some(({ first, count }) => user >= first && user < first + count),
  );
}

function mappedUsers(): { first: number; count: number }[] {
  return readFileSync("/proc/self/uid_map", "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
      return { first, count };
    });
}

/** The path without links, and whether a user may pass all folders above it, if it is there. */
export function wayTo(path: string, user: number): { path: string; isOpen: boolean } {
  if (!existsSync(path)) return { path, isOpen: true };
  const real = realpathSync(path);
  let isOpen = true;
  for (let folder = dirname(real); ; folder = dirname(folder)) {
    const { mode, gid, uid } = statSync(folder);
    const bit = uid === user ? 0o100 : gid === user ? 0o010 : 0o001;
    if ((mode & bit) === 0) isOpen = false;
    if (folder === "/") return { path: real, isOpen };
  }
}
