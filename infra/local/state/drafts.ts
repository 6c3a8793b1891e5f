import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isInUse } from "../../../cli/local-server.ts";
import { lockStateDirectory } from "./directory.ts";

/** What an import unpacks into, beside the place that it is for. */
interface Draft {
  path: string;
  /** It belongs to this process no longer. */
  release(): void;
}

/**
 * Makes a draft of the state directory `path`. It is locked, so that another process sees whether
 * somebody still works on it.
 *
 * @throws {UnusableState} if nothing can be written there
 */
export function makeDraft(path: string): Draft {
  const draft = mkdtempSync(`${path}.import-`);
  try {
    return { path: draft, ...lockStateDirectory(draft) };
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Removes the drafts of the state directory `path` whose imports were killed. Others are left
 * alone.
 */
export function removeBrokenDrafts(path: string): void {
  const parent = dirname(resolve(path));
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(`${basename(path)}.import-`)) continue;
    const draft = join(parent, name);
    if (existsSync(join(draft, "lock.db")) && !isInUse(draft)) {
      rmSync(draft, { recursive: true, force: true });
    }
  }
}
