import type { Clock } from "../wire/clock.ts";
import type { TellEvent } from "../wire/told-event.ts";
import { type History, startHistory } from "./history.ts";
import type { IndexCatalog } from "./index-catalog.ts";
import { type ListenerRegistry, makeListenerRegistry } from "./listener-registry.ts";
import type { QueryWindow } from "./query-window.ts";
import { openStore, readSetting, type Store } from "./store.ts";

/** A transaction that is under way. All its reads are of the instant `at`. */
export interface Transaction {
  id: string;
  isReadOnly: boolean;
  at: number;
  startedAtMs: number;
  usedAtMs: number;
  readKeys: Set<string>;
  readQueries: QueryWindow[];
}

/** All that the stand-in of Firestore knows. */
export interface FirestoreState {
  clock: Clock;
  store: Store;
  history: History;
  /** By id. In memory only: a restart ends them, as an expiry would. */
  transactions: Map<string, Transaction>;
  listeners: ListenerRegistry;
  /** The latest instant, in microseconds, that a commit or a read was given. */
  lastMicros: number;
  /** The latest instant of a commit. */
  lastCommitMicros: number;
  /** Is told each change of a document. Absent: nobody is. */
  tell?: TellEvent;
}

/** Opens the state kept in a directory, or begins one there. */
export function openState(directory: string, catalog: IndexCatalog, clock: Clock): FirestoreState {
  const store = openStore(directory, catalog);
  const lastCommitMicros = Number(readSetting(store, "lastCommit") ?? 0);
  const lastMicros = Math.max(clock.now() * 1000, lastCommitMicros);
  return {
    clock,
    store,
    history: startHistory(lastCommitMicros),
    transactions: new Map(),
    listeners: makeListenerRegistry(),
    lastMicros,
    lastCommitMicros,
  };
}

/** The instant of a read: nothing that commits later gets one as early. */
export function nextReadTime(state: FirestoreState): number {
  state.lastMicros = Math.max(state.clock.now() * 1000, state.lastMicros);
  return state.lastMicros;
}

/** The instant of a commit: later than every commit and read before it. */
export function nextCommitTime(state: FirestoreState): number {
  state.lastMicros = Math.max(state.clock.now() * 1000, state.lastMicros + 1);
  return state.lastMicros;
}
