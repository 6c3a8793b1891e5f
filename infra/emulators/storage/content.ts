import { writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { asDiskFull } from "../wire/disk.ts";
import { type Checksums, startDigest } from "./digest.ts";
import { contentPath, newContentName, removeUnreferenced, type State } from "./state.ts";

/** What has no more is written in one go: handing it to another thread costs more than that. */
const SMALL_BYTES = 64 * 1024;

/** A complete content file. */
export interface StoredContent {
  content: string;
  sizeBytes: number;
  checksums: Checksums;
}

/**
 * Streams `source` to a new content file and gives it to `use`, which commits a row that names it.
 * If the source breaks off, or `use` throws, the file is gone again.
 *
 * @throws {DiskFull}
 */
export async function withContent<T>(
  state: State,
  source: AsyncIterable<Buffer>,
  use: (stored: StoredContent) => T,
): Promise<T> {
  const content = newContentName();
  try {
    return use({ content, ...(await writeContent(contentPath(state, content), source)) });
  } catch (error) {
    removeUnreferenced(state, content);
    throw asDiskFull(error, state.contentDirectory) ?? error;
  }
}

async function writeContent(
  path: string,
  source: AsyncIterable<Buffer>,
): Promise<Omit<StoredContent, "content">> {
  const digest = startDigest();
  let file: FileHandle | undefined;
  let held: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of source) {
      digest.update(chunk);
      sizeBytes += chunk.length;
      held.push(chunk);
      if (sizeBytes <= SMALL_BYTES) continue;
      file ??= await open(path, "wx");
      for (const piece of held) await file.writeFile(piece);
      held = [];
    }
    if (file === undefined) writeFileSync(path, Buffer.concat(held), { flag: "wx" });
  } finally {
    await file?.close();
  }
  return { sizeBytes, checksums: digest.finish() };
}
