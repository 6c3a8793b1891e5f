import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DocumentData, Firestore, type QuerySnapshot } from "@google-cloud/firestore";
import * as grpc from "@grpc/grpc-js";
import { type RunningFirestore, startFirestore } from "../../../infra/emulators/firestore/start.ts";
import type { Clock } from "../../../infra/emulators/wire/clock.ts";
import { googleChannel } from "../google-channel.ts";
import {
  contractProject,
  EMULATORS,
  emulatorHost,
  PATIENCE,
  randomName,
  TARGET,
} from "../target.ts";
import { useDatabase } from "./remote-database.ts";

/** A clock that stands still until it is advanced. */
export interface FakeClock extends Clock {
  /** Moves on, calling the timers that become due in their order. */
  advance(ms: number): void;
}

export function makeClock(start = Date.UTC(2030, 0, 1)): FakeClock {
  let now = start;
  let timers: { due: number; callback: () => void }[] = [];
  return {
    now: () => now,
    setTimeout(callback, delayMs) {
      const timer = { due: now + delayMs, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      const end = now + ms;
      while (true) {
        const next = timers.toSorted((left, right) => left.due - right.due)[0];
        if (!next || next.due > end) break;
        now = next.due;
        timers = timers.filter((timer) => timer !== next);
        next.callback();
      }
      now = end;
    },
  };
}

/** A Firestore and clients of it. */
export interface World {
  db: Firestore;
  /** One more client. */
  connect(projectId?: string, databaseId?: string): Firestore;
  /** A gRPC client, for requests that the official one would not send. */
  rawClient(): grpc.Client;
  /** On the stand-in alone. */
  service: RunningFirestore;
  /** On the stand-in alone. */
  directory: string;
  /**
   * Stops the service and starts it again on the same directory and port. On the stand-in alone.
   */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What only the stand-in takes. */
interface WorldOptions {
  clock?: Clock;
  indexes?: object;
}

/** The project and database of this test file, and how the names of documents in it begin. */
export const PROJECT = contractProject();
const DATABASE_ID = TARGET === "remote" ? randomName("contract") : "(default)";
export const DATABASE = `projects/${PROJECT}/databases/${DATABASE_ID}`;
export const ROOT = `${DATABASE}/documents`;

if (TARGET === "remote") useDatabase(PROJECT, DATABASE_ID);

/** The stand-in on a directory of its own, or an empty database of the target. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  return TARGET === "standIn" ? startStandIn(options) : openTarget();
}

/** The stand-in on a directory of its own, whatever the target is. */
export async function startStandIn(options: WorldOptions = {}): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), "firestore-"));
  const indexesFile = join(directory, "firestore.indexes.json");
  if (options.indexes) await writeFile(indexesFile, JSON.stringify(options.indexes));
  const start = (port: number) =>
    startFirestore({
      directory: join(directory, "state"),
      port,
      ...(options.clock ? { clock: options.clock } : {}),
      ...(options.indexes ? { indexesFile } : {}),
    });
  const service = await start(0);
  const clients = openClients(service.address);
  const world: World = {
    ...clients,
    service,
    directory: join(directory, "state"),
    async restart() {
      await world.service.close();
      world.service = await start(Number(service.address.split(":")[1]));
    },
    async [Symbol.asyncDispose]() {
      await clients.close();
      await world.service.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return world;
}

/** Whatever the test leaves is removed at its end: the file's tests share a database. */
async function openTarget(): Promise<World> {
  const clients = openClients(TARGET === "remote" ? undefined : emulatorHost("firestore"));
  const onStandIn = () => {
    throw new Error("only the stand-in has this; declare the test as standInTest");
  };
  return {
    ...clients,
    get service() {
      return onStandIn();
    },
    get directory() {
      return onStandIn();
    },
    restart: onStandIn,
    async [Symbol.asyncDispose]() {
      for (const collection of await clients.db.listCollections()) {
        await clients.db.recursiveDelete(collection);
      }
      await clients.close();
    },
  };
}

/** Clients of Firestore at `host`, or of Google's. */
function openClients(host: string | undefined) {
  const clients: Firestore[] = [];
  const connect = (projectId = PROJECT, databaseId = DATABASE_ID) => {
    const variable = process.env[EMULATORS.firestore.variable];
    // The client obeys it above what it is told.
    if (host !== undefined) process.env[EMULATORS.firestore.variable] = host;
    const client = new Firestore({ projectId, databaseId });
    if (variable === undefined) Reflect.deleteProperty(process.env, EMULATORS.firestore.variable);
    else process.env[EMULATORS.firestore.variable] = variable;
    clients.push(client);
    return client;
  };
  return {
    db: connect(),
    connect,
    rawClient: () =>
      host === undefined
        ? googleChannel("firestore.googleapis.com")
        : new grpc.Client(host, grpc.credentials.createInsecure()),
    close: () => Promise.all(clients.map((client) => client.terminate())),
  };
}

/** The ids of a result, in order. */
export function idsOf(snapshot: QuerySnapshot<DocumentData>): string[] {
  return snapshot.docs.map(({ id }) => id);
}

/** What a call was refused with. */
export async function refusalOf(
  call: Promise<unknown>,
): Promise<{ code: number; details: string }> {
  try {
    await call;
  } catch (error) {
    const { code, details, message } = error as { code: number; details?: string; message: string };
    return { code, details: details ?? message };
  }
  throw new Error("the call was not refused");
}

/** Tries again until the check passes; fails with its last error after a minute. */
export async function eventually(
  check: () => void | Promise<void>,
  withinMs = 60_000,
): Promise<void> {
  const end = Date.now() + withinMs * PATIENCE;
  while (true) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
