import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DocumentData, Firestore, type QuerySnapshot } from "@google-cloud/firestore";
import { type RunningFirestore, startFirestore } from "../../../infra/local/firestore/start.ts";
import type { Clock } from "../../../infra/local/wire/clock.ts";

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

/** A stand-in on its own directory, and clients of it. */
export interface World {
  db: Firestore;
  service: RunningFirestore;
  directory: string;
  /** One more client. */
  connect(projectId?: string, databaseId?: string): Firestore;
  /** Stops the service and starts it again on the same directory and port. */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startWorld(
  options: { clock?: Clock; indexes?: object } = {},
): Promise<World> {
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
  const clients: Firestore[] = [];
  const connect = (projectId = "p1", databaseId = "(default)") => {
    const client = new Firestore({ projectId, databaseId, host: service.address, ssl: false });
    clients.push(client);
    return client;
  };
  const world: World = {
    db: connect(),
    service,
    directory: join(directory, "state"),
    connect,
    async restart() {
      await world.service.close();
      world.service = await start(Number(service.address.split(":")[1]));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.terminate()));
      await world.service.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return world;
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

/** Tries again until the check passes; fails with its last error after a few seconds. */
export async function eventually(
  check: () => void | Promise<void>,
  withinMs = 8000,
): Promise<void> {
  const end = Date.now() + withinMs;
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
