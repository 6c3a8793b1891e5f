import { usageFault } from "./failure.ts";
import { oneLine } from "./terminal.ts";

/** Begins the part of a patch that is about one file; no line of a file's content begins so. */
const PART = /^(?=diff --git )/m;

/**
 * What a patch has of the files in a folder at its top, with their names as they are.
 *
 * @throws {Failure} if that is no name of such a folder
 */
export function patchOfFolder(patch: Buffer, folder: string): Buffer {
  if (!/^\w[\w.-]*$/.test(folder)) {
    throw usageFault(`--folder ${oneLine(folder)} is no folder of a run's repositories`);
  }
  const parts = patch.toString("latin1").split(PART);
  const own = parts.filter((part) => /^diff --git "?a\//.test(part) && beginsIn(part, folder));
  return Buffer.from(own.join(""), "latin1");
}

const beginsIn = (part: string, folder: string): boolean =>
  part.startsWith(`a/${folder}/`, part.indexOf("a/"));
