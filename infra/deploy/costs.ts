import { MACHINE_TYPES } from "../../shared/agent/settings.ts";
import type { DeploySettings } from "./settings.ts";

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
  /** A version of a secret, and a job of the scheduler, a month. */
  secretVersion: 0.06,
  schedulerJob: 0.1,
  /** A GiB of images, a month. */
  imageGib: 0.1,
};

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
};

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
    "List prices of us-central1, without free quotas and taxes; the model's price comes on top.",
  ];
}
