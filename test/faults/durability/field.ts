import { setTimeout as sleep } from "node:timers/promises";
import { CloudBuildClient } from "@google-cloud/cloudbuild";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";
import { grpc } from "google-gax";
import type { HostPorts } from "./host.ts";

export const PROJECT = "durability";

export const SERVICES = ["commits", "transactions", "publishes", "uploads", "builds"] as const;
export type Service = (typeof SERVICES)[number];

/** How operations went, as their caller sees it. */
export interface Tally {
  /** Answered with success. */
  acknowledged: number;
  /** What became of them is not known. */
  ambiguous: number;
  /** There was no host to connect to. */
  unreached: number;
}

/** What all loads share. The clients live as long as the whole run: they see hosts go and come. */
export interface Field {
  clients: ReturnType<typeof openClients>;
  random: () => number;
  tallies: Record<Service, Tally>;
  /** What must not be. */
  violations: string[];
  isOver(): boolean;
}

/** One kind of load. */
export interface Load {
  /** Makes load until the field is over. */
  run(): Promise<void>;
  /** Looks at everything that was done, on a host that nobody kills, and notes violations. */
  check(): Promise<void>;
}

/** Reconnect at once: a host is away for a moment only. */
const CHANNEL = {
  "grpc.initial_reconnect_backoff_ms": 20,
  "grpc.min_reconnect_backoff_ms": 20,
  "grpc.max_reconnect_backoff_ms": 100,
};

/** Numbers of ports as those of the four services. */
export function portsOf(numbers: readonly number[]): HostPorts {
  const [firestore = 0, storage = 0, pubsub = 0, cloudBuild = 0] = numbers;
  return { firestore, storage, pubsub, cloudBuild };
}

/** Google's clients at the services, which may go away and come back. */
export function openClients(
  projectId: string,
  { firestore, pubsub, storage, cloudBuild }: HostPorts,
) {
  return {
    firestore: new Firestore({
      projectId,
      host: `127.0.0.1:${firestore}`,
      ssl: false,
      ...CHANNEL,
    }),
    pubsub: new PubSub({
      projectId,
      apiEndpoint: `127.0.0.1:${pubsub}`,
      emulatorMode: true,
      ...CHANNEL,
    }),
    storage: new Storage({
      projectId,
      apiEndpoint: `http://127.0.0.1:${storage}`,
      retryOptions: { autoRetry: false },
    }),
    builds: new CloudBuildClient({
      apiEndpoint: "127.0.0.1",
      port: cloudBuild,
      sslCreds: grpc.credentials.createInsecure(),
      projectId,
      ...CHANNEL,
    }),
  };
}

export async function closeClients({ firestore, pubsub, builds }: Field["clients"]): Promise<void> {
  await Promise.all([firestore.terminate(), pubsub.close(), builds.close()]);
}

/**
 * What a caller gets of a host that goes away: CANCELLED, DEADLINE_EXCEEDED, ABORTED, UNAVAILABLE,
 * or no connection.
 */
const LOST_CODES: unknown[] = [1, 4, 10, 14, "ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT"];
const LOST_TEXT =
  /socket hang up|ECONNRESET|ECONNREFUSED|EPIPE|premature close|aborted|terminated|other side closed/i;

const UNREACHED_TEXT = /ECONNREFUSED|No connection established/;

/** Whether an error says only that the host was not there to answer. */
function isLost(error: unknown): boolean {
  const { code, message = "" } = error as { code?: unknown; message?: string };
  return LOST_CODES.includes(code) || LOST_TEXT.test(message);
}

/**
 * Does one operation and counts how it went. True: it was acknowledged. An error that no lost host
 * explains is a violation, unless `expects` takes it.
 */
export async function attempt(
  field: Field,
  service: Service,
  { work, expects }: { work: () => Promise<unknown>; expects?: (error: unknown) => boolean },
): Promise<boolean> {
  try {
    await work();
    field.tallies[service].acknowledged++;
    return true;
  } catch (error) {
    field.tallies[service][UNREACHED_TEXT.test(String(error)) ? "unreached" : "ambiguous"]++;
    if (!isLost(error) && !expects?.(error)) {
      field.violations.push(`${service}: refused: ${String(error)}`);
    }
    await sleep(15);
    return false;
  }
}

const PERSISTS_FOR_MS = 60_000;

/**
 * Asks until a host is there to answer. @throws {Error} what says more than that the host is away
 */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + PERSISTS_FOR_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isLost(error) || Date.now() > giveUpAt) throw error;
      await sleep(30);
    }
  }
}

/**
 * Runs `lanes` copies of `work`, one operation after the other in each, until the field is over.
 */
export async function runLanes(
  field: Field,
  lanes: number,
  work: (lane: number) => Promise<void>,
): Promise<void> {
  const runLane = async (lane: number) => {
    while (!field.isOver()) await work(lane);
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane(lane)));
}

/** Runs `work` on each item, a few at a time. */
export async function forEach<T>(
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const runLane = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: 8 }, runLane));
}
