import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Removes a folder with all that is in it, whatever an agent did there: the system's own programs
 * go down to any depth, where a path would be too long to be opened, and open folders without
 * modes.
 *
 * @returns what stays, in one sentence; never throws.
 */
export async function removeTree(path: string): Promise<string | undefined> {
  const remove = () => run("rm", ["-rf", "--", path], LIMITS);
  try {
    await remove();
  } catch {
    try {
      // It fails where the tree is not ours, and that is told by what follows.
      await run("chmod", ["-R", "u+rwx", "--", path], LIMITS).catch(() => {});
      await remove();
    } catch (error) {
      const { stderr = "", message } = error as Error & { stderr?: string };
      const why = (stderr || message).trim().split("\n")[0] ?? "";
      return `cannot be removed: ${path} (${why.slice(0, 300)})`;
    }
  }
  return undefined;
}

/** Of what they say the beginning is enough; a path can be very long. */
const LIMITS = { maxBuffer: 64 * 1024 * 1024 } as const;
