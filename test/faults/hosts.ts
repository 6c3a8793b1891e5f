import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that has loaded what it hosts, or is about to. */
interface Host {
  pid: number;
  /** Resolves when the code is there; rejects if the process ends before. */
  loaded: Promise<unknown>;
  /** Gives it an order; resolves with what it answers, rejects if the process ends before. */
  ask(order: object): Promise<unknown>;
  /** Resolves when the process is gone. @throws {Error} if it had ended by itself */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

/** Starts a process that loads its code, says so, and then waits for its order. */
function prepareHost(program: string): Host {
  const child = fork(program, [], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { PATH: process.env["PATH"], METADATA_SERVER_DETECTION: "none" },
  });
  const exited = once(child, "exit");
  const loaded = messageOf(child);
  // Whoever waits is told; a host that is killed while nobody waits is none of ours.
  loaded.catch(() => {});
  return {
    pid: child.pid as number,
    loaded,
    async ask(order) {
      await loaded;
      const answer = messageOf(child);
      child.send(order);
      return answer;
    },
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the host ended by itself: ${child.signalCode ?? child.exitCode}`);
      }
      child.kill(signal);
      await exited;
    },
  };
}

function messageOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null) =>
      reject(new Error(`the host ended by itself: ${signal ?? code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message);
    });
  });
}

/** The present host and the one that has been prepared to follow it. */
export interface Hosts {
  /** The present one. */
  pid(): number;
  ask(order: object): Promise<unknown>;
  kill(): Promise<void>;
  /** SIGTERM: it ends in order. */
  terminate(): Promise<void>;
  /** Starts the next host and kills it before it is there, or just when it is. */
  killWhileStarting(afterMs: number): Promise<void>;
  /** Starts the next host; resolves with the milliseconds that it took. */
  restart(): Promise<number>;
  close(): Promise<void>;
}

/** Starts a host of `program`, and later ones with the same order. `answer` is the first one's. */
export async function openHosts(
  program: string,
  order: object,
): Promise<{ hosts: Hosts; answer: unknown }> {
  let present = prepareHost(program);
  let next = prepareHost(program);
  const answer = await present.ask(order).catch(async (error: unknown) => {
    await next.end("SIGKILL");
    throw error;
  });
  const takeNext = async (): Promise<Host> => {
    present = next;
    next = prepareHost(program);
    await present.loaded;
    return present;
  };
  const hosts: Hosts = {
    pid: () => present.pid,
    ask: (asked) => present.ask(asked),
    kill: () => present.end("SIGKILL"),
    terminate: () => present.end("SIGTERM"),
    async killWhileStarting(afterMs) {
      const host = await takeNext();
      const started = host.ask(order).catch(() => {});
      await sleep(afterMs);
      await host.end("SIGKILL");
      await started;
    },
    async restart() {
      const host = await takeNext();
      const from = performance.now();
      await host.ask(order);
      return performance.now() - from;
    },
    async close() {
      await Promise.allSettled([present.end("SIGKILL"), next.end("SIGKILL")]);
    },
  };
  return { hosts, answer };
}
