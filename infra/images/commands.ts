import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { Failure } from "../../cli/failure.ts";
import { say } from "../../cli/terminal.ts";

/** Where commands of a build write what they say. */
export interface Commands {
  /**
   * Runs a command and waits until it is over.
   *
   * @returns its standard output, which the log does not have then
   * @throws {Failure} with its last lines if it fails; the signal's reason if that aborts
   */
  run(argv: readonly string[]): Promise<string>;
  /** The same under a line that says what is done, and how long it took. */
  step(what: string, argv: readonly string[]): Promise<void>;
}

/** Lines of a command that failed that are shown; the log has all. */
const LAST_LINES = 15;

/** @param folder where `build.log` is made anew */
export function startCommands(folder: string, signal: AbortSignal): Commands {
  mkdirSync(folder, { recursive: true });
  const log = join(folder, "build.log");
  rmSync(log, { force: true });
  const run = async (argv: readonly string[]): Promise<string> => {
    signal.throwIfAborted();
    const [program = "", ...args] = argv;
    const file = createWriteStream(log, { flags: "a" });
    file.write(`\n$ ${argv.join(" ")}\n`);
    // A group of its own: Ctrl-C is for this process, which then ends all of it in order.
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    const stop = () => child.pid !== undefined && process.kill(-child.pid, "SIGTERM");
    signal.addEventListener("abort", stop, { once: true });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      file.write(text);
    });
    child.stderr.on("data", (text) => file.write(text));
    try {
      const [code] = await once(child, "close");
      if (code === 0 && !signal.aborted) return output;
    } catch (cause) {
      throw new Failure(`${program} does not start: ${(cause as Error).message}`, { cause });
    } finally {
      signal.removeEventListener("abort", stop);
      await finished(file.end());
    }
    signal.throwIfAborted();
    const last = readFileSync(log, "utf8").trimEnd().split("\n").slice(-LAST_LINES);
    throw new Failure(`${program} failed (all of it is in ${log}):\n  ${last.join("\n  ")}`);
  };
  return {
    run,
    async step(what, argv) {
      const start = performance.now();
      say(`${what} …`);
      await run(argv);
      say(`${what}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
    },
  };
}
