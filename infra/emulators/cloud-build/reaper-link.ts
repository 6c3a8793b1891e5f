import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Leader } from "./processes.ts";

/** A reaper that always dies at once is not worth a storm of processes. */
const MAX_RESTARTS = 10;

/** One line of the pipe to the reaper. */
export type ReaperMessage =
  | { watch: string }
  | { watch: string; leader: Leader }
  | { forget: string };

/** The pipe to the process that kills what is left of our builds should this process be killed. */
export interface ReaperLink {
  tell(message: ReaperMessage): void;
  /** Closes the pipe and waits for the reaper to end. Call when every build has been killed. */
  close(): Promise<void>;
}

/**
 * Starts the reaper, and another one should it die; `known` says what that has to be told first.
 */
export function startReaper(known: () => ReaperMessage[]): ReaperLink {
  let isClosing = false;
  let restarts = 0;
  let reaper = spawnReaper(restart);

  function restart(): void {
    restarts += 1;
    if (isClosing || restarts > MAX_RESTARTS) return;
    reaper = spawnReaper(restart);
    for (const message of known()) tell(message);
  }

  function tell(message: ReaperMessage): void {
    reaper.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  return {
    tell,
    async close() {
      isClosing = true;
      if (reaper.pid === undefined || reaper.exitCode !== null || reaper.signalCode !== null)
        return;
      reaper.ref();
      const exited = once(reaper, "exit");
      reaper.stdin?.end();
      await exited;
    },
  };
}

function spawnReaper(onExit: () => void): ChildProcess {
  const script = fileURLToPath(new URL("./reaper.ts", import.meta.url));
  const reaper = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script], {
    stdio: ["pipe", "ignore", "ignore"],
    // Not in our process group: what kills the whole group leaves the reaper to its work.
    detached: true,
    env: {},
  });
  reaper.on("exit", onExit);
  // A reaper that could not start, or died, must not take this process down.
  reaper.on("error", () => {});
  reaper.stdin?.on("error", () => {});
  reaper.unref();
  (reaper.stdin as unknown as { unref(): void } | null)?.unref();
  return reaper;
}
