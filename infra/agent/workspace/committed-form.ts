import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  commit,
  gitOn,
  makeRepository,
  quote,
  type Repository,
  refOf,
  runGit,
  seeGit,
  type TreeChange,
} from "./git.ts";
import type { States } from "./git-states.ts";
import { writePointers } from "./lfs-pointers.ts";

const ATTRIBUTES = ".gitattributes";
/**
 * A file that git cannot bring into its form ends git: it is started again for the others so often.
 */
const MAX_FAILURES = 200;

/** One path's content. */
interface Blob {
  path: string;
  mode: string;
  blob: string;
}

/**
 * A state whose changed files have the form in which git would commit them: line ends, encoding and
 * `$Id$` as the state's own `.gitattributes` say. `git apply` brings what it finds in a work tree
 * into that form before it compares. A file that git cannot bring into it stays as it is, as `git
 * apply` leaves it.
 *
 * Git finds the files in a folder of ours, and no filter of anybody's runs. Where files of Git LFS
 * were fetched a file that was there is its pointer, and one that the agent left its content, which
 * Git LFS makes a pointer of when it is added.
 *
 * @param side of the changes, that belongs to the state
 * @returns its ref: the state's own if nothing is another.
 */
export async function committedForm(
  states: States,
  ref: string,
  { name, changes, side }: { name: string; changes: readonly TreeChange[]; side: "from" | "to" },
): Promise<string> {
  const files = changes
    .map((change) => ({ path: change.path, ...change[side] }))
    .filter(({ mode }) => mode.startsWith("100"));
  if (files.length === 0) return ref;
  const attributes = await attributesIn(states, ref);
  if (attributes.length === 0) return ref;
  const hasPointers = states.hasLfs === true && side === "from";
  const forms = await formsOf(states, { attributes, files, hasPointers });
  const commands = files.flatMap(({ path, mode, blob }) => {
    const form = forms.get(path);
    return form === undefined || form === blob ? [] : [`M ${mode} ${form} ${quote(path)}\n`];
  });
  if (commands.length === 0) return ref;
  await commit(states, { name, parent: ref }, commands);
  return refOf(name);
}

/** The state's regular files named `.gitattributes`. */
async function attributesIn(states: States, ref: string): Promise<Blob[]> {
  const listing = await runGit(states, ["ls-tree", "-r", "-z", "--full-tree", ref]);
  return listing
    .toString("latin1")
    .split("\0")
    .flatMap((line) => {
      const [, mode = "", blob = "", path = ""] = /^(\d+) blob (\w+)\t(.*)$/s.exec(line) ?? [];
      const isIt = path === ATTRIBUTES || path.endsWith(`/${ATTRIBUTES}`);
      return isIt && mode.startsWith("100") ? [{ path, mode, blob }] : [];
    });
}

interface Forming {
  attributes: readonly Blob[];
  files: readonly Blob[];
  /** Whether those of Git LFS become pointers. */
  hasPointers: boolean;
}

async function formsOf(
  states: States,
  { attributes, files, hasPointers }: Forming,
): Promise<Map<string, string>> {
  const root = await mkdtemp(join(states.gitFolder, "form-"));
  try {
    const workTree = join(root, "tree");
    await mkdir(workTree);
    await writeOut(states, [...attributes, ...files], { workTree, index: join(root, "index") });
    const repository = { gitFolder: join(root, "git"), path: states.path };
    await makeRepository(repository);
    if (hasPointers) {
      await writePointers(
        repository,
        workTree,
        files.map(({ path }) => path),
      );
    }
    const objects = join(states.gitFolder, "objects");
    return await hash(repository, files, { workTree, objects });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Writes blobs to a folder, byte for byte: in the states' repository no attribute counts. */
async function writeOut(
  states: States,
  blobs: readonly Blob[],
  { workTree, index }: { workTree: string; index: string },
): Promise<void> {
  const options = { workTree, environment: { GIT_INDEX_FILE: index } };
  const lines = blobs.map(({ path, mode, blob }) => `${mode} ${blob} 0\t${path}\0`);
  const input = Buffer.from(lines.join(""), "latin1");
  await runGit(states, ["update-index", "-z", "--index-info"], { ...options, input });
  await runGit(states, ["checkout-index", "--all", "--force", "--quiet"], options);
}

/** Stores the files in git's form. @returns their blobs by path. */
async function hash(
  repository: Repository,
  files: readonly Blob[],
  { workTree, objects }: { workTree: string; objects: string },
): Promise<Map<string, string>> {
  const forms = new Map<string, string>();
  const environment = { GIT_OBJECT_DIRECTORY: objects };
  let done = 0;
  for (let failures = 0; done < files.length && failures <= MAX_FAILURES; failures += 1) {
    const child = gitOn(repository, ["hash-object", "-w", "--stdin-paths"], {
      workTree,
      environment,
    });
    const rest = files.slice(done);
    child.stdin?.end(rest.map(({ path }) => `${quote(path)}\n`).join(""));
    const { code, output } = await seeGit(child);
    const hashes = output.toString().split("\n").filter(Boolean);
    for (const [index, form] of hashes.entries()) forms.set(rest[index]?.path ?? "", form);
    // The one at which it ended stays as it is.
    done += hashes.length + 1;
    if (code === 0) break;
  }
  return forms;
}
