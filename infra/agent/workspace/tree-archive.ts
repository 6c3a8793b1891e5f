import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream, TransformStream } from "node:stream/web";
import { createGunzip } from "node:zlib";
import { createTarDecoder, type ParsedTarEntry, type TarHeader } from "modern-tar";
import { isRefusedByGit, MAX_PATH_BYTES } from "../../../shared/git-names.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { utf8Length } from "../../../shared/text.ts";
import { oneLine } from "../text.ts";
import { commitHead, quote } from "./git.ts";

/** Bounds of a sent tree; see `RUN_LIMITS`. */
export type TreeLimits = Record<"treeEntries" | "treeBytes", number>;

/** What is wrong with a sent tree, in words that go on after its name. */
export class UnusableTree extends Error {
  override readonly name = "UnusableTree";
}

/**
 * Commands of fast-import that make a commit of the branch `name` out of a tar with gzip: of its
 * files and symbolic links, byte for byte, and of nothing else. Nothing is unpacked but by git.
 *
 * @param folders gets every folder of it
 * @throws {UnusableTree} if it is damaged, too large, or has what no tree of git has
 */
export async function* commandsOfArchive(
  archive: Buffer,
  { name, folders, limits = RUN_LIMITS }: { name: string; folders: string[]; limits?: TreeLimits },
): AsyncGenerator<string | Uint8Array> {
  yield commitHead(name);
  const tar = createGunzip();
  const counted = countedUpTo(limits.treeBytes);
  const read = pipeline(Readable.from([archive]), tar, counted);
  read.catch(() => {});
  const decoder = createTarDecoder({ strict: true }) as TransformStream<Uint8Array, ParsedTarEntry>;
  const entries = (Readable.toWeb(counted) as ReadableStream<Uint8Array>).pipeThrough(decoder);
  try {
    let count = 0;
    for await (const { header, body } of entries) {
      count += 1;
      if (count > limits.treeEntries) {
        throw new UnusableTree(`has more than ${limits.treeEntries} files, folders and links`);
      }
      yield* commandsOf(header, { body: body as ReadableStream<Uint8Array>, folders });
    }
    await read;
  } catch (error) {
    throw await causeOf(error, read);
  }
  yield "done\n";
}

/** What reading ended with says more than what its reader was told: that it broke off. */
async function causeOf(error: unknown, read: Promise<void>): Promise<UnusableTree> {
  if (error instanceof UnusableTree) return error;
  const cause = await Promise.race([read.catch((reason: unknown) => reason), undefined]);
  if (cause instanceof UnusableTree) return cause;
  const { message } = (cause ?? error) as Error;
  return new UnusableTree(`is no tar with gzip, or damaged: ${oneLine(message, 200)}`, {
    cause: error,
  });
}

function countedUpTo(most: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      if (bytes <= most) done(null, piece);
      else done(new UnusableTree(`has more than ${most} bytes when it is unpacked`));
    },
  });
}

async function* commandsOf(
  { name, type = "file", mode = 0o644, size, linkname = "" }: TarHeader,
  { body, folders }: { body: ReadableStream<Uint8Array>; folders: string[] },
): AsyncGenerator<string | Uint8Array> {
  if (type === "pax-global-header") return void (await body.cancel());
  if (type !== "file" && type !== "directory" && type !== "symlink") {
    throw new UnusableTree(
      `has a ${type} at ${JSON.stringify(name)}: only files, folders and symbolic links are taken`,
    );
  }
  const path = pathOf(name, type);
  if (type === "directory") {
    if (path !== "") folders.push(path);
    return void (await body.cancel());
  }
  const gitMode = (mode & 0o100) === 0 ? "100644" : "100755";
  if (type === "symlink") {
    await body.cancel();
    const target = Buffer.from(linkname);
    yield `M 120000 inline ${quote(path)}\ndata ${target.length}\n`;
    yield target;
  } else {
    yield `M ${gitMode} inline ${quote(path)}\ndata ${size}\n`;
    yield* body;
  }
  yield "\n";
}

/**
 * The path of an entry below the tree, as latin1; of the tree itself: empty.
 *
 * @throws {UnusableTree} if it leads out of it, or git takes it into no tree
 */
function pathOf(name: string, type: "file" | "directory" | "symlink"): string {
  const path = name.replace(/^(\.\/+)+/, "").replace(/\/+$/, "");
  if (type === "directory" && (path === "" || path === ".")) return "";
  const bytes = Buffer.from(path).toString("latin1");
  const fault = faultOf(path) ?? (isRefusedByGit(bytes, type === "symlink") ? BY_GIT : undefined);
  if (fault === undefined) return bytes;
  throw new UnusableTree(`has ${JSON.stringify(oneLine(name, 200))}, which ${fault}`);
}

const BY_GIT = "git takes into no tree";

function faultOf(path: string): string | undefined {
  const names = path.split("/");
  if (names.some((one) => one === "" || one === "." || one === "..")) return "leads out of it";
  if (path.includes("\ufffd")) return "is not UTF-8";
  if (path.includes("\0") || utf8Length(path) > MAX_PATH_BYTES) return "is no path of a file";
  return undefined;
}
