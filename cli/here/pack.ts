import { once } from "node:events";
import { lstat, open, readlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { createGzip } from "node:zlib";
import { Failure, systemReason } from "../failure.ts";
import { oneLine } from "../terminal.ts";
import { bytes } from "../text.ts";
import { type Entry, type Listing, TREE_LIMITS } from "./listing.ts";
import { looksSecret } from "./secret-like.ts";

/** An entry as it was read. */
export interface ReadEntry extends Entry {
  /** A file's bytes, or where a link points; of a folder none. */
  content: Buffer<ArrayBuffer>;
}

/** What was read of a tree beside its contents. */
export interface Remarks {
  /** Paths of files that look as if they held secrets, sent or not. */
  secrets: string[];
  /** The same of those that stand for a content which Git LFS has. */
  pointers: string[];
  /** The same of those that were written to whenever they were read. */
  unsteady: string[];
}

export interface ReadingOptions {
  /** Files that look as if they held secrets stay here. */
  omitsSecrets: boolean;
  signal: AbortSignal;
}

/**
 * Reads a tree, an entry after the other: what is no longer there is left out.
 *
 * @param remarks is filled
 */
export async function* readTree(
  { root, entries }: Pick<Listing, "root" | "entries">,
  { omitsSecrets, signal }: ReadingOptions,
  remarks: Remarks,
): AsyncGenerator<ReadEntry> {
  for (const entry of entries) {
    signal.throwIfAborted();
    const read = await readEntry(root, entry);
    if (read === undefined) continue;
    const { path, content, isUnsteady } = read;
    if (isUnsteady) remarks.unsteady.push(path);
    if (entry.kind === "file" && isPointer(content)) remarks.pointers.push(path);
    const isSecret = entry.kind === "file" && looksSecret(path, content);
    if (isSecret) remarks.secrets.push(path);
    if (!(isSecret && omitsSecrets)) yield read;
  }
}

const LFS = "version https://git-lfs.github.com/spec/";
const isPointer = (content: Buffer): boolean =>
  content.length < 1024 && content.subarray(0, LFS.length).toString() === LFS;

const TRIES = 3;

async function readEntry(
  root: string,
  entry: Entry,
): Promise<(ReadEntry & { isUnsteady: boolean }) | undefined> {
  const { path, kind } = entry;
  const place = join(root, path);
  try {
    if (kind === "folder") return { ...entry, content: Buffer.alloc(0), isUnsteady: false };
    if (kind === "link") {
      const content = Buffer.from(await readlink(place, { encoding: "buffer" }));
      return { ...entry, content, isUnsteady: false };
    }
    for (let left = TRIES; ; left -= 1) {
      const { content, isSteady } = await readFile(place);
      if (isSteady || left === 1) return { ...entry, content, isUnsteady: !isSteady };
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It went, or another took its place: the tree is as it is now.
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EINVAL") return undefined;
    const why = `${oneLine(path)} cannot be read: ${systemReason(error)}`;
    throw new Failure(`${why}; have git ignore it, or let it be read`, { cause: error });
  }
}

async function readFile(place: string) {
  await using file = await open(place, "r");
  const before = await file.stat({ bigint: true });
  const content = await file.readFile();
  const after = await file.stat({ bigint: true });
  const now = await lstat(place, { bigint: true });
  const isSame = before.mtimeNs === after.mtimeNs && before.size === after.size;
  const isSteady = isSame && now.ino === after.ino && BigInt(content.length) === after.size;
  return { content: content as Buffer<ArrayBuffer>, isSteady };
}

const MODES = { file: 0o644, link: 0o777, folder: 0o755 } as const;
const TYPES = { file: "file", link: "symlink", folder: "directory" } as const;
/** The same tree makes the same archive. */
const LONG_AGO = new Date(0);

/** What a tree came to. */
export interface Packed {
  archive: Buffer<ArrayBuffer>;
  /** Files and links. */
  count: number;
  /** Of the contents. */
  sizeBytes: number;
}

/**
 * A tar with gzip, which is held in memory: `through` packs what is read from it, and `done` ends
 * it.
 *
 * @throws {Failure} if it is too large to be sent
 */
export async function openPack() {
  const { createTarPacker } = await import("modern-tar");
  const { readable, controller } = createTarPacker();
  const zip = createGzip();
  const packed = gathered(Readable.fromWeb(readable as ReadableStream).pipe(zip));
  packed.catch(() => {});
  let [count, sizeBytes] = [0, 0];
  return {
    async *through(entries: AsyncIterable<ReadEntry>): AsyncGenerator<ReadEntry> {
      for await (const entry of entries) {
        const writer = controller.add(headerOf(entry)).getWriter();
        const { kind, content } = entry;
        if (kind === "file" && content.length > 0) await writer.write(content);
        await writer.close();
        count += kind === "folder" ? 0 : 1;
        sizeBytes += content.length;
        if (zip.writableNeedDrain) await Promise.race([once(zip, "drain"), packed]);
        yield entry;
      }
    },
    async done(): Promise<Packed> {
      controller.finalize();
      return { archive: await packed, count, sizeBytes };
    },
  };
}

function headerOf({ path, kind, isExecutable, content }: ReadEntry) {
  return {
    name: kind === "folder" ? `${path}/` : path,
    type: TYPES[kind],
    size: kind === "file" ? content.length : 0,
    mode: isExecutable ? 0o755 : MODES[kind],
    mtime: LONG_AGO,
    ...(kind === "link" && { linkname: content.toString() }),
  };
}

async function gathered(pieces: AsyncIterable<Buffer>): Promise<Buffer<ArrayBuffer>> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    parts.push(piece);
    length += piece.length;
    if (length > TREE_LIMITS.packedBytes) throw tooLarge();
  }
  return Buffer.concat(parts);
}

const tooLarge = (): Failure =>
  new Failure(
    `The tree has more than ${bytes(TREE_LIMITS.packedBytes)} when it is packed, and is not sent: have git ignore what is not needed.`,
  );
