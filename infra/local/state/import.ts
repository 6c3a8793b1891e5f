import {
  chmodSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { ReadableStream, TransformStream } from "node:stream/web";
import { createGunzip } from "node:zlib";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { forgetProcesses } from "../../emulators/cloud-build/process-registry.ts";
import { asDiskFull } from "../../emulators/wire/disk.ts";
import { Interrupted } from "../interruption.ts";
import { makeDraft, removeBrokenDrafts } from "./drafts.ts";
import { filesBelow, isStateFile } from "./files.ts";
import {
  FORMAT_FILE,
  formatText,
  parseFormat,
  readFormat,
  refuseNewer,
  UnusableState,
  writeWhole,
} from "./format.ts";
import { showProgress } from "./progress.ts";

/** A format file is a line. */
const LONGEST_FORMAT_BYTES = 4096;

export interface ImportOptions {
  /** Where the state shall be: absent or empty. */
  path: string;
  /** The archive: a file or a stream. */
  source: string | Readable;
  signal?: AbortSignal;
}

/**
 * Makes a state directory from an archive that `exportState` wrote, all of it or nothing: it is
 * unpacked beside its place, looked through, and then renamed. Takes regular files of a state and
 * nothing else. If it is killed, the next import or start there takes away what lies beside.
 *
 * @throws {UnusableState} if the place is not empty, or the archive is damaged, too new or not ours
 * @throws {DiskFull}
 */
export async function importState(options: ImportOptions): Promise<{ files: number }> {
  const path = existsSync(options.path) ? realpathSync(options.path) : options.path;
  const { kind } = readFormat(path);
  if (kind !== "absent" && kind !== "blank") {
    throw new UnusableState(
      `${path} is not empty. Choose a new or empty directory with --state DIR.`,
    );
  }
  mkdirSync(dirname(path), { recursive: true });
  removeBrokenDrafts(path);
  const { path: draft, release } = makeDraft(path);
  try {
    const files = await unpack(options, draft);
    checkDatabases(draft);
    if (existsSync(join(draft, "cloud-build"))) forgetProcesses(join(draft, "cloud-build"));
    chmodSync(draft, 0o700);
    takePlace(draft, path);
    return { files };
  } catch (error) {
    throw asDiskFull(error, dirname(path)) ?? error;
  } finally {
    release();
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Unpacks into `draft` and returns the number of files. */
async function unpack({ source, signal }: ImportOptions, draft: string): Promise<number> {
  const isFile = typeof source === "string";
  using progress = showProgress("Imported", isFile ? sizeOf(source) : undefined);
  const input = isFile ? createReadStream(source) : source;
  const tar = createGunzip();
  const read = pipeline(input, progress.counter(), tar, { ...(signal && { signal }) });
  read.catch(() => {});
  let files = 0;
  try {
    const decoder = createTarDecoder({ strict: true }) as TransformStream<
      Uint8Array,
      ParsedTarEntry
    >;
    const entries = (Readable.toWeb(tar) as ReadableStream<Uint8Array>).pipeThrough(decoder);
    for await (const entry of entries) {
      if (files === 0) await unpackFormat(draft, entry);
      else await unpackFile(draft, entry);
      files += 1;
    }
    await read;
  } catch (error) {
    throw archiveError(await causeOf(error, read), source);
  }
  if (files === 0) throw new UnusableState("the archive is empty");
  return files;
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    throw archiveError(error, file);
  }
}

/** What reading ended with says more than what its reader was told: that it broke off. */
async function causeOf(error: unknown, read: Promise<void>): Promise<unknown> {
  if (error instanceof UnusableState) return error;
  const cause = await read.then(
    () => error,
    (reason: unknown) => reason,
  );
  const isEcho = (cause as NodeJS.ErrnoException).code === "ERR_STREAM_PREMATURE_CLOSE";
  return isEcho ? error : cause;
}

/** The first entry decides whether the rest is looked at. */
async function unpackFormat(draft: string, { header, body }: ParsedTarEntry): Promise<void> {
  if (header.name !== FORMAT_FILE || header.size > LONGEST_FORMAT_BYTES) {
    throw new UnusableState(
      `the archive holds no state of Runyard: its first file is ${JSON.stringify(header.name)}, not ${FORMAT_FILE}. ${WANTED}`,
    );
  }
  const format = parseFormat(await buffer(Readable.fromWeb(body as ReadableStream)), "the archive");
  if (format.kind !== "state") {
    throw new UnusableState(
      `the archive holds no state of Runyard: its ${FORMAT_FILE} is another's`,
    );
  }
  refuseNewer("the archive", format.version);
  writeWhole(join(draft, FORMAT_FILE), formatText(format.version));
}

async function unpackFile(draft: string, { header, body }: ParsedTarEntry): Promise<void> {
  const { name, type = "file" } = header;
  // The name is one of a few known forms, so it cannot lead out of the directory.
  if (type !== "file" || !isStateFile(name) || name === FORMAT_FILE) {
    const what = `${JSON.stringify(name)} (${type})`;
    throw new UnusableState(`the archive holds ${what}, which is no file of a state`);
  }
  const path = join(draft, name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = createWriteStream(path, { flags: "wx", mode: 0o600 });
  await pipeline(Readable.fromWeb(body as ReadableStream), file);
}

/** What went wrong with the archive itself, in words; other errors as they are. */
function archiveError(error: unknown, source: ImportOptions["source"]): unknown {
  if (error instanceof UnusableState || !(error instanceof Error)) return error;
  const { code = "", name, message } = error as NodeJS.ErrnoException;
  if (name === "AbortError" || error instanceof Interrupted) return error;
  const what = typeof source === "string" ? source : "what came on standard input";
  const unreadable = READ_ERRORS[code];
  if (unreadable !== undefined && typeof source === "string") {
    return new UnusableState(`${what} ${unreadable}. ${WANTED}`, { cause: error });
  }
  const isSystem = code.startsWith("E") && !code.startsWith("ERR_") && code !== "EEXIST";
  if (isSystem) return error;
  const reason = GZIP_ERRORS[code] ?? `it is cut off, or another kind of file (${message || code})`;
  return new UnusableState(
    `the archive is damaged or no .tar.gz file: ${what}: ${reason}. ${WANTED}`,
    { cause: error },
  );
}

const WANTED = "Name a file that npx runyard state export FILE.tar.gz has written.";

const READ_ERRORS: Record<string, string> = {
  ENOENT: "does not exist",
  EISDIR: "is a directory",
  EACCES: "may not be read by you",
};

const GZIP_ERRORS: Record<string, string> = {
  Z_DATA_ERROR: "it is not compressed by gzip, or something in it was changed",
  Z_BUF_ERROR: "it is empty or ends too early",
};

/** Every database is whole; its log, if it came with one, is now part of it. */
function checkDatabases(draft: string): void {
  for (const { name } of [...filesBelow(draft)]) {
    if (!isStateFile(name) || !name.endsWith(".db")) continue;
    const verdict = checkDatabase(join(draft, name));
    if (verdict !== "ok") throw new UnusableState(`the archive's ${name} is damaged: ${verdict}`);
  }
}

function checkDatabase(path: string): string {
  try {
    using database = new DatabaseSync(path);
    return String(database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]);
  } catch (error) {
    if (asDiskFull(error) !== undefined || !(error instanceof Error)) throw error;
    return error.message;
  }
}

/** An empty directory gives way in the same instant; one that is no longer empty does not. */
function takePlace(draft: string, path: string): void {
  // Only what a broken-off start left.
  if (existsSync(path)) for (const { name } of [...filesBelow(path)]) rmSync(join(path, name));
  try {
    renameSync(draft, path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === "EBUSY" ? "it is a mount point; name a directory in it" : message;
    throw new UnusableState(`${path} cannot be made: ${reason}`, { cause });
  }
}
