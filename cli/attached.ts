import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { basename, isAbsolute, relative, resolve, sep } from "node:path";
import type { CreateRun } from "../client/types.ts";
import { usageFault } from "./failure.ts";
import { oneLine } from "./terminal.ts";

type GivenFile = NonNullable<CreateRun["files"]>[number];

/**
 * The files that `--attach` names, as a request has them: one of the present folder by its path in that,
 * any other by its name.
 *
 * @throws {Failure} that names the file which cannot be read
 */
export const attachedFiles = (names: readonly string[]): GivenFile[] => names.map(attached);

function attached(name: string): GivenFile {
  const path = placeOf(name);
  try {
    const isExecutable = (statSync(name).mode & 0o100) !== 0;
    const bytes = readFileSync(name);
    const isText = isUtf8(bytes) && !bytes.includes(0);
    const content = isText ? { content: bytes.toString() } : { base64: bytes.toString("base64") };
    return { path, ...content, ...(isExecutable && { executable: true }) };
  } catch (error) {
    const why = (error as Error).message;
    throw usageFault(`--attach ${oneLine(name)} cannot be read: ${oneLine(why)}`, error);
  }
}

function placeOf(name: string): string {
  const below = relative(process.cwd(), resolve(name));
  const isElsewhere = isAbsolute(below) || below === ".." || below.startsWith(`..${sep}`);
  return (isElsewhere ? basename(name) : below.replaceAll(sep, "/")).normalize("NFC");
}
