import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Removes a folder with all that is in it, whatever a step did there: the system's own programs go
 * down to any depth, where a path would be too long to be opened, and open folders without modes.
 * What stays is said on standard error.
 */
export async function removeTree(path: string): Promise<void> {
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
      process.stderr.write(`stand-in: cannot be removed: ${path} (${why.slice(0, 300)})\n`);
    }
  }
}

/** Of what they say the beginning is enough; a path can be very long. */
const LIMITS = { maxBuffer: 64 * 1024 * 1024 } as const;
