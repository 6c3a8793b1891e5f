import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";

/** The kernel's unit of processor time in `/proc`: USER_HZ is 100 on every Linux. */
const TICK_MS = 10;
const STOP_MS = 5000;

/** User and system time of a process and its threads so far, in milliseconds (steps of 10). */
export function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold anything; what follows it is split by spaces.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process, in MiB. */
export function rssMb(pid: number): number {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1024;
}

/**
 * Keeps a process and its threads on one core, if the machine has `taskset` and more than one: what
 * is measured on the last core, whatever drives it on the first.
 */
export async function pin(pid: number, role: "measured" | "driver"): Promise<void> {
  const cores = os.availableParallelism();
  if (cores < 2) return;
  const core = role === "measured" ? cores - 1 : 0;
  await new Promise<void>((resolve) => {
    execFile("taskset", ["-a", "-c", "-p", String(core), String(pid)], () => resolve());
  });
}

/** A process of the bench's own, which answers each message with one. */
export interface Helper {
  pid: number;
  /**
   * Sends a request and resolves with the answer; one at a time. @throws {Error} if it ends instead
   */
  ask<T>(request: object): Promise<T>;
}

/** Starts `FILE.ts` of this folder; it ends with `cleanup`, or when this process does. */
export async function startHelper(
  cleanup: AsyncDisposableStack,
  file: string,
  options: { args?: string[]; env?: Record<string, string> } = {},
): Promise<Helper> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const flags = ["--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, path, ...(options.args ?? [])], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: { ...process.env, METADATA_SERVER_DETECTION: "none", ...options.env },
  });
  cleanup.defer(() => stop(child));
  const answerOf = async () => {
    const ended = new AbortController();
    const [answer] = await Promise.race([
      once(child, "message", { signal: ended.signal }),
      once(child, "exit", { signal: ended.signal }).then(() => {
        throw new Error(`${file} has ended`);
      }),
    ]).finally(() => ended.abort());
    if (answer.error !== undefined) throw new Error(`${file}: ${answer.error}`);
    return answer;
  };
  await answerOf();
  return {
    pid: child.pid as number,
    ask(request) {
      const answer = answerOf();
      child.send(request);
      return answer;
    },
  };
}

/** Ends a process by SIGTERM, or after a while by SIGKILL, and waits for its end. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await exited;
  clearTimeout(timer);
}
