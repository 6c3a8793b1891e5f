import { createHash } from "node:crypto";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { type Helper, pin, startHelper } from "./processes.ts";
import { temporaryFolder } from "./temporary.ts";

/** Project and bucket of everything that the bench stores. */
export const PROJECT = "runyard-bench";
export const BUCKET = "runyard-bench";
/** The API key that the bench sends. */
export const KEY = "ry_bench";

/** Variables that point Google's clients at a stand-in. */
export type Clients = Record<
  "FIRESTORE_EMULATOR_HOST" | "PUBSUB_EMULATOR_HOST" | "STORAGE_EMULATOR_HOST",
  string
>;

/** Firestore, Pub/Sub and Cloud Storage in a process of their own. */
export interface Services {
  pid: number;
  clients: Clients;
  /** How often each method was called so far; empty unless `observe` was asked for. */
  counts(): Promise<Record<string, number>>;
}

/**
 * Starts the stand-in's services with what the API needs: its key, and the topic with a
 * subscription that keeps what is published and pushes nothing.
 */
export async function startServices(
  cleanup: AsyncDisposableStack,
  options: { directory?: string; observe?: boolean } = {},
): Promise<Services> {
  const directory = options.directory ?? temporaryFolder(cleanup, "state");
  const args = [directory, options.observe ? "observe" : ""];
  const helper = await startHelper(cleanup, "services-process.ts", { args });
  await pin(helper.pid, "driver");
  const read = () => helper.ask<{ clients: Clients; counts: Record<string, number> }>({});
  const { clients } = await read();
  await provision(clients);
  return servicesOf(helper, clients, async () => (await read()).counts);
}

function servicesOf({ pid }: Helper, clients: Clients, counts: Services["counts"]): Services {
  return { pid, clients, counts };
}

async function provision(clients: Clients): Promise<void> {
  const firestore = openFirestore(clients);
  const pubsub = openPubsub(clients.PUBSUB_EMULATOR_HOST);
  const hash = createHash("sha256").update(KEY).digest("hex");
  await firestore.doc(`keys/${hash}`).set({ owner: "bench" });
  const [topic] = await pubsub.createTopic("run-requests");
  await pubsub.createTopic("run-events");
  await topic.createSubscription("run-requests");
  await Promise.all([firestore.terminate(), pubsub.close()]);
}

/** Google's client of Firestore, pointed at `clients`. */
export function openFirestore({
  FIRESTORE_EMULATOR_HOST: host,
}: Pick<Clients, "FIRESTORE_EMULATOR_HOST">) {
  return new Firestore({ projectId: PROJECT, host, ssl: false });
}

/** Google's client of Pub/Sub, pointed at `host:port`. */
export function openPubsub(apiEndpoint: string): PubSub {
  return new PubSub({ projectId: PROJECT, apiEndpoint, emulatorMode: true });
}
