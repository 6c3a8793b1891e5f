import { chmodSync, constants, cpSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What a sandbox shows of the machine, and where. */
interface Shown {
  host: string;
  inside: string;
}

/**
 * What a sandbox shows, as a user can read it who owns nothing. Where root unpacked the project
 * with a umask such as 077 nobody else can read it: what is so is copied into `folder`.
 *
 * @param log is told what was copied, and how it need not be
 */
export function readableCopies(
  shown: readonly Shown[],
  folder: string,
  log: (line: string) => void,
): Shown[] {
  return shown.map(({ host, inside }, index) => {
    if (everyEntry(host, isForAll)) return { host, inside };
    const copy = join(folder, `copy-${index}`);
    const mode = constants.COPYFILE_FICLONE;
    cpSync(host, copy, { recursive: true, verbatimSymlinks: true, mode });
    everyEntry(copy, openForAll);
    log(`only root can read ${host}: copied for the sandbox (chmod -R go+rX mends it)`);
    return { host: copy, inside };
  });
}

const READ = 0o444;
const PASS = 0o111;

/** Whether others may read an entry, and pass or execute it if its owner may. */
function isForAll(_path: string, mode: number): boolean {
  const wanted = mode & 0o100 ? 0o005 : 0o004;
  return (mode & wanted) === wanted;
}

function openForAll(path: string, mode: number): boolean {
  chmodSync(path, mode | READ | (mode & 0o100 ? PASS : 0));
  return true;
}

/** Whether something holds of an entry and of all below it; a link is not looked at. */
function everyEntry(path: string, holds: (path: string, mode: number) => boolean): boolean {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return true;
  if (!holds(path, found.mode)) return false;
  if (!found.isDirectory()) return true;
  return readdirSync(path).every((name) => everyEntry(join(path, name), holds));
}
