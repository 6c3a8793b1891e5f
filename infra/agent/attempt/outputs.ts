import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Output } from "../../../shared/documents/manifest.ts";
import { sessionPaths } from "../engines/claude-code/command.ts";
import { isOfFullDisk } from "../text.ts";
import { type Judge, readTree, type TreeEntry } from "../workspace/tree.ts";
import type { Objects } from "./objects.ts";

/** A file to upload as an output. */
export interface Prepared {
  name: string;
  path: string;
  contentType: string;
  /** What is in it, when it is not on the disk: there was no room for it. */
  content?: Buffer;
}

const CONTENT_TYPES: Record<string, string> = {
  "checks.log": "text/plain; charset=utf-8",
  "commit.jsonl": "application/jsonl",
  "events.jsonl": "application/jsonl",
  "patch.diff": "text/x-diff; charset=utf-8",
  "result.json": "application/json",
  "setup.log": "text/plain; charset=utf-8",
  "workspace.diff": "text/x-diff; charset=utf-8",
};
const MAX_SESSION_FILES = 200;
const MAX_SESSION_FILE_BYTES = 64 * 1024 ** 2;
const MAX_SESSION_BYTES = 128 * 1024 ** 2;
const MAX_NAME_BYTES = 300;
const PARALLEL_UPLOADS = 4;

export const outputFile = (name: string, path: string): Prepared => ({
  name,
  path,
  contentType: CONTENT_TYPES[name] ?? "application/octet-stream",
});

interface CollectOptions {
  copies: string;
  /** Whether the agent may be at work. Default: it is not. */
  isLive?: boolean;
  /** Leaves of a conversation what its model was told and said. */
  whatPassed(content: Buffer): Buffer;
}

/**
 * Copies the session's files out of the agent's home: links are not followed, and what is too large
 * is left out.
 *
 * @returns the copies, named `session/…`, and how many files were left out.
 */
export async function collectSession(
  home: string,
  sessionId: string,
  { copies, isLive = false, whatPassed }: CollectOptions,
): Promise<{ files: Prepared[]; omitted: number }> {
  const { file, folder } = sessionPaths(sessionId);
  const parent = `${dirname(file)}/`;
  const files: Prepared[] = [];
  let [omitted, bytes] = [0, 0];
  const isWanted = (path: string): boolean =>
    path === file || path === folder || path.startsWith(`${folder}/`);
  const judge: Judge = (path) =>
    isWanted(path.toString()) || parent.startsWith(`${path}/`) ? undefined : "skip";
  using tree = await readTree(home, { judge, isLive });
  for (const entry of tree.entries) {
    const path = entry.path.toString();
    if (entry.kind === "folder" || path === folder || !isWanted(path)) continue;
    const name = `session/${path.slice(parent.length)}`;
    bytes += entry.sizeBytes;
    const isKept = isSmallEnough(entry, name) && files.length < MAX_SESSION_FILES;
    const content = isKept && bytes <= MAX_SESSION_BYTES ? tree.read(entry) : undefined;
    if (content === undefined) omitted += 1;
    else if (!name.endsWith(".jsonl")) files.push(await copy(content, name, copies));
    else files.push(await copy(whatPassed(content), name, copies));
  }
  return { files, omitted };
}

const isSmallEnough = ({ kind, sizeBytes }: TreeEntry, name: string): boolean =>
  kind === "file" &&
  sizeBytes <= MAX_SESSION_FILE_BYTES &&
  Buffer.byteLength(name) <= MAX_NAME_BYTES &&
  /^[\w./-]+$/.test(name);

async function copy(content: Buffer, name: string, copies: string): Promise<Prepared> {
  const path = join(copies, name);
  const contentType = name.endsWith(".jsonl") ? "application/jsonl" : "text/plain; charset=utf-8";
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { mode: 0o600 });
    return { name, path, contentType };
  } catch (error) {
    if (!isOfFullDisk(error)) throw error;
    return { name, path, contentType, content };
  }
}

/**
 * Uploads the files, a few at a time.
 *
 * @param prefix of the objects' names, ending in `/`
 * @returns them in the order given, and the names of those that could not be uploaded.
 */
export async function uploadOutputs(
  objects: Objects,
  prefix: string,
  files: readonly Prepared[],
): Promise<{ outputs: Output[]; failures: string[] }> {
  const outputs: (Output | undefined)[] = [];
  const failures: string[] = [];
  const waiting = [...files.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, { name, path, contentType, content }] = next;
      const object = prefix + name;
      try {
        const uploaded = await (content === undefined
          ? objects.upload(object, path, contentType)
          : objects.uploadContent(object, content, contentType));
        outputs[index] = { name, object, contentType, ...uploaded };
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_UPLOADS }, work));
  return { outputs: outputs.filter((output) => output !== undefined), failures };
}
