import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { usageFault } from "../../../cli/failure.ts";
import { complain, say } from "../../../cli/terminal.ts";
import { bytes, counted } from "../../../cli/text.ts";
import { Interrupted, interruption } from "../interruption.ts";
import { clearState, isClearable } from "./clear.ts";
import { StateInUse } from "./directory.ts";
import { exportState } from "./export.ts";
import { importState } from "./import.ts";
import { infoText, stateInfo } from "./info.ts";

/** Says what is in a state directory, and where its server is; changes nothing. */
export function sayInfo(path: string, { json }: { json?: boolean }): void {
  const found = stateInfo(path);
  say(json ? JSON.stringify(found, null, 2) : infoText(found));
}

/** Writes all of it to a file that does not exist yet, or to standard output (`-`). */
export async function exportTo(
  path: string,
  file: string,
  { withKey = false }: { withKey?: boolean },
): Promise<void> {
  if (file === "-" && process.stdout.isTTY) {
    throw usageFault(
      "an archive is nothing for a terminal: name a file, or send it somewhere with |",
    );
  }
  const target = file === "-" ? process.stdout : resolve(file);
  const { files, sizeBytes } = await exportState({ path, target, withKey, signal: interruption() });
  const key = withKey ? "the API key is in it" : "without the API key";
  // Not to standard output, where the archive may be.
  complain(`Exported ${counted(files, "file")}, ${bytes(sizeBytes)}, to ${file}; ${key}.`);
}

/** Makes a state directory from such a file, all or nothing. */
export async function importFrom(path: string, file: string): Promise<void> {
  const source = file === "-" ? process.stdin : resolve(file);
  const { files } = await importState({ path, source, signal: interruption() });
  say(`Imported ${counted(files, "file")} to ${path}.`);
}

/** Removes the directory for good; false if somebody said no. */
export async function clear(path: string, { yes }: { yes?: boolean }): Promise<boolean> {
  if (!isClearable(path)) {
    say(`There is nothing to clear: ${path} does not exist.`);
    return true;
  }
  if (!yes && !(await isConfirmed(path))) {
    complain("Nothing was removed.");
    return false;
  }
  await clearState(path);
  say(`Removed ${path}.`);
  return true;
}

async function isConfirmed(path: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw usageFault("clear needs --yes where nobody can be asked");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = `Remove ${path} with all its runs, messages, objects and builds? Type yes: `;
    return (await terminal.question(question)).trim() === "yes";
  } finally {
    terminal.close();
  }
}

/** What went wrong, for a person. */
export function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof StateInUse) {
    const where = error.server ? `: a server runs at ${error.server.apiUrl}` : "";
    return `${error.message}${where}. Stop it first, or name another directory with --state DIR.`;
  }
  if (error.name === "AbortError" || error instanceof Interrupted)
    return "Broken off; nothing was made.";
  return error.message;
}
