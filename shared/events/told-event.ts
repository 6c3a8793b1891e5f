import type { EventMessage } from "../documents/status-event.ts";
import { DISABLED_TYPE, type WebhookRecord } from "../documents/webhook.ts";
import { AppError } from "../errors.ts";

/** An event as `run-events` has told it. */
export interface ToldEvent {
  id: string;
  type: string;
  source: string;
  subject: string;
  time: string;
  /** Absent where events are in no order. */
  sequence?: string | undefined;
  /** Whether the run's status is final. */
  isDone: boolean;
  /** The webhook that the run's request named. */
  webhook?: string | undefined;
  data: { owner: string } & Record<string, unknown>;
}

/**
 * Reads a message of `run-events`.
 *
 * @throws {AppError} invalid
 */
export function toldEventOf(
  attributes: Readonly<Record<string, string>>,
  data: unknown,
): ToldEvent {
  const of = (name: string) => attributes[`ce-${name}`];
  const [id, type, source, subject, time] = ["id", "type", "source", "subject", "time"].map(of);
  const owner = (data as { owner?: unknown } | null)?.owner;
  if (!id || !type || !source || !subject || !time || typeof owner !== "string") {
    throw new AppError("invalid", { detail: "not an event of run-events" });
  }
  const isDone = attributes["done"] === "true";
  const told = data as ToldEvent["data"];
  const { webhook } = attributes;
  return { id, type, source, subject, time, sequence: of("sequence"), isDone, webhook, data: told };
}

/** The CloudEvent that tells of a webhook that was disabled; the same each time that it is told. */
export function disabledEvent(
  { id, owner, description, disabledWhy, failingSince, revision, updatedAt }: WebhookRecord,
  source: string,
): EventMessage {
  return {
    attributes: {
      "ce-specversion": "1.0",
      "ce-id": `${id}-${revision}-disabled`,
      "ce-source": source,
      "ce-type": DISABLED_TYPE,
      "ce-subject": id,
      "ce-time": updatedAt.toISOString(),
      "content-type": "application/json",
    },
    json: { id, owner, description, disabledWhy, failingSince },
  };
}

type Selection = Pick<WebhookRecord, "id" | "owner" | "enabled" | "events" | "agent" | "labels">;

/** Whether a webhook wants an event; one that a run names wants it whatever runs it asks for. */
export function selects(
  webhook: Selection,
  { type, isDone, webhook: named, data }: ToldEvent,
): boolean {
  const { events, agent, labels } = webhook;
  if (!webhook.enabled || webhook.owner !== data.owner) return false;
  const wanted =
    events.includes(type) || events.includes("*") || (isDone && events.includes("done"));
  if (!wanted || !type.startsWith("runyard.run.") || named === webhook.id) return wanted;
  const run = data as { agent?: { id?: string } | null; labels?: Record<string, string> };
  const own = new Map(Object.entries(run.labels ?? {}));
  return (
    (agent === null || run.agent?.id === agent) &&
    Object.entries(labels).every(([key, value]) => own.get(key) === value)
  );
}
