import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { descendantsOf, killAll } from "./processes.ts";

/** A command of the project as a person runs it, and what it has printed so far. */
export interface RunningCommand {
  pid: number;
  output(): string;
  /** Resolves with the first match in what it prints; rejects if it ends without one. */
  prints(pattern: RegExp): Promise<RegExpMatchArray>;
  signal(signal: NodeJS.Signals): void;
  /** Its standard input; at its end from the beginning unless it was asked for. */
  input: Writable;
  /** Nobody reads any longer what it prints: the next of it is an error for who prints it. */
  stopReading(): void;
  /** Every process that it has started and that is there now. */
  descendants(): number[];
  /** Ends it and everything it started with SIGKILL, all at once. */
  killEverything(): number[];
  exitCode: Promise<number | null>;
}

const PROGRAM = ["infra/launch.js", "cli/main.ts"];

/**
 * Starts `runyard` with the launcher, with further variables, and with an input to write to or
 * none.
 */
export function startCommand(
  args: string[],
  variables: Record<string, string> = {},
  { hasInput = false }: { hasInput?: boolean } = {},
): RunningCommand {
  return start(process.execPath, [...PROGRAM, ...args], { variables, hasInput });
}

/**
 * Starts `npm start` as a terminal does: all that it starts has one group, and gets each Ctrl-C.
 */
export function npmStartInTerminal(args: string[]): RunningCommand & { interrupt(): void } {
  const command = start("npm", ["start", "--", ...args], { detached: true });
  return { ...command, interrupt: () => void process.kill(-command.pid, "SIGINT") };
}

/** Starts `npm start` with options of ours. */
export function npmStart(args: string[]): RunningCommand {
  return start("npm", ["start", "--", ...args], {});
}

interface StartOptions {
  variables?: Record<string, string>;
  detached?: boolean;
  /** Whether there is something to read for it. Default: its input is empty. */
  hasInput?: boolean;
}

function start(
  command: string,
  args: string[],
  { variables = {}, detached = false, hasInput = false }: StartOptions,
): RunningCommand {
  const child = spawn(command, args, {
    detached,
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    // What the tests set for themselves, nobody has set for it.
    env: { ...process.env, METADATA_SERVER_DETECTION: undefined, ...variables },
    stdio: "pipe",
  });
  if (!hasInput) child.stdin.end();
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
    input: child.stdin,
    stopReading() {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    descendants: () => descendantsOf(pid),
    killEverything() {
      const pids = [pid, ...descendantsOf(pid)];
      killAll(pids);
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
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", look);
    child.once("close", () => {
      look();
      reject(new Error(`ended without printing ${pattern}:\n${output()}`));
    });
    look();
  });
}
