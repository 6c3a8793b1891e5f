import { constants } from "node:fs";
import { chmod, lstat, open, readdir, readlink } from "node:fs/promises";

/** A regular file or symbolic link below a folder that an agent wrote to. */
export interface TreeEntry {
  /** Bytes of the path below the folder, separated by `/`; names need not be UTF-8. */
  path: Buffer;
  kind: "file" | "link";
  isExecutable: boolean;
  sizeBytes: number;
}

const SLASH = Buffer.from("/");
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The path of an entry on this machine. */
const within = (folder: string | Buffer, path: Buffer): Buffer =>
  Buffer.concat([Buffer.from(folder), SLASH, path]);

/**
 * Lists a tree in the order of its names. Links are listed, never followed; devices, pipes and sockets
 * are left out, and so are names for which `skip` answers true, with what is below them.
 *
 * Call only while nothing else writes there.
 */
export async function* walkTree(
  folder: string,
  skip: (name: Buffer) => boolean = () => false,
): AsyncGenerator<TreeEntry> {
  const open: Buffer[] = [Buffer.alloc(0)];
  for (let below = open.pop(); below !== undefined; below = open.pop()) {
    const { entries, folders } = await list(folder, below, skip);
    yield* entries;
    open.push(...folders.reverse());
  }
}

async function list(folder: string, below: Buffer, skip: (name: Buffer) => boolean) {
  const entries: TreeEntry[] = [];
  const folders: Buffer[] = [];
  const isTop = below.length === 0;
  for (const name of await namesIn(isTop ? Buffer.from(folder) : within(folder, below))) {
    if (skip(name)) continue;
    const path = isTop ? name : Buffer.concat([below, SLASH, name]);
    const entry = await look(folder, path);
    if (entry === "folder") folders.push(path);
    else if (entry !== undefined) entries.push(entry);
  }
  return { entries, folders };
}

async function look(folder: string, path: Buffer): Promise<TreeEntry | "folder" | undefined> {
  const found = await lstat(within(folder, path)).catch(() => undefined);
  if (found?.isDirectory()) return "folder";
  if (!(found?.isFile() || found?.isSymbolicLink())) return undefined;
  const kind = found.isFile() ? "file" : "link";
  return { path, kind, isExecutable: (found.mode & 0o100) !== 0, sizeBytes: found.size };
}

/** Names in a folder, sorted by their bytes. One that was made unreadable is opened again: it is ours. */
async function namesIn(folder: Buffer): Promise<Buffer[]> {
  const read = () => readdir(folder, { encoding: "buffer" });
  const names = await read()
    .catch(async () => {
      await chmod(folder, 0o700);
      return read();
    })
    .catch((): Buffer[] => []);
  return names.sort(Buffer.compare);
}

/**
 * The content of an entry: a file's bytes, or where a link points. Undefined if it cannot be read or is
 * not what it was.
 */
export async function readEntry(folder: string, entry: TreeEntry): Promise<Buffer | undefined> {
  const path = within(folder, entry.path);
  try {
    if (entry.kind === "link") return await readlink(path, { encoding: "buffer" });
    const file = await open(path, READ).catch(async () => {
      await chmod(path, 0o600);
      return open(path, READ);
    });
    try {
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
