import type { Clock } from "../../shared/clock.ts";
import type { DeliveryRecord } from "../../shared/documents/delivery.ts";
import type { WebhookRecord } from "../../shared/documents/webhook.ts";
import type { Part } from "./page.ts";

/** Webhooks of owners. */
export interface WebhookStore {
  /**
   * Writes a new webhook. If one of that id is there already, nothing is written and it is
   * returned; a commit of our own whose acknowledgement was lost counts as written.
   *
   * @throws {AppError} limit_reached: the owner has as many as may be
   */
  create(record: WebhookRecord): Promise<WebhookRecord | undefined>;
  get(id: string): Promise<WebhookRecord | undefined>;
  /** A part of an owner's webhooks, newest first. */
  list(owner: string, part: Part): Promise<WebhookRecord[]>;
  /**
   * Changes a webhook in one transaction.
   *
   * @param change makes it as it shall be; undefined: it is removed; the same object: nothing is
   * written. What it throws ends the transaction.
   * @returns undefined: there is no such webhook
   */
  transact(
    id: string,
    change: (webhook: WebhookRecord, now: Date) => WebhookRecord | undefined,
  ): Promise<WebhookRecord | undefined>;
}

/** What a transaction on a delivery has read; the webhook is undefined if it is gone. */
export interface DeliveryRead {
  delivery: DeliveryRecord;
  webhook: WebhookRecord | undefined;
}

/** What it shall write; absent: nothing. */
export interface DeliveryWrites {
  delivery?: DeliveryRecord | undefined;
  webhook?: WebhookRecord | undefined;
}

/** A delivery of which the next attempt is due. */
export interface DueDelivery {
  id: string;
  webhookId: string;
  attempts: number;
}

/** Deliveries at webhooks. */
export interface DeliveryStore {
  /** Whether it was not there before. */
  create(delivery: DeliveryRecord): Promise<boolean>;
  get(id: string): Promise<DeliveryRecord | undefined>;
  /** A part of the deliveries at a webhook or of a run, newest first. */
  list(of: { webhookId: string } | { runId: string }, part: Part): Promise<DeliveryRecord[]>;
  /** What is due, longest due first, in pages. */
  due(now: Date): AsyncGenerator<DueDelivery[]>;
  /**
   * Decides on a delivery and its webhook in one transaction.
   *
   * @returns what `decide` said; undefined: there is no such delivery
   */
  transact<T extends DeliveryWrites>(
    id: string,
    decide: (read: DeliveryRead, now: Date) => T,
  ): Promise<T | undefined>;
}

/** One request to an endpoint. */
export interface WebhookRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** What became of it. */
export interface WebhookAnswer {
  /** Null: there was none. */
  status: number | null;
  /** A sentence; null: it was taken. */
  error: string | null;
  /** The beginning of the answer. */
  answer: string;
  /** Seconds that the endpoint wants to be left alone. */
  retryAfter: number | undefined;
  milliseconds: number;
}

/** Posts to endpoints that callers name. */
export interface WebhookSender {
  /** Sends one request, within bounds of time, size and places. Does not throw. */
  post(request: WebhookRequest): Promise<WebhookAnswer>;
}

/** Whose turn it is, so that an endpoint which hangs takes no more of an instance than its share. */
export interface WebhookTurns {
  /**
   * Waits for a turn at a webhook, at most so long.
   *
   * @returns what ends the turn; undefined: there was none in time
   */
  take(
    webhookId: string,
    timers: Pick<Clock, "after">,
    patienceMs: number,
  ): Promise<(() => void) | undefined>;
}
