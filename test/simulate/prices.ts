import { PRICES, requestsUsd } from "../../infra/deploy/costs.ts";
import { SERVICES } from "../../infra/deploy/tables/services.ts";
import { TIMING } from "../../shared/limits.ts";
import { MESSAGE_KB } from "./limits.ts";
import type { Simulated } from "./simulate.ts";

/**
 * Google's list prices in USD of us-central1, without free quotas.
 *
 * @see https://cloud.google.com/firestore/pricing https://cloud.google.com/pubsub/pricing
 * @see https://cloud.google.com/storage/pricing https://cloud.google.com/run/pricing
 */
const USD = {
  read: 0.03 / 1e5,
  write: 0.09 / 1e5,
  delete: 0.01 / 1e5,
  /** Insert and list; every other call but the deletes. */
  classA: 0.005 / 1e3,
  classB: 0.0004 / 1e3,
  /** Published, and the same delivered. */
  messageKilobyte: (2 * 40) / 1024 ** 3,
};

/** USD of a million runs, by what is paid. */
export type Costs = Record<"builds" | "documents" | "objects" | "messages" | "functions", number>;

/**
 * What a million runs like these cost; what a whole sweep costs is shared by the runs of its time.
 */
export function costsOf({ sent, counts }: Simulated): Costs {
  const { reads, writes, deletes, messages } = counts;
  const million = (usd: number) => (usd / Math.max(1, sent)) * 1e6;
  const kilobytes =
    messages["run-requests"] * MESSAGE_KB["run-requests"] +
    messages["cloud-builds"] * MESSAGE_KB["cloud-builds"];
  return {
    builds: million((counts.buildSeconds / 60) * PRICES.buildMinute.E2_STANDARD_2),
    documents: million(reads * USD.read + writes * USD.write + deletes * USD.delete),
    objects: million(objectsUsd(counts)),
    messages: million(kilobytes * USD.messageKilobyte),
    functions: million(functionsUsd(counts)),
  };
}

/** A runner looks for the cancel marker every two seconds, the model of one more seldom. */
function objectsUsd({ calls, buildSeconds }: Simulated["counts"]): number {
  let usd = (buildSeconds / TIMING.cancelPoll) * USD.classB;
  for (const [kind, count] of calls) {
    if (!kind.startsWith("storage.") || kind === "storage.metadata cancel") continue;
    if (/^storage\.(insert|list)/.test(kind)) usd += count * USD.classA;
    else if (!kind.startsWith("storage.delete")) usd += count * USD.classB;
  }
  return usd;
}

/** As if no two requests shared an instance: it cannot be more. */
function functionsUsd({ handled }: Simulated["counts"]): number {
  let usd = 0;
  for (const [handler, { requests, seconds }] of handled) {
    if (handler === "runner") continue;
    const name = handler in SERVICES ? (handler as keyof typeof SERVICES) : "api";
    usd += requestsUsd(name, requests, seconds);
  }
  return usd;
}
