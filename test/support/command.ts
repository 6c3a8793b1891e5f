import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { descendantsOf, isAlive } from "./processes.ts";

/** A command of the project as a person runs it, and what it has printed so far. */
export interface RunningCommand {
  pid: number;
  output(): string;
  /** Resolves with the first match in what it prints; rejects if it ends without one. */
  prints(pattern: RegExp): Promise<RegExpMatchArray>;
  signal(signal: NodeJS.Signals): void;
  /** Nobody reads any longer what it prints: the next of it is an error for who prints it. */
  stopReading(): void;
  /** Every process that it has started and that is there now. */
  descendants(): number[];
  /** Ends it and everything it started with SIGKILL, all at once. */
  killEverything(): number[];
  exitCode: Promise<number | null>;
}

/** Starts `infra/local/NAME.ts` with the launcher. */
export function startCommand(name: string, args: string[]): RunningCommand {
  return start(process.execPath, ["infra/launch.js", `infra/local/${name}.ts`, ...args]);
}

/** Starts `npm start` with options of ours. */
export function npmStart(args: string[]): RunningCommand {
  return start("npm", ["start", "--", ...args]);
}

function start(command: string, args: string[]): RunningCommand {
  const child = spawn(command, args, {
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    // What the tests set for themselves, nobody has set for it.
    env: { ...process.env, METADATA_SERVER_DETECTION: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }
  const exitCode = once(child, "close").then(([code]) => code as number | null);
  const pid = child.pid as number;
  return {
    pid,
    output: () => output,
    prints: (pattern) => printed(child, pattern, () => output),
    signal: (signal) => void child.kill(signal),
    stopReading() {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    descendants: () => descendantsOf(pid),
    killEverything() {
      const pids = [pid, ...descendantsOf(pid)];
      for (const each of pids) if (isAlive(each)) process.kill(each, "SIGKILL");
      return pids;
    },
    exitCode,
  };
}

function printed(
  child: ChildProcess,
  pattern: RegExp,
  output: () => string,
): Promise<RegExpMatchArray> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const match = output().match(pattern);
      if (match) resolve(match);
    };
    child.stdout?.on("data", look);
    child.once("close", () => {
      look();
      reject(new Error(`ended without printing ${pattern}:\n${output()}`));
    });
    look();
  });
}
