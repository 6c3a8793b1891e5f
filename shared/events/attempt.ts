import { after } from "../clock.ts";
import type { Attempt, DeliveryRecord } from "../documents/delivery.ts";
import type { WebhookRecord } from "../documents/webhook.ts";
import { probeWait, WEBHOOK_LIMITS, waitAfter } from "./webhook-limits.ts";

/** A delivery and its webhook; undefined: that is gone. */
interface Read {
  delivery: DeliveryRecord;
  webhook: WebhookRecord | undefined;
}

/** What is to be done, and what is to be written before. */
export type Turn =
  /** Somebody has made this attempt, or it is over. */
  | { kind: "done"; webhook?: undefined; delivery?: undefined }
  /** The endpoint fails, and another delivery finds out when it no longer does. */
  | { kind: "wait"; delivery: DeliveryRecord; webhook?: undefined }
  /** There is nobody to deliver to. */
  | { kind: "drop"; delivery: DeliveryRecord; webhook?: undefined }
  | { kind: "send"; to: WebhookRecord; webhook?: WebhookRecord; delivery?: undefined };

/** Whether an attempt is made now: the one that follows `attempts` others. */
export function turnOf({ delivery, webhook }: Read, attempts: number, now: Date): Turn {
  if (delivery.status !== "pending" || delivery.attempts !== attempts) return { kind: "done" };
  if (webhook?.enabled !== true) {
    const why = webhook === undefined ? "it was removed" : "it is disabled";
    return { kind: "drop", delivery: given(delivery, `The webhook gets nothing: ${why}.`, now) };
  }
  const { failingSince, nextProbeAt } = webhook;
  if (failingSince === null || nextProbeAt === null || delivery.isExtra) {
    return { kind: "send", to: webhook };
  }
  if (nextProbeAt > now) return { kind: "wait", delivery: { ...delivery, dueAt: nextProbeAt } };
  // The others wait for what becomes of this, and no longer than it may take.
  const probing = { ...webhook, nextProbeAt: after(now, WEBHOOK_LIMITS.again) };
  return { kind: "send", to: webhook, webhook: probing };
}

/** What became of an attempt. */
export interface Outcome extends Attempt {
  retryAfter: number | undefined;
}

const GONE = 410;

/**
 * The delivery, and the webhook if its health changes, after an attempt.
 *
 * @returns nothing to write if somebody else has made the attempt meanwhile
 */
export function settled(
  { delivery, webhook }: Read,
  attempts: number,
  { outcome, now, chance }: { outcome: Outcome; now: Date; chance: number },
): Partial<Read> {
  if (delivery.status !== "pending" || delivery.attempts !== attempts) return {};
  const { retryAfter, ...attempt } = outcome;
  const noted = noting(delivery, attempt);
  if (outcome.error === null) {
    const isWell = webhook === undefined || webhook.failingSince === null;
    const done = { ...noted, status: "delivered", dueAt: null } as const;
    return { delivery: done, ...(!isWell && { webhook: { ...webhook, ...HEALTHY } }) };
  }
  if (delivery.isExtra || webhook === undefined) {
    return { delivery: { ...noted, status: "failed", dueAt: null } };
  }
  const ill = failing(webhook, { status: outcome.status, retryAfter, now, chance });
  const wait = waitAfter(noted.attempts, { retryAfter, chance });
  if (wait === undefined || !ill.enabled) {
    return { delivery: { ...noted, status: "failed", dueAt: null }, webhook: ill };
  }
  return { delivery: { ...noted, dueAt: after(now, wait) }, webhook: ill };
}

const HEALTHY = { failingSince: null, nextProbeAt: null, failures: 0 } as const;

function failing(
  webhook: WebhookRecord,
  of: { status: number | null; retryAfter: number | undefined; now: Date; chance: number },
): WebhookRecord {
  const { now } = of;
  const failures = webhook.failures + 1;
  const failingSince = webhook.failingSince ?? now;
  const nextProbeAt = after(now, probeWait(failures, of));
  const ill = { ...webhook, failures, failingSince, nextProbeAt };
  const isLong = now >= after(failingSince, WEBHOOK_LIMITS.failing);
  if (of.status !== GONE && !isLong) return ill;
  const disabledWhy =
    of.status === GONE
      ? "The endpoint answered 410: it is gone."
      : "Every attempt of three days has failed.";
  return { ...ill, ...DISABLED, disabledWhy, updatedAt: now, revision: webhook.revision + 1 };
}

const DISABLED = { enabled: false, nextProbeAt: null, untold: true } as const;

function noting(delivery: DeliveryRecord, attempt: Attempt): DeliveryRecord {
  const log = [...delivery.log, attempt].slice(-WEBHOOK_LIMITS.log);
  return { ...delivery, attempts: delivery.attempts + 1, log };
}

/** A delivery that was given up without an attempt. */
function given(delivery: DeliveryRecord, error: string, at: Date): DeliveryRecord {
  const attempt = { at, status: null, error, milliseconds: 0, answer: "" };
  const log = [...delivery.log, attempt].slice(-WEBHOOK_LIMITS.log);
  return { ...delivery, status: "failed", dueAt: null, log };
}
