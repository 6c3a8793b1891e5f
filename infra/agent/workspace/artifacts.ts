import { mkdir, writeFile } from "node:fs/promises";
import { join, matchesGlob } from "node:path";
import mime from "mime";
import { ARTIFACT_PREFIX, MANIFEST_LIMITS } from "../../../shared/documents/manifest.ts";
import type { ArtifactGap, ArtifactGaps } from "../../../shared/documents/omissions.ts";
import type { Prepared } from "../attempt/outputs.ts";
import { isOfFullDisk, oneLine } from "../text.ts";
import { type Judge, readTree, type Tree, type TreeEntry } from "./tree.ts";

/** Bounds of what is kept as artifacts. */
export interface ArtifactLimits {
  files: number;
  /** Bytes of one file, */
  fileBytes: number;
  /** … and of all. */
  bytes: number;
}

export const ARTIFACT_LIMITS: ArtifactLimits = {
  files: 500,
  fileBytes: 64 * 1024 ** 2,
  bytes: 256 * 1024 ** 2,
};

/** A longer path is the name of no artifact. */
const MAX_PATH_BYTES = 300;
/** For how long paths are held against the patterns: an agent chooses the paths. */
const MATCHING_MS = 10_000;

interface Wanted {
  workspace: string;
  patterns: readonly string[];
  /** A folder of ours for the copies. */
  copies: string;
  limits?: ArtifactLimits;
}

/**
 * Copies the files of a workspace that match the patterns out of it, in the order of their paths.
 * Links are not followed, and git's own data are no files. Call only when nothing is at work there.
 *
 * @returns the copies, and what is missing, if anything is.
 */
export async function collectArtifacts({
  workspace,
  patterns,
  copies,
  limits = ARTIFACT_LIMITS,
}: Wanted): Promise<{ files: Prepared[]; gaps: ArtifactGaps | undefined }> {
  using tree = await readTree(workspace, { judge });
  const { found, unmatched } = matching(tree, patterns);
  await mkdir(copies, { recursive: true });
  const files: Prepared[] = [];
  const leftOut: ArtifactGap[] = [];
  let left = limits.bytes;
  for (const entry of found) {
    const path = entry.path.toString();
    const why =
      obstacleTo(entry, { ...limits, bytes: left, files: limits.files - files.length }) ??
      (await copy(tree, entry, join(copies, String(files.length))));
    if (why !== undefined) {
      leftOut.push({ path: oneLine(path, MANIFEST_LIMITS.omissionPathLength), why });
      continue;
    }
    left -= entry.sizeBytes;
    const name = ARTIFACT_PREFIX + path;
    files.push({ name, path: join(copies, String(files.length)), contentType: typeOf(path) });
  }
  return { files, gaps: gapsOf(unmatched, leftOut) };
}

const judge: Judge = (path) =>
  path.equals(GIT) || path.subarray(-5).equals(BELOW_GIT) ? "skip" : undefined;
const GIT = Buffer.from(".git");
const BELOW_GIT = Buffer.from("/.git");

/** The files and links that match a pattern, and the patterns that nothing matches. */
function matching({ entries }: Tree, patterns: readonly string[]) {
  const until = Date.now() + MATCHING_MS;
  const unmatched = new Set(patterns);
  const found = entries.filter(({ kind, path: bytes }) => {
    if (kind === "folder" || Date.now() > until) return false;
    const path = bytes.toString();
    if (bytes.length > MAX_PATH_BYTES) return false;
    const matched = patterns.filter((pattern) => matchesGlob(path, pattern));
    for (const pattern of matched) unmatched.delete(pattern);
    return matched.length > 0;
  });
  found.sort((a, b) => Buffer.compare(a.path, b.path));
  return { found, unmatched: [...unmatched] };
}

function obstacleTo(
  { kind, path, sizeBytes }: TreeEntry,
  limits: ArtifactLimits,
): ArtifactGap["why"] | undefined {
  if (kind === "link") return "link";
  // It becomes the name of an object, and of a file of whoever fetches it.
  const name = path.toString();
  if (!Buffer.from(name).equals(path) || /[\p{Cc}\\]/u.test(name)) return "name_refused";
  if (sizeBytes > limits.fileBytes) return "too_large";
  return limits.files <= 0 || sizeBytes > limits.bytes ? "too_many" : undefined;
}

async function copy(
  tree: Tree,
  entry: TreeEntry,
  file: string,
): Promise<ArtifactGap["why"] | undefined> {
  const content = tree.read(entry);
  if (content === undefined) return "unreadable";
  try {
    await writeFile(file, content, { mode: 0o600 });
    return undefined;
  } catch (error) {
    if (isOfFullDisk(error)) return "too_many";
    throw error;
  }
}

/** By the path's extension alone: nobody shall trust it. */
function typeOf(path: string): string {
  const type = mime.getType(path) ?? "application/octet-stream";
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}

function gapsOf(
  unmatched: readonly string[],
  leftOut: readonly ArtifactGap[],
): ArtifactGaps | undefined {
  if (unmatched.length + leftOut.length === 0) return undefined;
  const shown = leftOut.slice(0, MANIFEST_LIMITS.artifactGaps);
  return { unmatched: [...unmatched], leftOut: shown, more: leftOut.length - shown.length };
}
