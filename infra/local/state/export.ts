import { createWriteStream, existsSync, renameSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { packTar, type TarSource } from "modern-tar/fs";
import { namingFullDisk } from "../../emulators/wire/disk.ts";
import { lockStateDirectory } from "./directory.ts";
import { type FoundFile, filesBelow, isStateFile } from "./files.ts";
import { FORMAT_FILE, formatText, UnusableState } from "./format.ts";
import { requireState } from "./info.ts";
import { showProgress } from "./progress.ts";

export interface ExportOptions {
  /** The state directory. */
  path: string;
  /** A file to be made, or the stream to write to. */
  target: string | Writable;
  /** Whether the API key goes along. */
  withKey: boolean;
  signal?: AbortSignal;
}

/**
 * Writes a state as a gzipped tar archive, its format file first, and returns what it holds.
 *
 * The directory's lock is held meanwhile, so no server runs and the files are a consistent copy as
 * they lie: a database is its file and, after a kill, the write-ahead log that SQLite reads with
 * it. The archive file appears when it is complete, readable by its user alone.
 *
 * @throws {StateInUse}
 * @throws {UnusableState} if there is no state, or the target is there already or lies in the state
 * @throws {DiskFull}
 */
export async function exportState(
  options: ExportOptions,
): Promise<{ files: number; sizeBytes: number }> {
  const { path, target } = options;
  const version = requireState(path);
  if (typeof target === "string") checkTarget(path, target);
  const lock = lockStateDirectory(path);
  try {
    const files = [...filesBelow(path)].filter((file) => isExported(file, options));
    const sources: TarSource[] = [
      { type: "content", target: FORMAT_FILE, content: formatText(version), mode: 0o600 },
      ...files.map((file) => sourceOf(path, file)),
    ];
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    using progress = showProgress("Exported", sizeBytes);
    const write = (sink: Writable) =>
      pipeline(packTar(sources), progress.counter(), createGzip(), sink, {
        ...(options.signal && { signal: options.signal }),
      });
    if (typeof target === "string") await writeFile(target, write);
    else await write(target);
    return { files: sources.length, sizeBytes };
  } finally {
    lock.release();
  }
}

function checkTarget(path: string, target: string): void {
  if (existsSync(target)) {
    throw new UnusableState(`${target} is there already. Name another file, or remove it.`);
  }
  if (!existsSync(dirname(target))) {
    throw new UnusableState(`the directory ${dirname(target)} does not exist`);
  }
  if (!relative(resolve(path), target).startsWith("..")) {
    throw new UnusableState(`${target} would be part of the state itself. Name a file elsewhere.`);
  }
}

/** What opens a door, or what is sealed. */
const KEYS = ["key", "seal-keys"];

function isExported({ name }: FoundFile, { withKey }: ExportOptions): boolean {
  return isStateFile(name) && name !== FORMAT_FILE && (withKey || !KEYS.includes(name));
}

function sourceOf(path: string, { name }: FoundFile): TarSource {
  return { type: "file", source: join(path, name), target: name, mode: 0o600 };
}

/** The file appears when it is whole. */
async function writeFile(target: string, write: (sink: Writable) => Promise<void>): Promise<void> {
  const draft = `${target}.partial`;
  try {
    await write(createWriteStream(draft, { mode: 0o600 }));
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    namingFullDisk(dirname(target), () => {
      throw error;
    });
  }
}
