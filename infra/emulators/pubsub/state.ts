import type { Clock } from "../wire/clock.ts";
import type { TokenIssuer } from "../wire/id-tokens.ts";
import type { Agenda } from "./agenda.ts";
import type { AttributesFilter } from "./filter.ts";
import type { SendPush } from "./push-faults.ts";
import type { Store } from "./store.ts";
import type { SubscriptionConfig, TopicConfig } from "./types.ts";

/**
 * What the running service knows. The store holds the same, durably, but for who holds a lease:
 * after a restart nobody does, so everything that is not acknowledged is delivered again.
 */
export interface PubsubState {
  store: Store;
  clock: Clock;
  /** Posts a push to its endpoint. */
  sendPush: SendPush;
  /** Signs for an account; undefined: nobody is there to sign. */
  idToken: TokenIssuer["tokenFor"] | undefined;
  topics: Map<string, Topic>;
  subscriptions: Map<string, Subscription>;
  /** Wakes entries: the end of a lease or of a backoff. */
  entryAgenda: Agenda<Entry>;
  /** Wakes subscriptions: their oldest message has reached the end of its retention. */
  retentionAgenda: Agenda<Subscription>;
  lastMessageId: number;
  /** Subscriptions whose deliverable messages or consumers changed in the present transaction. */
  touched: Set<Subscription>;
  /** Fills a subscription from the store again, after a change of it that could not be stored. */
  reload(subscription: Subscription): void;
  /** Random; part of ack ids, so that those of an earlier process are told apart. */
  processId: string;
}

export interface Topic {
  config: TopicConfig;
  /** The subscriptions that receive what is published; detached ones are not among them. */
  subscriptions: Set<Subscription>;
}

export interface Subscription {
  id: number;
  config: SubscriptionConfig;
  passesFilter: AttributesFilter;
  retentionMs: number;
  /** Every message that is not acknowledged for good, by its id, oldest first. */
  entries: Map<number, Entry>;
  /** What may be delivered now, in order. Those that are no longer `ready` are skipped. */
  ready: EntryQueue;
  /** Messages with an ordering key, if the subscription keeps order; they are not in `ready`. */
  lanes: Map<string, Lane>;
  /** Lanes that may have something to deliver now. */
  readyLanes: Set<Lane>;
  /** Who receives: open streams, waiting pulls, or the one pusher. */
  consumers: Consumer[];
  /** Whose turn it is: an index into `consumers`, modulo its length. */
  turn: number;
  /** When the retention agenda wakes it. */
  wakeAtMs: number;
}

/**
 * One message on one subscription.
 *
 * - `ready`: may be delivered; entered by publishing, a nack without backoff, the end of a backoff.
 * - `leased`: a consumer has it; `wakeAtMs` is its deadline; left by ack, nack or that deadline.
 * - `waiting`: nacked or late; `wakeAtMs` is the end of its backoff.
 * - `held`: acknowledged, but behind an unacknowledged one of its lane.
 * - `gone`: acknowledged, dropped or forwarded; in no map any more.
 */
export interface Entry {
  subscription: Subscription;
  messageId: number;
  /** Absent unless the subscription keeps order and the message has a key. */
  lane: Lane | undefined;
  sizeBytes: number;
  publishedAtMs: number;
  /** Nacks and missed deadlines so far. */
  failures: number;
  /** Deliveries by this process so far; the number of the current one. */
  deliveries: number;
  status: "ready" | "leased" | "waiting" | "held" | "gone";
  /** Set while `leased`. */
  consumer: Consumer | undefined;
  wakeAtMs: number;
}

/** The messages of one ordering key, in their order. */
export interface Lane {
  key: string;
  /** Oldest first; those before `next` are leased or held. */
  entries: Entry[];
  /** The index of the first that is not delivered. */
  next: number;
  /** Who has the leased ones; while there are any, nobody else gets the lane's next message. */
  consumer: Consumer | undefined;
  /** How many are leased. */
  leased: number;
  /** Whether its next message waits for the end of a backoff. */
  isWaiting: boolean;
}

/** Who receives a subscription's messages. */
export interface Consumer {
  /** How long a message stays with it before it counts as lost, in milliseconds. */
  ackDeadlineMs: number;
  /** How many messages of one ordering key it takes at a time. */
  laneLimit: number;
  /** Whether it takes one more message now. */
  hasRoom(): boolean;
  /** Gives it one message. Call only while `hasRoom()`. */
  deliver(entry: Entry): void;
  /** Sends what was given since the last call. */
  flush(): void;
  /** Tells it that an entry is no longer its: acknowledged, nacked, late or dropped. */
  release(entry: Entry): void;
  /** Ends it, with an error for whoever waits at the other end if there is one. */
  close(error?: Error): void;
}

/** First in, first out. */
export interface EntryQueue {
  items: Entry[];
  /** The index of the first item; those before it are done. */
  head: number;
}

const COMPACT_AT = 1024;

/** Takes the first entry that is still `ready`. */
export function takeReady(queue: EntryQueue): Entry | undefined {
  let taken: Entry | undefined;
  while (taken?.status !== "ready" && queue.head < queue.items.length) {
    taken = queue.items[queue.head++];
  }
  if (queue.head >= COMPACT_AT && queue.head * 2 >= queue.items.length) {
    queue.items.splice(0, queue.head);
    queue.head = 0;
  }
  return taken?.status === "ready" ? taken : undefined;
}

/** A subscription that has received nothing yet. */
export function createSubscription(
  id: number,
  config: SubscriptionConfig,
  derived: Pick<Subscription, "passesFilter" | "retentionMs">,
): Subscription {
  return {
    id,
    config,
    ...derived,
    entries: new Map(),
    ready: { items: [], head: 0 },
    lanes: new Map(),
    readyLanes: new Set(),
    consumers: [],
    turn: 0,
    wakeAtMs: Number.POSITIVE_INFINITY,
  };
}
