import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Objects } from "../../../../infra/agent/attempt/objects.ts";
import type { Helper } from "../../../../infra/agent/sandbox/helper.ts";
import { launchUnconfined } from "../../../../infra/agent/sandbox/launch.ts";
import { removeTree } from "../../../../infra/agent/sandbox/remove-tree.ts";
import { recordLeft } from "../../../../infra/agent/workspace/checked-states.ts";
import {
  openStates,
  PATCH_LIMITS,
  type PatchLimits,
  recordState,
} from "../../../../infra/agent/workspace/git-states.ts";
import {
  needsWorkspaceDiff,
  patchOf,
  writeWorkspaceDiff,
} from "../../../../infra/agent/workspace/patch.ts";
import { restoreWorkspace } from "../../../../infra/agent/workspace/restore.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { sha256 } from "../../../../shared/hash.ts";

const PATH = process.env["PATH"] ?? "";
export const GIT = {
  PATH,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@example.com",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@example.com",
};

export const git = (cwd: string, ...args: string[]): string =>
  execFileSync("git", args, { cwd, env: GIT, stdio: ["ignore", "pipe", "pipe"] }).toString();

/** Files by their paths. */
export type Files = Record<string, string | Buffer>;

export function writeFiles(folder: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

/**
 * A repository with `files`, a workspace that is a clone of it, and another clone that nobody
 * touched.
 */
export async function startCloneWorld(
  files: Files,
  limits: Partial<PatchLimits> = {},
  fill: (origin: string) => void = () => {},
) {
  const root = mkdtempSync(join(tmpdir(), "runyard-patch-"));
  const origin = join(root, "origin");
  mkdirSync(origin);
  git(origin, "init", "-q");
  writeFiles(origin, files);
  fill(origin);
  git(origin, "add", "-A", "-f");
  git(origin, "commit", "-q", "--allow-empty", "-m", "first");
  const clone = (name: string): string => {
    git(root, "clone", "-q", origin, name);
    return join(root, name);
  };
  const world = await startWorldAt(root, clone("workspace"), limits);
  /** The same with a workspace that is cloned now, when the one before was removed. */
  const again = async () => ({ ...(await startWorldAt(root, clone("workspace"), limits)), clone });
  return { ...world, clone, newPlace: clone, again };
}

/** An empty workspace. */
export async function startEmptyWorld(limits: Partial<PatchLimits> = {}) {
  const root = mkdtempSync(join(tmpdir(), "runyard-patch-"));
  const newPlace = (name: string): string => {
    mkdirSync(join(root, name));
    return join(root, name);
  };
  return { ...(await startWorldAt(root, newPlace("workspace"), limits)), newPlace };
}

async function startWorldAt(root: string, workspace: string, limits: Partial<PatchLimits>) {
  const folders = { gitFolder: join(root, "git"), workspace };
  const states = await openStates(folders, PATH, { ...PATCH_LIMITS, ...limits });
  await recordState(states, "first");
  const patchFile = join(root, "patch.diff");
  const diffFile = join(root, "workspace.diff");
  return {
    root,
    states,
    workspace,
    at: (...names: string[]) => join(workspace, ...names),
    patch: () => readFileSync(patchFile, "latin1"),
    diff: () => readFileSync(existsSync(diffFile) ? diffFile : patchFile, "latin1"),
    /** Writes what a run uploads, and tells what it says. */
    async write(maxFiles = 100) {
      const left = await recordLeft(states);
      const changes = await patchOf(left, { patchFile, maxFiles });
      if (!needsWorkspaceDiff(left)) return { ...changes, forNextTurn: changes.notes };
      const { omitted } = changes;
      const next = await writeWorkspaceDiff(left, { file: diffFile, omitted });
      return { ...changes, omitted: next.omitted, forNextTurn: next.notes };
    },
    /** Applies the patch to a folder as a person does; throws with what git says. */
    apply: (folder: string) => {
      const env = { ...GIT, GIT_CEILING_DIRECTORIES: root };
      if (readFileSync(patchFile).subarray(0, 4).toString() !== "diff") return;
      execFileSync("git", ["apply", patchFile], { cwd: folder, env, stdio: "pipe" });
    },
    /** Brings what was left into a folder, as the next turn does; gives what it is told. */
    async restore(folder: string): Promise<string[]> {
      const content = readFileSync(existsSync(diffFile) ? diffFile : patchFile);
      const objects = { find: async () => content } as unknown as Objects;
      const about = { name: "workspace.diff", object: "", contentType: "" };
      const output = { ...about, sizeBytes: content.length, sha256: sha256(content) };
      const restored = await restoreWorkspace(output, objects, {
        helper: helperIn(root, folder),
      });
      if (!("notes" in restored)) throw new Error(JSON.stringify(restored));
      return restored.notes;
    },
    [Symbol.asyncDispose]: async () => void (await removeTree(root)),
  };
}

function helperIn(root: string, directory: string): Helper {
  const sockets = { modelSocket: join(root, "m.sock"), egressSocket: join(root, "e.sock") };
  const temporary = join(root, "tmp");
  mkdirSync(temporary, { recursive: true });
  return {
    path: PATH,
    temporary,
    clock: systemClock,
    terminated: new AbortController().signal,
    isCancelled: async () => false,
    log: () => {},
    patience: {
      ...{ deadlineMs: 60_000, idleMs: 60_000, graceMs: 100, lingerMs: 100, cancelPollMs: 1000 },
      ...{ memoryBytes: 4 * 1024 ** 3, processes: 100, diskBytes: Number.POSITIVE_INFINITY },
    },
    launch: (command, environment) =>
      launchUnconfined({ command, environment, directory, ...sockets }, {}),
  };
}

/** What git would commit of a folder; the folder stays as it is. */
export function committed(folder: string): string {
  const copy = `${folder}-committed`;
  cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
  git(copy, "add", "-A");
  return git(copy, "ls-files", "-s");
}
