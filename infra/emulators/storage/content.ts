import { open } from "node:fs/promises";
import { asDiskFull } from "../wire/disk.ts";
import { type Checksums, startDigest } from "./digest.ts";
import { contentPath, newContentName, removeUnreferenced, type State } from "./state.ts";

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
  let sizeBytes = 0;
  await using file = await open(path, "wx");
  for await (const chunk of source) {
    digest.update(chunk);
    await file.writeFile(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, checksums: digest.finish() };
}
