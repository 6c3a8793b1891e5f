import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Fault } from "../../../infra/emulators/wire/fault.ts";

/** The port of each service. */
export interface HostPorts {
  firestore: number;
  storage: number;
  pubsub: number;
  cloudBuild: number;
}

/** What a host is told to start. */
export interface HostOrder {
  directory: string;
  ports: HostPorts;
  /** What goes wrong in it besides; without predicates. */
  faults: Fault[];
}

/** A process that has loaded the services, or is about to. */
export interface Host {
  /** Resolves when the code is there; rejects if the process ends before. */
  loaded: Promise<unknown>;
  /** Starts the services; resolves when all accept calls, rejects if the process ends before. */
  start(order: HostOrder): Promise<void>;
  /** SIGKILL; resolves when the process is gone. @throws {Error} if it had ended by itself */
  kill(): Promise<void>;
}

/** Starts a process that loads the services and then waits for its order. */
export function prepareHost(): Host {
  const child = fork(fileURLToPath(new URL("./host.ts", import.meta.url)), [], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { PATH: process.env["PATH"], METADATA_SERVER_DETECTION: "none" },
  });
  const exited = once(child, "exit");
  const loaded = messageOf(child);
  // Whoever waits is told; a host that is killed while nobody waits is none of ours.
  loaded.catch(() => {});
  return {
    loaded,
    async start(order) {
      await loaded;
      const started = messageOf(child);
      child.send(order);
      await started;
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the host ended by itself: ${child.signalCode ?? child.exitCode}`);
      }
      child.kill("SIGKILL");
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
