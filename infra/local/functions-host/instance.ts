import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createConnection } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** How one function is run. */
export interface InstanceOptions {
  /** Name that the function is registered under. */
  target: string;
  /** Takes functions-framework's options. Default: its own program. */
  program?: string | undefined;
  /** Module that registers it, or an empty one where the program has it. */
  source: string;
  /** Serves it by what `env` says. Default: this Node, with the program. */
  entrypoint?: readonly string[] | undefined;
  /** Unix socket that it shall listen on. */
  socketPath: string;
  env: Record<string, string>;
  /** Receives every line that the function prints. */
  onLog(line: string): void;
}

/** A process that serves one function. */
export interface Instance {
  process: ChildProcess;
  socketPath: string;
  /** Settles when the process is gone. */
  exited: Promise<void>;
}

/** The framework's command line, which stands beside its main module. */
const FRAMEWORK = join(
  dirname(createRequire(import.meta.url).resolve("@google-cloud/functions-framework")),
  "main.js",
);
const EXIT_WITH_PARENT = fileURLToPath(new URL("./exit-with-parent.js", import.meta.url));
const START_TIMEOUT_MS = 60_000;
const PROBE_INTERVAL_MS = 10;

/**
 * Starts functions-framework for one function and waits until it accepts requests.
 *
 * @throws {Error} if it ends, or takes longer than a minute, before it does.
 */
export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const { target, program = FRAMEWORK, source, socketPath } = options;
  const flags = ["--disable-warning=ExperimentalWarning", `--import=file://${EXIT_WITH_PARENT}`];
  const ofThisNode = [process.execPath, ...flags, program, `--target=${target}`];
  const [file = "", ...args] = options.entrypoint ?? [...ofThisNode, `--source=${source}`];
  const child = spawn(file, args, {
    // The framework takes a path for a port as well as a number.
    env: { ...options.env, PORT: socketPath, FUNCTION_TARGET: target, NODE_ENV: "production" },
    stdio: ["pipe", "pipe", "pipe"],
    // Its own group: the terminal's Ctrl-C is for the host, which then drains the functions.
    detached: true,
  });
  const exited = once(child, "exit").then(() => {});
  for (const stream of [child.stdout, child.stderr]) forwardLines(stream, options.onLog);
  await accepting({ child, target, socketPath });
  return { process: child, socketPath, exited };
}

async function accepting({
  child,
  target,
  socketPath,
}: {
  child: ChildProcess;
  target: string;
  socketPath: string;
}): Promise<void> {
  const giveUpAt = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(socketPath))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the function ${target} ended while it started; its log says why`);
    }
    if (Date.now() > giveUpAt) {
      child.kill("SIGKILL");
      throw new Error(`the function ${target} did not start within ${START_TIMEOUT_MS / 1000} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MS));
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(socketPath);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function forwardLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  stream.on("end", () => rest !== "" && onLine(rest));
}
