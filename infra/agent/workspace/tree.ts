import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { OmissionCause } from "../../../shared/documents/omissions.ts";
import { Anchor } from "./anchor.ts";

/** A regular file, symbolic link or folder below a folder that an agent wrote to. */
export interface TreeEntry {
  /** Bytes of the path below the folder, separated by `/`; names need not be UTF-8. */
  path: Buffer;
  kind: "file" | "link" | "folder";
  /** Permissions, as the agent set them. */
  mode: number;
  sizeBytes: number;
  /** Changes whenever the file does, and nobody can set it back. */
  signature: string;
  /** It changed so short a time ago that it may change again without another signature. */
  isRacy: boolean;
}

/** Something that is there and not among the entries; of a folder, with all that is below it. */
export interface LeftOut {
  path: Buffer;
  isFolder: boolean;
  why: OmissionCause;
}

/** Says why an entry is left out; `skip`: without a word. */
export type Judge = (
  path: Buffer,
  kind: TreeEntry["kind"] | "other",
) => OmissionCause | "skip" | undefined;

/** A tree as it was read. */
export interface Tree extends Disposable {
  entries: TreeEntry[];
  leftOut: LeftOut[];
  /** Reads an entry; see {@link readEntry}. */
  read(entry: TreeEntry): Buffer | undefined;
}

const SLASH = Buffer.from("/");
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Two changes within this time may leave the same time at a file. */
const RACY_NS = 50_000_000n;
/** Entries after which others get their turn. */
const BREATH = 500;

export interface ReadOptions {
  judge?: Judge;
  /**
   * Whether an agent may be at work there. What its owner has closed is left as it is, then.
   * Default: nobody is, and what is closed is opened to be read, and closed again when the tree is
   * disposed.
   */
  isLive?: boolean;
}

/**
 * Reads a tree in the order of its names. Links are listed, never followed, wherever they are put
 * meanwhile. What cannot be read is left out.
 */
export async function readTree(
  folder: string,
  { judge = () => undefined, isLive = false }: ReadOptions = {},
): Promise<Tree> {
  const reading = new Reading(folder, { judge, isLive });
  const open: Buffer[] = [Buffer.alloc(0)];
  let seen = 0;
  for (let below = open.pop(); below !== undefined; below = open.pop()) {
    const folders: Buffer[] = [];
    for (const path of reading.namesIn(below)) {
      if (reading.take(path)) folders.push(path);
      seen += 1;
      if (seen % BREATH === 0) await nextTurn();
    }
    open.push(...folders.reverse());
  }
  return reading;
}

class Reading implements Tree {
  readonly entries: TreeEntry[] = [];
  readonly leftOut: LeftOut[] = [];
  readonly #anchor: Anchor;
  readonly #judge: Judge;
  readonly #isLive: boolean;
  readonly #startNs = BigInt(Date.now()) * 1_000_000n;
  /** Folders that were opened, in this order, with the modes that they had. */
  readonly #opened: { path: Buffer; mode: number }[] = [];

  constructor(folder: string, { judge, isLive }: Required<ReadOptions>) {
    this.#anchor = new Anchor(folder);
    this.#judge = judge;
    this.#isLive = isLive;
  }

  /** Paths in a folder, sorted by their bytes. */
  namesIn(below: Buffer): Buffer[] {
    const read = () => readdirSync(this.#anchor.folderPathOf(below), { encoding: "buffer" });
    try {
      const names = this.#reach(below, read).sort(Buffer.compare);
      return names.map((name) => (below.length === 0 ? name : Buffer.concat([below, SLASH, name])));
    } catch (error) {
      if (!isGone(error)) this.leftOut.push({ path: below, isFolder: true, why: causeOf(error) });
      return [];
    }
  }

  /** Adds what is at a path. @returns whether it is a folder to go into. */
  take(path: Buffer): boolean {
    let found: BigIntStats;
    try {
      const parent = path.subarray(0, Math.max(0, path.lastIndexOf(SLASH)));
      const look = () => lstatSync(this.#anchor.pathOf(path), { bigint: true });
      found = this.#reach(parent, look);
    } catch (error) {
      if (!isGone(error)) this.leftOut.push({ path, isFolder: false, why: causeOf(error) });
      return false;
    }
    const kind = kindOf(found);
    const why = this.#judge(path, kind) ?? (kind === "other" ? "not_a_file" : undefined);
    if (why === "skip") return false;
    if (why !== undefined || kind === "other") {
      this.leftOut.push({ path, isFolder: kind === "folder", why: why ?? "not_a_file" });
      return false;
    }
    this.entries.push({
      path,
      kind,
      mode: Number(found.mode & 0o7777n),
      sizeBytes: Number(found.size),
      signature: signatureOf(found),
      isRacy: found.ctimeNs > this.#startNs - RACY_NS,
    });
    return kind === "folder";
  }

  /** Does something in a folder; if its owner has closed it, opens it before. */
  #reach<T>(below: Buffer, act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (!isDenied(error) || this.#isLive) throw error;
      const path = this.#anchor.pathOf(below);
      const mode = Number(lstatSync(path).mode & 0o7777);
      chmodSync(path, mode | 0o700);
      this.#opened.push({ path: below, mode });
      return act();
    }
  }

  read(entry: TreeEntry): Buffer | undefined {
    return readThrough(this.#anchor, entry, this.#isLive);
  }

  [Symbol.dispose](): void {
    for (const { path, mode } of this.#opened.reverse()) {
      try {
        chmodSync(this.#anchor.pathOf(path), mode);
      } catch {
        // It is open, then: nothing is lost by that.
      }
    }
    this.#anchor[Symbol.dispose]();
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";
const isDenied = (error: unknown): boolean => ["EACCES", "EPERM"].includes(codeOf(error));
const isGone = (error: unknown): boolean => ["ENOENT", "ENOTDIR"].includes(codeOf(error));

const causeOf = (error: unknown): OmissionCause =>
  codeOf(error) === "ENAMETOOLONG" ? "path_too_long" : "unreadable";

function kindOf(found: BigIntStats): TreeEntry["kind"] | "other" {
  if (found.isFile()) return "file";
  if (found.isSymbolicLink()) return "link";
  return found.isDirectory() ? "folder" : "other";
}

const signatureOf = ({ ino, ctimeNs, size, mode }: BigIntStats): string =>
  `${ino}.${ctimeNs}.${size}.${mode}`;

/** {@link Tree.read} of an entry alone, of a tree in which an agent may be at work. */
export function readEntry(folder: string, entry: TreeEntry): Buffer | undefined {
  using anchor = new Anchor(folder);
  return readThrough(anchor, entry, true);
}

/**
 * The content of an entry: a file's bytes, or where a link points. Undefined if it cannot be read
 * or is no longer what it was.
 */
function readThrough(anchor: Anchor, entry: TreeEntry, isLive: boolean): Buffer | undefined {
  const { path: below, kind, mode } = entry;
  try {
    if (kind === "link") return readlinkSync(anchor.pathOf(below), { encoding: "buffer" });
    return readFile(anchor.pathOf(below), entry);
  } catch (error) {
    return isDenied(error) && !isLive ? readClosed(anchor.pathOf(below), entry, mode) : undefined;
  }
}

/**
 * As many bytes as the file had: it may be growing. One that is another file by now is not read.
 */
function readFile(path: Buffer, entry: TreeEntry): Buffer | undefined {
  const file = openSync(path, READ);
  try {
    if (!fstatSync(file).isFile()) return undefined;
    const content = Buffer.allocUnsafe(entry.sizeBytes);
    let length = 0;
    while (length < content.length) {
      const read = readSync(file, content, length, content.length - length, length);
      if (read === 0) break;
      length += read;
    }
    // It changed while it was read: what was read is looked at again the next time.
    if (entry.signature !== signatureOf(fstatSync(file, { bigint: true }))) entry.isRacy = true;
    return content.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

function readClosed(path: Buffer, entry: TreeEntry, mode: number): Buffer | undefined {
  try {
    chmodSync(path, 0o600);
    try {
      return readFile(path, entry);
    } finally {
      chmodSync(path, mode);
    }
  } catch {
    return undefined;
  }
}
