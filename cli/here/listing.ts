import { isUtf8 } from "node:buffer";
import { existsSync, lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";
import { Failure, systemReason } from "../failure.ts";
import { type Environment, pointless, runGit, seeGit } from "./git.ts";

/** Something of a working tree. */
export interface Entry {
  /** Below the tree, with `/`. */
  path: string;
  /** A folder is one with nothing in it. */
  kind: "file" | "link" | "folder";
  sizeBytes: number;
  isExecutable: boolean;
}

/** A working tree, as it would be sent. */
export interface Listing {
  root: string;
  /** Whether git says what belongs to it. */
  isRepository: boolean;
  /** In the order of their paths. */
  entries: Entry[];
  /** Folders of other repositories that are in it: submodules among them. */
  repositories: string[];
  /** What cannot be sent: no files, or named in bytes that are no UTF-8. */
  leftOut: string[];
}

/** What a folder without git has and nobody sends. The files named `.gitignore` count there too. */
const JUNK = [
  ...[".git", ".hg", ".svn", ".jj", ".runyard", ".DS_Store", "Thumbs.db"],
  ...["node_modules", "bower_components", ".npm", ".yarn/cache", ".pnpm-store"],
  ...[".next", ".nuxt", ".turbo", ".parcel-cache", ".cache", ".venv", "venv", "__pycache__"],
  ...[".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints"],
  ...[".gradle", ".terraform", ".vagrant", ".bundle", "*.pyc", "*.swp", "*~"],
];

/** The top of the working tree of git that a folder is in; undefined: it is in none. */
export async function repositoryOf(folder: string, env: Environment): Promise<string | undefined> {
  const options = { cwd: folder, env: pointless(env) };
  const { code, output } = await seeGit(["rev-parse", "--show-toplevel"], options);
  const top = output.toString().replace(/\n$/, "");
  return code === 0 && top !== "" ? top : undefined;
}

/**
 * Lists what is in a working tree: of a repository what is tracked and there, and what is neither
 * tracked nor ignored; of any other folder all but {@link JUNK} and what its `.gitignore` names.
 * Repositories in it are listed in the same way, as folders of it.
 *
 * @param place.empty a repository of ours without files, for a folder that is in none
 */
export async function listTree(
  root: string,
  { isRepository, empty, env }: { isRepository: boolean; empty: string; env: Environment },
): Promise<Listing> {
  const listing: Listing = { root, isRepository, entries: [], repositories: [], leftOut: [] };
  const paths = new Set<string>();
  const plain = [`--git-dir=${empty}`, "--work-tree=."];
  const pending = [{ below: "", options: isRepository ? [] : plain }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { below, options } = next;
    const found = await namesIn(join(root, below), options, pointless(env));
    for (const name of found) {
      if (!isUtf8(name)) listing.leftOut.push(`${below}${name.toString()} (no UTF-8)`);
      else if (place(listing, paths, `${below}${name.toString()}`.replace(/\/$/, ""))) {
        pending.push({ below: `${below}${name.toString().replace(/\/$/, "")}/`, options: [] });
      }
    }
  }
  listing.entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  return listing;
}

/**
 * Names below a folder that git knows or does not ignore, and folders that have nothing in them but
 * such folders. Of a folder that is new as a whole git names none below it: these are left out.
 */
async function namesIn(
  folder: string,
  options: readonly string[],
  env: Environment,
): Promise<Buffer[]> {
  const others = ["ls-files", "-z", "--others", "--exclude-standard"];
  const junk = options.length === 0 ? [] : JUNK.map((name) => `--exclude=${name}`);
  const list = async (...more: string[]) =>
    namesOf(await runGit([...options, ...others, ...junk, ...more], { cwd: folder, env }));
  const files = options.length === 0 ? await list("--cached") : await list();
  const folders = (await list("--directory")).filter((name) => name.at(-1) === SLASH);
  const empty = folders.flatMap((name) => emptyIn(folder, name.toString().replace(/\/$/, "")));
  return [...files, ...empty.map((name) => Buffer.from(name))];
}

const SLASH = "/".charCodeAt(0);

function namesOf(output: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let start = 0; start < output.length; ) {
    const end = output.indexOf(0, start);
    names.push(output.subarray(start, end));
    start = end + 1;
  }
  return names;
}

/** Folders without folders that a folder with no files at all has, or itself; of another none. */
function emptyIn(root: string, below: string): string[] {
  if (!statOf(join(root, below))?.isDirectory()) return [];
  const found = readdirSync(join(root, below), { withFileTypes: true });
  if (found.length === 0) return [below];
  const deeper: string[] = [];
  for (const one of found) {
    const inside = one.isDirectory() ? emptyIn(root, `${below}/${one.name}`) : [];
    if (inside.length === 0) return [];
    deeper.push(...inside);
  }
  return deeper;
}

/** Adds what is at a path. @returns whether that is a repository of its own, to be listed */
function place(listing: Listing, paths: Set<string>, path: string): boolean {
  if (paths.has(path)) return false;
  paths.add(path);
  const found = statOf(join(listing.root, path));
  if (found === undefined) return false;
  const sizeBytes = found.isDirectory() ? 0 : found.size;
  const isExecutable = found.isFile() && (found.mode & 0o100) !== 0;
  const kind = kindOf(found);
  if (kind === undefined) listing.leftOut.push(`${path} (no file)`);
  else if (kind === "folder" && existsSync(join(listing.root, path, ".git"))) {
    listing.repositories.push(path);
    return true;
  } else listing.entries.push({ path, kind, sizeBytes, isExecutable });
  return false;
}

function kindOf(found: Stats): Entry["kind"] | undefined {
  if (found.isFile()) return "file";
  if (found.isSymbolicLink()) return "link";
  return found.isDirectory() ? "folder" : undefined;
}

/** Undefined: nothing is there any more. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw new Failure(`${path} cannot be read: ${systemReason(error)}`, { cause: error });
  }
}

/** What a tree may have at most; the API's `RUN_LIMITS` say the same. */
export const TREE_LIMITS = {
  entries: 50_000,
  /** Unpacked, with what a tar adds to each file. */
  bytes: 512 * 1024 ** 2,
  /** Packed. */
  packedBytes: 100 * 1024 ** 2,
} as const;

/** The files' bytes together, and the folders at the top that have most of them. */
export function sizesOf({ entries }: Pick<Listing, "entries">) {
  const byTop = new Map<string, { files: number; bytes: number }>();
  for (const { path, sizeBytes } of entries) {
    const top = path.includes("/") ? `${path.slice(0, path.indexOf("/"))}/` : path;
    const sum = byTop.get(top) ?? { files: 0, bytes: 0 };
    byTop.set(top, { files: sum.files + 1, bytes: sum.bytes + sizeBytes });
  }
  const largest = [...byTop].sort(([, a], [, b]) => b.bytes - a.bytes);
  return { total: entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), largest };
}
