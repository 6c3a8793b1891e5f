/** What Google asks for so many of something. */
export interface Price {
  usd: number;
  /** Number of units that `usd` is for. */
  per: number;
  unit: string;
  /** Where it stands. */
  source: string;
}

const FIRESTORE = "https://cloud.google.com/firestore/pricing (Standard edition, us-central1)";
const STORAGE = "https://cloud.google.com/storage/pricing (Standard class, us-central1)";
const FUNCTIONS = "https://cloud.google.com/run/pricing (request-based, tier 1)";
const BUILDS = "https://cloud.google.com/build/pricing (default pool, us-central1)";

/** The one table of list prices, in USD, without the free amounts. */
export const PRICES = {
  firestoreRead: { usd: 0.03, per: 1e5, unit: "document read", source: FIRESTORE },
  firestoreWrite: { usd: 0.09, per: 1e5, unit: "document written", source: FIRESTORE },
  firestoreDelete: { usd: 0.01, per: 1e5, unit: "document deleted", source: FIRESTORE },
  pubsubByte: {
    usd: 40,
    per: 2 ** 40,
    unit: "byte published or delivered",
    source: "https://cloud.google.com/pubsub/pricing",
  },
  storageClassA: { usd: 0.005, per: 1000, unit: "object written or listed", source: STORAGE },
  storageClassB: { usd: 0.0004, per: 1000, unit: "object read", source: STORAGE },
  /** As a rule answers of 4XX are not charged for. */
  storageRefused: { usd: 0, per: 1, unit: "object refused: 404, 412", source: STORAGE },
  storageFree: { usd: 0, per: 1, unit: "object deleted", source: STORAGE },
  cloudBuildCall: { usd: 0, per: 1, unit: "call of Cloud Build", source: BUILDS },
  functionRequest: { usd: 0.4, per: 1e6, unit: "request of a function", source: FUNCTIONS },
  functionCpuSecond: {
    usd: 0.000024,
    per: 1,
    unit: "vCPU second of a function",
    source: FUNCTIONS,
  },
  buildMinuteMedium: { usd: 0.003, per: 1, unit: "minute of e2-medium", source: BUILDS },
  buildMinuteStandard2: { usd: 0.006, per: 1, unit: "minute of e2-standard-2", source: BUILDS },
  buildMinuteHighcpu8: { usd: 0.016, per: 1, unit: "minute of e2-highcpu-8", source: BUILDS },
} as const satisfies Record<string, Price>;
export type Priced = keyof typeof PRICES;

const MILLION = 1_000_000;
/** Pub/Sub counts each request as at least this. */
const LEAST_PUBSUB_BYTES = 1000;

/** What a million runs cost in USD that each take `count` of it. */
export function usdPerMillion(what: Priced, count: number): number {
  const { usd, per } = PRICES[what];
  return (MILLION * count * usd) / per;
}

/** The bytes that Pub/Sub asks money for when a request publishes or delivers so many. */
export function billedPubsubBytes(bytes: number): number {
  return Math.max(LEAST_PUBSUB_BYTES, bytes);
}
