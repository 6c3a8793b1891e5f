import type { Delivery, Webhook } from "../../client/types.ts";
import { shown } from "../words/shown.ts";
import type { Mark } from "../words/status.ts";
import { momentText } from "../words/time.ts";

/** Whether it is told; undefined: it is, which says nothing. */
export function stateOf({ enabled, disabledWhy, failingSince }: Webhook): Mark | undefined {
  if (!enabled) {
    if (disabledWhy === null) return { icon: "cancelled", tone: "ink3", word: "Disabled" };
    return { icon: "failed", tone: "bad", word: "Was disabled" };
  }
  return failingSince === null ? undefined : { icon: "queued", tone: "warn", word: "Fails" };
}

/** Its address's host; what comes after may let anybody write there. */
export const hostOf = ({ url }: Webhook): string => shown(URL.parse(url)?.host ?? url);

const EVENT_WORDS: Readonly<Record<string, string>> = {
  done: "each final status",
  "*": "everything",
};

/** What it asks for. */
export const eventsText = ({ events }: Webhook): string =>
  events
    .map((type) => EVENT_WORDS[type] ?? type.replace(/^runyard\.(run\.)?(.+)\.v1$/, "$2"))
    .join(", ");

/** The head of a webhook's view, without a full stop. */
export function webhookHead(webhook: Webhook, now: number): string {
  const host = hostOf(webhook);
  if (!webhook.enabled) return `${host} is told nothing: it is disabled`;
  if (webhook.failingSince !== null) {
    return `${host} has failed since ${momentText(webhook.failingSince, now)}`;
  }
  return `${host} is told ${eventsText(webhook)}`;
}

/** The head of their list. */
export function webhooksHead(all: readonly Webhook[]): string {
  if (all.length === 0) return "There is no webhook yet";
  const failing = all.filter((one) => (stateOf(one)?.tone ?? "ink3") !== "ink3").length;
  if (failing > 0) return `${failing} of ${all.length} ${failing === 1 ? "fails" : "fail"}`;
  return all.length === 1 ? "One webhook" : `${all.length} webhooks`;
}

/** What became of a delivery, as it is drawn and called. */
export const DELIVERY_MARKS: Readonly<Record<Delivery["status"], Mark>> = {
  pending: { icon: "pending", tone: "ink3", word: "Pending" },
  delivered: { icon: "succeeded", tone: "ok", word: "Delivered" },
  failed: { icon: "failed", tone: "bad", word: "Failed" },
};

/** What an attempt came to: `It answered 204, in 38 ms`. */
export function attemptText({ status, error, milliseconds }: Delivery["log"][number]): string {
  const came = shown(error ?? `It answered ${status}.`).replace(/\.$/, "");
  return `${came}, in ${milliseconds} ms`;
}
