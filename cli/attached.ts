import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { basename, isAbsolute, relative, resolve, sep } from "node:path";
import type { CreateRun } from "../client/types.ts";
import { systemReason, usageFault } from "./failure.ts";
import type { ReadEntry } from "./here/pack.ts";
import { oneLine } from "./terminal.ts";

type GivenFile = NonNullable<CreateRun["files"]>[number];

/** Files that are larger, and those beyond so many bytes together, are uploaded. */
const INLINE_BYTES = { each: 64 * 1024, together: 256 * 1024 };

/**
 * The files that `--attach` names, as a request has them: one of the present folder by its path in
 * that, any other by its name. What is too large for a request is uploaded.
 *
 * @throws {Failure} that names the file which cannot be read
 */
export async function attachedFiles(
  names: readonly string[],
  upload: (content: Uint8Array<ArrayBuffer>) => Promise<string>,
): Promise<GivenFile[]> {
  let inline = 0;
  const files: GivenFile[] = [];
  for (const { path, bytes, isExecutable } of names.map(attached)) {
    const isLarge = bytes.length > INLINE_BYTES.each;
    const isInline = !isLarge && inline + bytes.length <= INLINE_BYTES.together;
    inline += isInline ? bytes.length : 0;
    const content = isInline ? contentOf(bytes) : { upload: await upload(bytes) };
    files.push({ path, ...content, ...(isExecutable && { executable: true }) });
  }
  return files;
}

function contentOf(bytes: Buffer): Pick<GivenFile, "content" | "base64"> {
  const isText = isUtf8(bytes) && !bytes.includes(0);
  return isText ? { content: bytes.toString() } : { base64: bytes.toString("base64") };
}

/** The files as they are put on top of a tree. */
export const attachedEntries = (names: readonly string[]): ReadEntry[] =>
  names.map(attached).map(({ path, bytes, isExecutable }) => ({
    ...{ path, kind: "file", sizeBytes: bytes.length, isExecutable },
    content: Buffer.from(bytes),
  }));

function attached(name: string) {
  const path = placeOf(name);
  try {
    const isExecutable = (statSync(name).mode & 0o100) !== 0;
    return { path, bytes: readFileSync(name), isExecutable };
  } catch (error) {
    throw usageFault(`--attach ${oneLine(name)} cannot be read: ${systemReason(error)}`, error);
  }
}

function placeOf(name: string): string {
  const below = relative(process.cwd(), resolve(name));
  const isElsewhere = isAbsolute(below) || below === ".." || below.startsWith(`..${sep}`);
  return (isElsewhere ? basename(name) : below.replaceAll(sep, "/")).normalize("NFC");
}
