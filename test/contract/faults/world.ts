import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";
import { startFirestore } from "../../../infra/emulators/firestore/start.ts";
import { startPubsub } from "../../../infra/emulators/pubsub/start.ts";
import { startStorage } from "../../../infra/emulators/storage/start.ts";
import type { Clock } from "../../../infra/emulators/wire/clock.ts";
import type { Fault, FaultAction, FaultTrigger } from "../../../infra/emulators/wire/fault.ts";
import { injectFaults } from "../../../infra/emulators/wire/faults.ts";
import { freePorts } from "../../support/free-ports.ts";

const PROJECT = "faulty";

/** Once, at the first call. */
export const ONCE: FaultTrigger = { count: 1 };

/** One fault that fires once. */
export function onceAt(method: string, action: FaultAction): Fault[] {
  return [{ method, when: ONCE, do: action }];
}

export function temporaryDirectory(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "faults-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A Firestore in which these things go wrong, and its client. */
export async function firestoreWith(faults: Fault[], clock?: Clock) {
  const directory = temporaryDirectory();
  const injected = injectFaults(faults, { seed: 1, ...(clock && { clock }) });
  const service = await startFirestore({ directory: directory.path, faults: injected });
  const db = firestoreAt(service.address);
  return {
    db,
    address: service.address,
    injected,
    fired: () => injected.counts().map(({ fired }) => fired),
    async [Symbol.asyncDispose]() {
      await db.terminate();
      await service.close();
      directory[Symbol.dispose]();
    },
  };
}

/** A Pub/Sub in which these things go wrong, its client, and the topic `events`. */
export async function pubsubWith(faults: Fault[], clock?: Clock) {
  const directory = temporaryDirectory();
  const injected = injectFaults(faults, { seed: 1, ...(clock && { clock }) });
  const service = await startPubsub({ directory: directory.path, faults: injected });
  const pubsub = pubsubAt(service.address);
  const [topic] = await pubsub.createTopic("events");
  return {
    pubsub,
    topic,
    publish: (text: string) => topic.publishMessage({ data: Buffer.from(text) }),
    fired: () => injected.counts().map(({ fired }) => fired),
    async [Symbol.asyncDispose]() {
      await pubsub.close();
      await service.close();
      directory[Symbol.dispose]();
    },
  };
}

/** A Cloud Storage in which these things go wrong, and a bucket of its client. */
export async function storageWith(faults: Fault[], clock?: Clock) {
  const directory = temporaryDirectory();
  const injected = injectFaults(faults, { seed: 1, ...(clock && { clock }) });
  const options = { directory: directory.path, buckets: ["bucket"], faults: injected };
  const service = await startStorage(options);
  const bucketOf = (autoRetry: boolean) => storageAt(service.url, autoRetry).bucket("bucket");
  return {
    bucket: bucketOf(false),
    retrying: bucketOf(true),
    fired: () => injected.counts().map(({ fired }) => fired),
    async [Symbol.asyncDispose]() {
      await service.close();
      directory[Symbol.dispose]();
    },
  };
}

export function firestoreAt(host: string): Firestore {
  return new Firestore({ projectId: PROJECT, host, ssl: false });
}

export function pubsubAt(apiEndpoint: string): PubSub {
  return new PubSub({ projectId: PROJECT, apiEndpoint, emulatorMode: true });
}

export function storageAt(apiEndpoint: string, autoRetry: boolean): Storage {
  return new Storage({ projectId: PROJECT, apiEndpoint, retryOptions: { autoRetry } });
}

type ServiceName = "firestore" | "pubsub" | "storage" | "cloud-build";

/** One service in a process of its own, that a fault may kill. */
export async function startHost(
  service: ServiceName,
  directory: string,
  { faults = [], port }: { faults?: Fault[]; port?: number },
) {
  const [free] = await freePorts(1);
  const host = fileURLToPath(new URL("./host.ts", import.meta.url));
  const args = ["--disable-warning=ExperimentalWarning", host, service, directory];
  const child: ChildProcess = spawn(
    process.execPath,
    [...args, String(port ?? free), JSON.stringify(faults)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const ended = once(child, "exit").then(([, signal]) => signal as string | null);
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const address = line.toString().trim();
  return {
    address,
    port: Number(address.slice(address.lastIndexOf(":") + 1)),
    /** Resolves with the signal that ended it. */
    ended,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The gRPC code or HTTP status with which a call was refused. */
export async function codeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return "no error";
}
