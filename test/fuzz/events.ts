import fc from "fast-check";
import { receiveEvent } from "../../functions/events/receive-event.ts";
import { describeError } from "../../functions/log.ts";
import type { Services } from "../../functions/services/services.ts";
import { AppError } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import type { Trigger } from "../../shared/triggers/trigger.ts";
import { HOOK_SECRET, storedTrigger } from "../faults/events/parts.ts";
import { EventsWorld } from "../faults/events/world.ts";
import { BUCKET, PROJECT } from "../faults/world/options.ts";
import type { Process } from "../faults/world/process.ts";
import {
  CANARY,
  EVENT_PAYLOADS,
  FINALIZED,
  hookPayload,
  type Payload,
  signatureOf,
} from "./event-payloads.ts";

export interface EventFigures {
  payloads: number;
  seconds: number;
  /** How many of each source were answered with which status. */
  statuses: Record<string, Record<string, number>>;
  /** Runs, each of an event that a trigger waits for. */
  runs: number;
  /** What was put away since nobody can handle it. */
  putAway: number;
  /** By how much the process grew after the first fifth. */
  grownBytes: number;
}

const SCHEMES = ["standard", "github", "hmac", "bearer"] as const;
/** Of so many payloads one is as it should be, and starts a run. */
const GOOD = 100;
/** At a time. */
const BATCH = 20;
/** What the process may grow by: what its collector leaves, and what the world remembers. */
const GROWTH_BYTES = 400 * 1024 * 1024;
const DAY_MS = 24 * 3600 * 1000;

/** A world that listens to what is logged, named and said of messages. */
class FuzzWorld extends EventsWorld {
  readonly lines: string[] = [];

  protected override furnished(services: Services, process: Process): Services {
    return {
      ...super.furnished(services, process),
      log: (severity, message, fields = {}) => {
        this.#look(JSON.stringify({ severity, message, ...fields }));
      },
    };
  }

  protected override published(
    topic: string,
    data: Buffer,
    attributes: Record<string, string>,
  ): void {
    this.#look(`${topic}: ${JSON.stringify(attributes)}`);
    super.published(topic, data, attributes);
  }

  /** Keeps what has a sender's text in it. */
  #look(line: string): void {
    if (line.includes(CANARY)) this.lines.push(line);
  }
}

/**
 * Sends hostile payloads of each source to the functions of events.
 *
 * @param options.requests of each source
 * @param options.seed the same one sends the same
 * @throws {Error} with what does not hold
 */
export async function fuzzEvents(options: {
  requests: number;
  seed: number;
}): Promise<EventFigures> {
  const startMs = performance.now();
  const world = new FuzzWorld({ seed: 1 });
  let told: Omit<EventFigures, "seconds"> | undefined;
  let error: unknown;
  world.time.after(0, () => {
    void send(world, options).then(
      (figures) => {
        told = figures;
      },
      (thrown: unknown) => {
        error = thrown;
      },
    );
  });
  const isOver = () => error !== undefined || (told !== undefined && world.isAtRest());
  const isDone = await world.time.run(isOver, DAY_MS);
  if (error !== undefined) throw error;
  if (!isDone || told === undefined) throw new Error("it comes to no rest");
  hold(world, told);
  return {
    ...told,
    runs: world.witness.records.size,
    seconds: (performance.now() - startMs) / 1000,
  };
}

function hold(world: FuzzWorld, { runs, grownBytes }: Omit<EventFigures, "seconds">): void {
  const [line] = world.lines;
  if (line !== undefined) throw new Error(`a sender's text is told: ${line.slice(0, 500)}`);
  const name = [...world.objects.bucket(BUCKET).keys()].find((one) => one.includes(CANARY));
  if (name !== undefined) throw new Error(`a sender's text names ${name}`);
  const [dead] = world.deadEvents;
  if (dead !== undefined)
    throw new Error(`it came again for ever: ${dead.toString().slice(0, 500)}`);
  const started = world.witness.records.size;
  if (started !== runs) throw new Error(`${started} runs of ${runs} events that are waited for`);
  if (grownBytes > GROWTH_BYTES) throw new Error(`the process grew by ${grownBytes} bytes`);
}

/** A trigger of each source, which waits for what only {@link good} says. */
async function triggersOf(world: FuzzWorld): Promise<Record<string, Trigger>> {
  const { services } = world.open("setup");
  const limits = { runsPerHour: 100_000, runsPerDay: 100_000 };
  const others = { filter: `event.data.wanted == "yes"`, limits } as const;
  const triggers: Record<string, Trigger> = {};
  for (const scheme of SCHEMES) {
    const verify = scheme === "hmac" ? { scheme, header: "X-Signature" } : { scheme };
    const source = { kind: "webhook", verify } as const;
    const bearer = { current: sha256(HOOK_SECRET), previous: null, previousUntil: null };
    triggers[scheme] = await storedTrigger(services, scheme, {
      ...{ source, ...others, ...(scheme === "bearer" && { secrets: bearer }) },
    });
  }
  for (const [nth, type] of ["binary", "structured", "carried", FINALIZED].entries()) {
    const source = { kind: "event", type } as const;
    await storedTrigger(services, `Event${nth}`, { source, ...others });
  }
  const source = { kind: "run", status: "any" } as const;
  await storedTrigger(services, "Ended", { source, ...others });
  return triggers;
}

interface Job {
  source: string;
  ask: () => Promise<number>;
}

async function send(world: FuzzWorld, options: { requests: number; seed: number }) {
  const { jobs, runs } = jobsOf(world, await triggersOf(world), options);
  const statuses: EventFigures["statuses"] = {};
  let warm = 0;
  for (let at = 0; at < jobs.length; at += BATCH) {
    const batch = jobs.slice(at, at + BATCH);
    const answers = await Promise.all(
      batch.map(async (job) => ({ ...job, status: await job.ask() })),
    );
    for (const { source, status } of answers) {
      const { [status]: before = 0, ...others } = statuses[source] ?? {};
      statuses[source] = { ...others, [status]: before + 1 };
    }
    if (at <= jobs.length / 5) warm = process.memoryUsage().rss;
  }
  const grownBytes = process.memoryUsage().rss - warm;
  return { payloads: jobs.length, statuses, runs, putAway: world.refused.length, grownBytes };
}

/** What is sent, and how many runs of it are waited for. */
function jobsOf(
  world: FuzzWorld,
  triggers: Readonly<Record<string, Trigger>>,
  { requests, seed }: { requests: number; seed: number },
): { jobs: Job[]; runs: number } {
  const sample = <T>(of: fc.Arbitrary<T>) => fc.sample(of, { numRuns: requests, seed });
  const goods = Array.from({ length: Math.ceil(requests / GOOD) }, (_, nth) => nth);
  const hooks = SCHEMES.flatMap((source) => {
    const id = triggers[source]?.id ?? "";
    const payloads = sample(hookPayload(source, HOOK_SECRET));
    const all = [...payloads, ...goods.map((nth) => goodHook(source, nth))];
    return all.map((payload): Job => ({ source, ask: () => toHook(world, id, payload) }));
  });
  const events = Object.entries(EVENT_PAYLOADS).flatMap(([source, of]) =>
    sample(of).map((payload) => ({ source, ask: () => toReceiveEvent(world, source, payload) })),
  );
  // It still answers, after all of that as well.
  const last = goods.map((nth): Job => {
    const ask = () => toReceiveEvent(world, "binary", goodEvent(nth));
    return { source: "binary", ask };
  });
  return { jobs: [...hooks, ...events, ...last], runs: goods.length * (SCHEMES.length + 1) };
}

function goodHook(scheme: string, nth: number): Payload & { isSigned: boolean } {
  const body = Buffer.from(JSON.stringify({ wanted: "yes", nth }));
  const headers = { "content-type": "application/json", "idempotency-key": `good-${nth}` };
  return {
    headers: { ...headers, ...signatureOf(scheme, HOOK_SECRET, body) },
    body,
    isSigned: true,
  };
}

function goodEvent(nth: number): Payload {
  const attributes = { specversion: "1.0", id: `good-${nth}`, source: "//fuzz", type: "binary" };
  const headers = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]);
  return {
    headers: { ...Object.fromEntries(headers), "content-type": "application/json" },
    body: Buffer.from('{"wanted":"yes"}'),
  };
}

/** @throws {Error} where what is not signed is taken, or what is gets no answer of 2xx or 4xx */
async function toHook(
  world: FuzzWorld,
  id: string,
  { headers, body, isSigned }: Payload & { isSigned: boolean },
): Promise<number> {
  const status = (await world.postToHook(id, headers, body)) ?? 0;
  const isAsItShould = isSigned
    ? status === 202 || (status >= 400 && status < 500)
    : status === 401;
  if (isAsItShould) return status;
  throw new Error(`${status} to ${JSON.stringify({ headers, body: `${body}` }).slice(0, 1000)}`);
}

const TOPIC_OF: Readonly<Record<string, string>> = {
  "Pub/Sub": "trigger-events",
  run: "run-events",
};

/** @throws {Error} where it would come again */
async function toReceiveEvent(
  world: FuzzWorld,
  source: string,
  { headers, body }: Payload,
): Promise<number> {
  const { services } = world.open("receiveEvent");
  const topic = TOPIC_OF[source];
  const path = topic === undefined ? "/" : `/projects/${PROJECT}/topics/${topic}`;
  try {
    await receiveEvent(services, { path, headers, body });
    return 204;
  } catch (error) {
    if (error instanceof AppError && !error.retry && error.status < 500) return error.status;
    const sent = JSON.stringify({ headers, body: `${body}` }).slice(0, 1000);
    throw new Error(`${describeError(error)} to ${sent}`, { cause: error });
  }
}
