import { SERVICES } from "../../infra/deploy/tables/services.ts";
import { CAPACITY } from "../../shared/limits.ts";
import { ALL_SHARDS } from "../../shared/shard.ts";
import { OWNERS, type Simulated } from "./simulate.ts";

/** A limit, and what the rate asks of it in the same unit: what one run asks, times the rate. */
export interface Limit {
  name: string;
  most: number;
  asked: number;
}

/** @see https://firebase.google.com/docs/firestore/solutions/shard-timestamp */
const INDEX_WRITES = 500;
/** A message of Cloud Build's has the whole build. */
export const MESSAGE_KB = { "run-requests": 1, "cloud-builds": 8 } as const;
/**
 * MB a second that one region pushes, as it was in 2020; Google has raised it since.
 *
 * @see https://cloud.google.com/pubsub/quotas
 */
const PUSHED_MB = 20;

/** The limits of Google and our own, those first that are met first as the rate grows. */
export function limitsOf({ load, sent, counts }: Simulated): Limit[] {
  const asked = (count: number) => (count / Math.max(1, sent)) * load.rate;
  const held = asked(counts.heldSeconds);
  const { messages, dueWrites } = counts;
  const kilobytes =
    messages["run-requests"] * MESSAGE_KB["run-requests"] +
    messages["cloud-builds"] * MESSAGE_KB["cloud-builds"];
  const largest = Math.max(...OWNERS.map(({ share }) => share));
  const instances = (["submitBuild", "recordBuildStatus"] as const).map((name) => {
    const { concurrency, maxInstances } = SERVICES[name];
    const seconds = counts.handled.get(name)?.seconds ?? 0;
    return {
      name: `requests to ${name} at a time`,
      most: concurrency * maxInstances,
      asked: asked(seconds),
    };
  });
  const due = (["runState", "slots"] as const).flatMap((collection) => [
    {
      name: `writes a second of ${collection}.dueAt, in this release`,
      most: INDEX_WRITES,
      asked: asked(dueWrites[collection]),
    },
    {
      name: `writes a second of ${collection}.dueAt, in shards alone`,
      most: INDEX_WRITES * ALL_SHARDS.length,
      asked: asked(dueWrites[collection]),
    },
  ]);
  const limits: Limit[] = [
    { name: "builds at a time", most: load.slots, asked: held },
    {
      name: "creates in a minute",
      most: load.createsPerMinute,
      asked: asked(counts.creates + counts.refusals) * 60,
    },
    ...due,
    {
      name: "writes a second of one owner's runs.updatedAt",
      most: INDEX_WRITES,
      asked: asked(counts.runWrites) * largest,
    },
    {
      name: "slots that sweeps look at in a minute",
      most: CAPACITY.looks,
      asked: (held * 60) / CAPACITY.look,
    },
    { name: "MB a second of messages", most: PUSHED_MB, asked: asked(kilobytes) / 1024 },
    ...instances,
  ];
  return limits.sort((a, b) => useOf(b) - useOf(a));
}

/** 1: it is met. */
export const useOf = ({ asked, most }: Limit): number => asked / most;

/** The limit that is met first; undefined: the rate meets none. */
export function firstMet(simulated: Simulated): Limit | undefined {
  const [first] = limitsOf(simulated);
  return first && useOf(first) >= 1 ? first : undefined;
}
