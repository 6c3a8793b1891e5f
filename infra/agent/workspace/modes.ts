import { changesBetween, quote, runGit, unquote } from "./git.ts";
import type { Known, States } from "./git-states.ts";

/** What of a workspace no patch holds: empty folders, and modes beyond the executable bit. */
export interface Bare {
  /** Empty ones; they may have a mode below. Paths are bytes, as latin1. */
  folders: string[];
  modes: { path: string; mode: number; isFolder: boolean }[];
}

/** Lines of a diff that say it, one for each. */
const FOLDER = "# Runyard-folder: ";
const MODE = "# Runyard-mode: ";
const MAX_LINES = 20_000;

/** The mode that a file or folder has when nobody gives it another. */
function plainMode({ kind, mode }: Known): number {
  const all = kind === "folder" || (mode & 0o100) !== 0 ? 0o777 : 0o666;
  return all & ~process.umask();
}

/** Every folder that a path lies in. */
function foldersOf(paths: Iterable<string>): Set<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (folders.has(path.slice(0, end))) break;
      folders.add(path.slice(0, end));
    }
  }
  return folders;
}

export const isEmpty = ({ folders, modes }: Bare): boolean => folders.length + modes.length === 0;

/** What the patch of a turn, from `before` to `after`, does not hold. */
export function bareOfPatch({ recorded, paths }: States): Bare {
  const bare: Bare = { folders: [], modes: [] };
  const { before, after } = recorded;
  const filled = foldersOf(paths);
  const stored = [...(before?.known ?? [])].filter(([, { isStored }]) => isStored);
  const wereFilled = foldersOf(stored.flatMap(nameOfFile));
  for (const [path, entry] of after?.known ?? []) {
    const last = before?.known.get(path);
    const { kind, mode } = entry;
    const isFolder = kind === "folder";
    if (isFolder && !filled.has(path) && (last === undefined || wereFilled.has(path))) {
      bare.folders.push(path);
    }
    if (kind === "link" || mode === plainMode(entry) || last?.mode === mode) continue;
    bare.modes.push({ path, mode, isFolder });
  }
  return inOrder(bare);
}

/** Without the folders of empty folders, which come with them. */
function inOrder({ folders, modes }: Bare): Bare {
  const outer = foldersOf(folders);
  return {
    folders: folders.filter((path) => !outer.has(path)).sort(),
    modes: modes.sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

const nameOfFile = ([path, { kind }]: [string, Known]): string[] =>
  kind === "folder" ? [] : [path];

/**
 * What the diff for the next turn, from `first` to `kept`, does not hold. What setup commands made
 * and the agent left as it was is not in it: they run again.
 */
export async function bareOfNextTurn(states: States, kept: string): Promise<Bare> {
  const { first, restored, before, after } = states.recorded;
  const files = await filesOf(states, kept);
  const filled = foldersOf(files);
  const wereFilled = foldersOf([...(first?.known ?? [])].flatMap(nameOfFile));
  const isEmptied = (path: string): boolean =>
    !filled.has(path) && (!first?.known.has(path) || wereFilled.has(path));
  const modeOf = await modesWithout(states, kept);
  const isOfSetup = (path: string, { mode }: Known): boolean =>
    before?.known.get(path)?.mode === mode && restored?.known.get(path)?.mode !== mode;
  const bare: Bare = { folders: [], modes: [] };
  for (const [path, entry] of after?.known ?? []) {
    const isFolder = entry.kind === "folder";
    const isIn = isFolder || (entry.kind === "file" && files.has(path));
    if (!isIn || isOfSetup(path, entry)) continue;
    if (isFolder && isEmptied(path)) bare.folders.push(path);
    const { mode } = entry;
    if (mode !== modeOf(path, entry)) bare.modes.push({ path, mode, isFolder });
  }
  return inOrder(bare);
}

/** Paths of the files that the next turn will find. */
async function filesOf({ recorded, ...repository }: States, kept: string): Promise<Set<string>> {
  const args = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", kept];
  const listing = await runGit(repository, args);
  const files = listing.toString("latin1").split("\0").filter(Boolean);
  // What was too much for a tree comes with the checkout.
  const others = [...(recorded.first?.known ?? [])].flatMap(nameOfFile);
  return new Set([...files, ...others.filter((path) => recorded.after?.known.has(path))]);
}

/** The modes that the next turn would find without being told: of the checkout, or of new files. */
async function modesWithout({ recorded: { first }, refs, ...repository }: States, kept: string) {
  const changes = await changesBetween(repository, refs.first ?? "", kept);
  const written = new Set(changes.map(({ path }) => path));
  return (path: string, entry: Known): number => {
    const before = written.has(path) ? undefined : first?.known.get(path)?.mode;
    return before ?? plainMode(entry);
  };
}

const inOctal = (mode: number): string => mode.toString(8).padStart(4, "0");

/** The lines of a diff that say it, and how many more there would be. */
export function linesOf({ folders, modes }: Bare): { lines: string[]; more: number } {
  const lines = [
    ...folders.map((path) => `${FOLDER}${quote(path)}\n`),
    ...modes.map(({ path, mode, isFolder }) => {
      return `${MODE}${inOctal(mode)} ${isFolder ? "d" : "f"} ${quote(path)}\n`;
    }),
  ];
  return { lines: lines.slice(0, MAX_LINES), more: Math.max(0, lines.length - MAX_LINES) };
}

/** What the lines at the end of a diff say. */
export function bareFrom(lines: readonly string[]): Bare {
  const bare: Bare = { folders: [], modes: [] };
  for (const line of lines) {
    if (line.startsWith(FOLDER)) bare.folders.push(unquote(line.slice(FOLDER.length)));
    const [, mode, kind, path] = /^# Runyard-mode: ([0-7]{4}) ([df]) (".*")$/.exec(line) ?? [];
    if (mode === undefined || path === undefined) continue;
    const isFolder = kind === "d";
    bare.modes.push({ path: unquote(path), mode: Number.parseInt(mode, 8), isFolder });
  }
  return bare;
}

/** Reads from standard input, all ended by NUL: what to do, to how many paths, and the paths. */
export const BARE_SCRIPT = `set -euo pipefail
while IFS= read -r -d '' mode && IFS= read -r -d '' count; do
  for ((i = 0; i < count; i++)); do
    IFS= read -r -d '' path
    printf '%s\\0' "$path"
  done | if [ "$mode" = folder ]; then xargs -0 mkdir -p --; else xargs -0 chmod "$mode" --; fi
done
`;

/** The script's input. A folder that is closed is closed after all that is in it. */
export function bareInput({ folders, modes }: Bare): Buffer {
  const depth = (path: string): number => path.split("/").length;
  const phase = ({ mode, isFolder }: Bare["modes"][number]): number => {
    if (!isFolder) return 0;
    return (mode & 0o100) === 0 ? 2 : 1;
  };
  const ordered = [...modes].sort(
    (a, b) =>
      phase(a) - phase(b) ||
      (phase(a) === 2 ? depth(b.path) - depth(a.path) : 0) ||
      a.mode - b.mode,
  );
  const groups: { what: string; paths: string[] }[] = [];
  if (folders.length > 0) groups.push({ what: "folder", paths: folders });
  for (const { path, mode } of ordered) {
    const last = groups.at(-1);
    if (last?.what === inOctal(mode)) last.paths.push(path);
    else groups.push({ what: inOctal(mode), paths: [path] });
  }
  const fields = groups.flatMap(({ what, paths }) => [what, String(paths.length), ...paths]);
  return Buffer.from(fields.map((field) => `${field}\0`).join(""), "latin1");
}
