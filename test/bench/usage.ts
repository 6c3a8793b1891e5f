import http from "node:http";
import { json } from "node:stream/consumers";
import type { Firestore } from "@google-cloud/firestore";
import { Admission } from "../../functions/cloud/firestore/admission.ts";
import { databaseOf } from "../../functions/cloud/firestore/client.ts";
import { OwnerDays } from "../../functions/cloud/firestore/owner-days.ts";
import { FirestoreRunStore } from "../../functions/cloud/firestore/run-store.ts";
import { SlotWrites } from "../../functions/cloud/firestore/slot-writes.ts";
import { UsageDays } from "../../functions/cloud/firestore/usage-days.ts";
import { seededRandom } from "../../infra/emulators/wire/random.ts";
import type { Usages } from "../../shared/api/usage.ts";
import { systemClock } from "../../shared/clock.ts";
import { AppError } from "../../shared/errors.ts";
import { acceptRun } from "../../shared/run/accept.ts";
import type { RunEvent, RunRecord } from "../../shared/run/record.ts";
import { next } from "../../shared/run/run.ts";
import { claimed, lease, makeOrder, settled, submitted } from "../support/make-run.ts";
import {
  type Benchmark,
  type Context,
  figure,
  interleave,
  ratioCell,
  type Table,
} from "./benchmark.ts";
import { writeRun } from "./finished-runs.ts";
import { ours, startFunction } from "./functions.ts";
import { inParallel } from "./in-parallel.ts";
import { KEY, openFirestore, startServices } from "./services.ts";
import { median, quantile } from "./statistics.ts";
import { temporaryFolder } from "./temporary.ts";

const RUNS = 10_000;
const ROUNDS = 15;
/** Runs that each variant ends in a round. */
const ENDED = 40;
const OWNER = "bench";
const GROUPINGS = ["status", "agent", "model", "label"] as const;

/** One run that is to end, and what a count by hand takes of it. */
interface Case {
  record: RunRecord;
  end: RunEvent;
  status: string;
  agent: string;
  model: string;
  label: string;
  costMicros: number;
}

/** What runs came to is counted as they end, and never by reading them. */
export const usage: Benchmark = {
  name: "usage",
  summary: `what ${RUNS} runs came to: counted by hand, and what counting and asking cost`,
  async run({ cleanup, progress, rounds = ROUNDS }: Context): Promise<Table[]> {
    const services = await startServices(cleanup, { observe: true });
    const firestore = openFirestore(services.clients);
    cleanup.defer(() => firestore.terminate());
    const folder = temporaryFolder(cleanup, "sockets");
    const { socketPath } = await startFunction(cleanup, ours("api"), {
      env: services.clients,
      folder,
    });
    const cases = Array.from({ length: RUNS }, caseOf(seededRandom(1)));
    const counting = storeOn(firestore, true);
    await inParallel({ count: RUNS, width: 8 }, async (at) => {
      if (at % 100 === 0) progress(`run ${at} of ${RUNS}`);
      const each = cases[at] as Case;
      await writeRun(firestore, each.record);
      await endRun(counting, each);
    });
    for (const by of GROUPINGS) holdToHand(await usageBy(socketPath, by), cases, by);
    const asked = await interleave({ progress }, askers(socketPath, firestore), rounds);
    const ended = await interleave({ progress }, enders(firestore), rounds);
    return [
      tableOf("asking", {
        ...{ samples: asked, baseline: BY_READING },
        note: `${RUNS} runs came to what a count by hand says: by ${GROUPINGS.join(", ")}`,
      }),
      tableOf("ending a run", {
        ...{ samples: ended, baseline: UNCOUNTED },
        note: `each sample is the median of ${ENDED} runs, one after the other`,
      }),
    ];
  },
};

const WORDS = ["succeeded", "no_result", "timed_out"] as const;
const STATUSES = { succeeded: "succeeded", no_result: "failed", timed_out: "timed_out" } as const;

function caseOf(random: () => number) {
  const below = (count: number) => Math.floor(random() * count);
  return (_: unknown, at: number): Case => {
    const outcome = WORDS[below(WORDS.length)] ?? "succeeded";
    const [agent, model, label] = [`agent_${below(30)}`, `model-${below(3)}`, `team:t${below(20)}`];
    const costMicros = below(2_000_000);
    const now = new Date(Date.now() - 1000 - below(600_000));
    const order = makeOrder({ agent: { id: agent, version: 1 }, labels: { team: label.slice(5) } });
    const accepted = acceptRun(order, {
      ...{ id: `run_${String(at).padStart(22, "0")}`, owner: OWNER, nonce: "n", sessionId: "s" },
      ...{ requestHash: "h", writer: "w", now },
    });
    let record: RunRecord = { run: accepted.run, state: accepted.state };
    for (const event of [lease, submitted, claimed]) {
      const transition = next(record, event, now);
      if (!transition.changed) throw new Error(transition.reason);
      record = transition.record;
    }
    record.state = { ...record.state, model, slot: null };
    const end = settled(outcome, { settlement: settlementOf(outcome, costMicros) });
    return { record, end, status: STATUSES[outcome], agent, model, label, costMicros };
  };
}

function settlementOf(outcome: (typeof WORDS)[number], costMicros: number) {
  const verdict = { outcome, message: `It was ${outcome}.`, deniedTools: [] };
  const costUsd = costMicros / 1_000_000;
  const used = { costUsd, inputTokens: 1000, outputTokens: 100, turns: 1, incomplete: false };
  const conversation = { session: null, remark: "" };
  const left = { output: null, changes: null, artifacts: [], isolation: null };
  return { verdict, spentUsd: costUsd, result: { ...left, usage: used, conversation } };
}

/** The store of runs as the functions have it, or one that counts nothing. */
function storeOn(firestore: Firestore, counts: boolean): FirestoreRunStore {
  const database = databaseOf(firestore, systemClock);
  const days = new OwnerDays(database, new Map());
  const usageDays = new UsageDays(database);
  if (!counts) usageDays.account = async () => ({ write() {} });
  return new FirestoreRunStore(database, {
    admission: new Admission(database, { concurrent: undefined, daily: undefined }, days),
    days,
    slots: new SlotWrites(database, Math.random),
    usage: usageDays,
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
  });
}

/** As a message is delivered anew whose handling met a transaction of somebody else's too often. */
async function endRun(store: FirestoreRunStore, { record, end, status }: Case): Promise<void> {
  const decide = () =>
    store.transact(record.run.id, (before, now) => next(before, end, now)).catch(retriable);
  let ended = await decide();
  while (ended === "again") ended = await decide();
  if (ended?.record.run.status !== status) {
    throw new Error(`run ${record.run.id} is ${ended?.record.run.status} and should be ${status}`);
  }
}

function retriable(error: unknown): "again" {
  if (error instanceof AppError && error.retry) return "again";
  throw error;
}

/** @throws {Error} if the API tells something else than who counts the cases themselves */
function holdToHand(
  { items, total }: Usages,
  cases: readonly Case[],
  by: (typeof GROUPINGS)[number],
) {
  const shown = (runs: number, costUsd: number) => `${runs} runs, $${costUsd.toFixed(6)}`;
  const sum = (some: readonly Case[]) =>
    shown(some.length, some.reduce((micros, each) => micros + each.costMicros, 0) / 1_000_000);
  const byHand = new Map(
    [...Map.groupBy(cases, (each) => each[by])].map(([key, some]) => [key, sum(some)]),
  );
  const told = new Map(items.map(({ key, runs, costUsd }) => [key, shown(runs, costUsd)]));
  const wrong = [...byHand].filter(([key, each]) => told.get(key) !== each);
  if (wrong.length > 0 || told.size !== byHand.size) {
    throw new Error(
      `by ${by}: ${told.size} rows for ${byHand.size}, wrong are ${JSON.stringify(wrong)}`,
    );
  }
  if (shown(total.runs, total.costUsd) !== sum(cases))
    throw new Error(`by ${by}: the total is wrong`);
}

function usageBy(socketPath: string, by: string): Promise<Usages> {
  const { promise, resolve, reject } = Promise.withResolvers<Usages>();
  const headers = { host: "127.0.0.1", authorization: `Bearer ${KEY}` };
  const asking = http.request({ socketPath, path: `/v1/usage?by=${by}`, headers, agent: false });
  asking.on(
    "response",
    (answer) => void json(answer).then((told) => resolve(told as Usages), reject),
  );
  asking.on("error", reject).end();
  return promise;
}

const BY_READING = "reading every run";

function askers(socketPath: string, firestore: Firestore) {
  const timed = (perform: () => Promise<unknown>) => async () => {
    const startedAt = performance.now();
    await perform();
    return performance.now() - startedAt;
  };
  const runs = firestore.collection("runs").where("owner", "==", OWNER);
  return [
    { name: BY_READING, measure: timed(() => runs.select("usage", "labelPairs").get()) },
    { name: "GET /v1/usage?by=label", measure: timed(() => usageBy(socketPath, "label")) },
  ];
}

const UNCOUNTED = "without counting";

function enders(firestore: Firestore) {
  const random = seededRandom(2);
  let made = RUNS;
  const measured = (store: FirestoreRunStore) => async () => {
    const samples: number[] = [];
    for (let i = 0; i < ENDED; i += 1) {
      const each = caseOf(random)(undefined, made++);
      await writeRun(firestore, each.record);
      const startedAt = performance.now();
      await endRun(store, each);
      samples.push(performance.now() - startedAt);
    }
    return median(samples);
  };
  return [
    { name: UNCOUNTED, measure: measured(storeOn(firestore, false)) },
    { name: "counted", measure: measured(storeOn(firestore, true)) },
  ];
}

function tableOf(
  title: string,
  { samples, baseline, note }: { samples: Map<string, number[]>; baseline: string; note: string },
): Table {
  const base = samples.get(baseline) ?? [];
  const itself = (ms: number) => ms;
  return {
    title: `usage: ${title}, ${base.length} rounds`,
    columns: ["way", "median ms", "p95 ms", `/${baseline}`],
    rows: [...samples].map(([name, times]) => [
      name,
      figure(median(times)),
      figure(quantile(times, 0.95)),
      ratioCell(times, base, itself),
    ]),
    notes: [note],
  };
}
