import { randomBytes } from "node:crypto";
import type { Callers } from "../wire/callers.ts";
import { type Clock, systemClock } from "../wire/clock.ts";
import { DISK_RETRY_MS, unlessDiskFull } from "../wire/disk.ts";
import type { InjectedFaults } from "../wire/faults.ts";
import { withFaults } from "../wire/grpc-faults.ts";
import { loadProtos, startGrpcServer } from "../wire/grpc-server.ts";
import type { TokenIssuer } from "../wire/id-tokens.ts";
import { createAgenda } from "./agenda.ts";
import { wakeEntry } from "./delivery.ts";
import { endLease } from "./dispatch.ts";
import { toMilliseconds } from "./duration.ts";
import { closeConsumers, isPush } from "./operations/subscriptions.ts";
import { publish } from "./operations/topics.ts";
import { startPushing } from "./push.ts";
import { type SendPush, withPushFaults } from "./push-faults.ts";
import { startPushRequest } from "./push-request.ts";
import { dropExpired, loadBacklog, reloadBacklog } from "./retention.ts";
import { pubsubServices } from "./service.ts";
import { createSubscription, type PubsubState } from "./state.ts";
import { openStore } from "./store.ts";
import { attributesFilter } from "./subscription-rules.ts";

const PROTOS = "@google-cloud/pubsub/build/protos/protos.json";

export interface PubsubOptions {
  /** Where its state is kept; made if it does not exist. */
  directory: string;
  /** Default: any free one. */
  port?: number;
  /** Host names that it may be called by beside those of loopback, in lower case. Default: none. */
  hosts?: readonly string[] | undefined;
  /** Who gets an address of its own, and what it may. Default: there is the owner alone. */
  callers?: Callers | undefined;
  /**
   * Signs pushes to subscriptions that ask for it. Default: `oidcToken` is refused, UNIMPLEMENTED.
   */
  idToken?: TokenIssuer["tokenFor"] | undefined;
  /** Default: the machine's. */
  clock?: Clock;
  /** What goes wrong. Default: nothing, and nothing of it is in the way of a call or push. */
  faults?: InjectedFaults;
}

/** A Pub/Sub that accepts calls and pushes. */
export interface RunningPubsub {
  /**
   * `127.0.0.1:PORT`, for `PUBSUB_EMULATOR_HOST` or `new PubSub({ apiEndpoint, emulatorMode: true
   * })`.
   */
  address: string;
  /** The same for an account of {@link Callers}. */
  addressOf(account: string): string;
  /**
   * Publishes one message to `projects/P/topics/T` and returns its id; it is durable by then.
   *
   * @throws {GoogleError} NOT_FOUND without such a topic; INVALID_ARGUMENT for a bad message.
   */
  publish(topic: string, message: { data: Buffer; attributes?: Record<string, string> }): string;
  /** Ends streams and pushes. What is not acknowledged is delivered again by the next start. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts Pub/Sub on loopback, going on where the last one on this directory stopped or was killed.
 */
export async function startPubsub(options: PubsubOptions): Promise<RunningPubsub> {
  const { faults } = options;
  const state = openState(options, withPushFaults(startPushRequest, faults));
  const services = withFaults(pubsubServices(state), faults);
  const server = await startGrpcServer(loadProtos(PROTOS), services, options);
  for (const subscription of state.subscriptions.values()) {
    if (isPush(subscription)) startPushing(state, subscription);
  }
  let isOpen = true;
  async function close(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    closeState(state);
    await server.close();
    state.store.database.close();
  }
  return {
    address: server.address,
    addressOf: server.addressOf,
    publish: (topic, message) => publish(state, { topic, messages: [message] }).messageIds[0] ?? "",
    close,
    [Symbol.asyncDispose]: close,
  };
}

function openState(
  { directory, clock = systemClock, idToken }: PubsubOptions,
  sendPush: SendPush,
): PubsubState {
  const store = openStore(directory);
  const state: PubsubState = {
    store,
    clock,
    sendPush,
    idToken,
    topics: new Map(),
    subscriptions: new Map(),
    entryAgenda: createAgenda(clock, (entry) => {
      unlessDiskFull(() => wakeEntry(state, entry));
    }),
    retentionAgenda: createAgenda(clock, (subscription) => {
      if (unlessDiskFull(() => dropExpired(state, subscription))) return;
      state.retentionAgenda.schedule(subscription, clock.now() + DISK_RETRY_MS);
    }),
    reload: (subscription) => reloadBacklog(state, subscription),
    lastMessageId: store.lastMessageId(),
    touched: new Set(),
    processId: randomBytes(6).toString("base64url"),
  };
  for (const config of store.topics()) {
    state.topics.set(config.name, { config, subscriptions: new Set() });
  }
  for (const { id, config } of store.subscriptions()) {
    const passesFilter = attributesFilter(config.filter ?? "");
    const retentionMs = toMilliseconds(config.messageRetentionDuration);
    const subscription = createSubscription(id, config, { passesFilter, retentionMs });
    state.subscriptions.set(config.name, subscription);
    if (!config.detached) state.topics.get(config.topic)?.subscriptions.add(subscription);
    loadBacklog(state, subscription);
    dropExpired(state, subscription);
  }
  return state;
}

/** Takes back every timer and gives up every push; nothing is delivered any more. */
function closeState(state: PubsubState): void {
  for (const subscription of state.subscriptions.values()) {
    for (const entry of subscription.entries.values()) endLease(state, entry);
    closeConsumers(subscription);
  }
  state.entryAgenda.close();
  state.retentionAgenda.close();
}
