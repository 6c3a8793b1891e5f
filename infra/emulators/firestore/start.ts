import type { Callers } from "../wire/callers.ts";
import { type Clock, systemClock } from "../wire/clock.ts";
import type { InjectedFaults } from "../wire/faults.ts";
import { withFaults } from "../wire/grpc-faults.ts";
import { startGrpcServer } from "../wire/grpc-server.ts";
import type { TellEvent } from "../wire/told-event.ts";
import { PROTOS } from "./document.ts";
import { DEFAULT_CATALOG, readIndexCatalog } from "./index-catalog.ts";
import { HEARTBEAT_MS, sendHeartbeats } from "./listen.ts";
import { firestoreMethods } from "./service.ts";
import { type FirestoreState, openState } from "./state.ts";

/** @see https://cloud.google.com/firestore/quotas#limits */
/**
 * Differs: Google was seen to take 11 MiB; here the documented 10 MiB are the most of a request.
 *
 * @see https://cloud.google.com/firestore/quotas#writes_and_transactions
 */
const mostRequestBytes = 10 * 1024 * 1024;

/** How to start the stand-in of Firestore. */
export interface FirestoreOptions {
  /** Where the documents are kept; another start there goes on with them. */
  directory: string;
  /** Default 0: any free port. */
  port?: number;
  /** Host names that it may be called by beside those of loopback, in lower case. Default: none. */
  hosts?: readonly string[] | undefined;
  /** Who gets an address of its own, and what it may. Default: there is the owner alone. */
  callers?: Callers | undefined;
  clock?: Clock;
  /**
   * A `firestore.indexes.json`. With it, a query that Google would refuse for want of an index is.
   */
  indexesFile?: string;
  /** Is told each change of a document. Default: nobody is. */
  tell?: TellEvent;
  /** What goes wrong. Default: nothing, and nothing of it is in the way of a call. */
  faults?: InjectedFaults;
}

/** A stand-in of Firestore that accepts calls. */
export interface RunningFirestore {
  /** `127.0.0.1:PORT`, for `new Firestore({ host, ssl: false })` or `FIRESTORE_EMULATOR_HOST`. */
  address: string;
  /** The same for an account of {@link Callers}. */
  addressOf(account: string): string;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts the stand-in of Firestore: `google.firestore.v1.Firestore` over gRPC on loopback, for any
 * project and database; they exist by being used. A commit is stored before it is acknowledged.
 *
 * @throws {Error} if the port is taken, or the indexes file cannot be read.
 */
export async function startFirestore(options: FirestoreOptions): Promise<RunningFirestore> {
  const clock = options.clock ?? systemClock;
  const { indexesFile, tell } = options;
  const catalog = indexesFile ? readIndexCatalog(indexesFile) : DEFAULT_CATALOG;
  const state = openState(options.directory, catalog, clock);
  if (tell) state.tell = tell;
  const name = "google.firestore.v1.Firestore";
  const methods = firestoreMethods(state);
  const services = withFaults([{ name, methods, mostRequestBytes }], options.faults);
  const server = await startGrpcServer(PROTOS, services, options);
  const stopHeartbeats = startHeartbeats(state);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= server.close().then(() => {
      stopHeartbeats();
      state.store.database.close();
    });
    return closed;
  };
  const { address, addressOf } = server;
  return { address, addressOf, close, [Symbol.asyncDispose]: close };
}

function startHeartbeats(state: FirestoreState): () => void {
  let cancel = () => {};
  const schedule = () => {
    cancel = state.clock.setTimeout(() => {
      sendHeartbeats(state);
      schedule();
    }, HEARTBEAT_MS);
  };
  schedule();
  return () => cancel();
}
