import { readFile, writeFile } from "node:fs/promises";
import { sha256 } from "../../../shared/hash.ts";
import { gitOn, type Repository, seeGit } from "./git.ts";

/** Begins what git has of a file of Git LFS. */
const VERSION = "version https://git-lfs.github.com/spec/v1\n";
/** Git LFS takes nothing longer for a pointer. */
const MAX_POINTER_BYTES = 1024;

/**
 * Puts pointers into the places of the files that a work tree's attributes give to Git LFS: what
 * its own filter makes of them, which is what `git apply` compares with in a clone that has Git LFS,
 * and finds in one that has not.
 *
 * @param paths of regular files, as latin1
 */
export async function writePointers(
  repository: Repository,
  workTree: string,
  paths: readonly string[],
): Promise<void> {
  for (const path of await ofLfs(repository, workTree, paths)) {
    const file = Buffer.from(`${workTree}/${path}`, "latin1");
    const content = await readFile(file);
    if (content.length > 0 && !isPointer(content)) await writeFile(file, pointerTo(content));
  }
}

const pointerTo = (content: Buffer): string =>
  `${VERSION}oid sha256:${sha256(content)}\nsize ${content.length}\n`;

const isPointer = (content: Buffer): boolean =>
  content.length < MAX_POINTER_BYTES &&
  content.subarray(0, VERSION.length).toString("latin1") === VERSION;

async function ofLfs(
  repository: Repository,
  workTree: string,
  paths: readonly string[],
): Promise<string[]> {
  const child = gitOn(repository, ["check-attr", "-z", "--stdin", "filter"], { workTree });
  child.stdin?.end(Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1"));
  const fields = (await seeGit(child)).output.toString("latin1").split("\0");
  return fields.filter((_, at) => at % 3 === 0 && fields[at + 2] === "lfs");
}
