import { MACHINE_TYPES } from "../../shared/agent/settings.ts";
import type { FunctionName } from "./names.ts";
import type { DeploySettings } from "./settings.ts";
import { SERVICES } from "./tables/services.ts";

/**
 * Google's list prices in USD of us-central1, as its pages had them in November 2026; other regions
 * differ.
 *
 * @see https://cloud.google.com/build/pricing https://cloud.google.com/run/pricing
 * @see https://cloud.google.com/firestore/pricing https://cloud.google.com/storage/pricing
 */
export const PRICES = {
  /** A minute of a build. */
  buildMinute: {
    E2_MEDIUM: 0.003,
    E2_STANDARD_2: 0.006,
    E2_HIGHCPU_8: 0.016,
    E2_HIGHCPU_32: 0.064,
  },
  /** An idle instance's CPU and GiB, a second. */
  idleCpuSecond: 0.0000025,
  idleGibSecond: 0.0000025,
  /** A request to a function, and a second of CPU and GiB while it is handled. */
  request: 0.4 / 1e6,
  cpuSecond: 0.000024,
  gibSecond: 0.0000025,
  /** A version of a secret, and a job of the scheduler, a month. */
  secretVersion: 0.06,
  schedulerJob: 0.1,
  /** A GiB of images, a month. */
  imageGib: 0.1,
};

/** What requests to a function cost that take so many seconds in all, sharing no instance. */
export function requestsUsd(name: FunctionName, requests: number, seconds: number): number {
  const { cpu, memory } = SERVICES[name];
  const gib = Number.parseFloat(memory) / (memory.endsWith("Mi") ? 1024 : 1);
  const second = Number(cpu) * PRICES.cpuSecond + gib * PRICES.gibSecond;
  return requests * PRICES.request + seconds * second;
}

/** A thousand requests of the shortest time that is billed. */
const thousand = (name: FunctionName): number => requestsUsd(name, 1000, 100);

/**
 * What a thousand runs of five minutes cost of everything but their builds, at list prices, as
 * `npm run simulate` counts it where none of them waits for a place.
 */
const CONTROL_USD: Readonly<Record<string, number>> = {
  // As if no two requests shared an instance.
  "functions (Cloud Run)": 0.061,
  "documents (Firestore)": 0.05,
  "messages (Pub/Sub)": 0.002,
  "objects (Cloud Storage)": 0.114,
  "the model's key (Secret Manager)": 0.003,
  // Four changes of status at deliver-webhook, of which the last is at receive-event as well.
  "what is told of them (Cloud Run)": 4 * thousand("deliverWebhook") + thousand("receiveEvent"),
  // Five reads, and some 27 KiB of messages.
  "what is told of them (Firestore, Pub/Sub)": 0.0025,
};

/** USD of a million, without functions, as `npm run bench -- events` counts it. */
export const COUNTED = { limitedEvents: 3.35, deliveries: 4.07 };

/**
 * USD of a thousand events that start no run (one that does costs its run as well), and of a
 * thousand deliveries at an endpoint that answers at once. An event is received and handed on to
 * the triggers that wait for it: by receive-event, or by receive-hook, which costs the same.
 */
const eventsUsd = (): number => COUNTED.limitedEvents / 1000 + 2 * thousand("receiveEvent");
const deliveriesUsd = (): number => COUNTED.deliveries / 1000 + thousand("deliverWebhook");

/** The key of the model's API, and the keys that seal. */
const SECRETS = 2;
/** Images of functions and runner, compressed. */
const IMAGES_GIB = 0.5;
const MONTH_SECONDS = 30 * 24 * 3600;
/** Of a build beside its agent's time: it is billed from its start, not while it is queued. */
const EXAMPLE_MINUTES = 5;

/** What there is to pay, as lines for a person. */
export function costLines({ minInstances, slots }: DeploySettings): string[] {
  const instances = minInstances * MONTH_SECONDS * (PRICES.idleCpuSecond + PRICES.idleGibSecond);
  const idle =
    SECRETS * PRICES.secretVersion + PRICES.schedulerJob + IMAGES_GIB * PRICES.imageGib + instances;
  const control = Object.values(CONTROL_USD).reduce((sum, usd) => sum + usd, 0);
  const perMinute: Readonly<Record<string, number>> = PRICES.buildMinute;
  const builds = MACHINE_TYPES.filter((type) => (slots[type] ?? 0) > 0).map((type) => {
    const usd = 1000 * EXAMPLE_MINUTES * (perMinute[type] ?? 0);
    return `  ${usd.toFixed(2)} USD for builds on ${type} of ${EXAMPLE_MINUTES} minutes each`;
  });
  return [
    `Idle: about ${idle.toFixed(2)} USD a month (two secrets, a clock, images${minInstances > 0 ? `, ${minInstances} idle instances` : ""}).`,
    `A thousand runs: about ${control.toFixed(3)} USD, and`,
    ...builds,
    `A thousand events: about ${eventsUsd().toFixed(4)} USD, and the runs that they start.`,
    `A thousand deliveries to webhooks that answer at once: about ${deliveriesUsd().toFixed(4)} USD.`,
    "List prices of us-central1, without free quotas and taxes; the model's price comes on top.",
  ];
}
