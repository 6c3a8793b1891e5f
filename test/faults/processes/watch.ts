import { setTimeout as sleep } from "node:timers/promises";
import type { Firestore } from "@google-cloud/firestore";
import { runDocuments, runOf } from "../../../functions/cloud/firestore/run-documents.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import * as invariants from "../world/invariants.ts";
import type { Hold } from "../world/witness.ts";
import { type Books, type Order, runIdOf } from "./books.ts";
import type { Journal, TracedAgent } from "./journal.ts";

const LOOK_EVERY_MS = 250;

/** Who looks at the documents from outside, while all goes on. */
export interface Watch {
  books: Books;
  journal: Journal;
  firestore: Firestore;
  hold: Hold;
  isOver(): boolean;
}

/** Looks at every run that is under way, again and again, until it is over. */
export async function watchRuns(watch: Watch): Promise<void> {
  while (!watch.isOver()) {
    watch.journal.read();
    await lookAtRuns(watch).catch(() => {
      // The stand-in is away.
    });
    await sleep(LOOK_EVERY_MS);
  }
}

/** @throws {Error} if the documents cannot be read now */
async function lookAtRuns(watch: Watch): Promise<void> {
  const orders = watch.books.outstanding();
  if (orders.length === 0) return;
  const documents = runDocuments(watch.firestore);
  const pairs = orders.flatMap((order) => [
    documents.run(runIdOf(order)),
    documents.state(runIdOf(order)),
  ]);
  const found = await watch.firestore.getAll(...pairs);
  watch.journal.read();
  for (const [at, order] of orders.entries()) {
    const record = runOf(found.slice(2 * at, 2 * at + 2))?.record;
    if (record !== undefined && record.state.version !== order.record?.state.version) {
      changed(watch, order, record);
    }
  }
}

function changed({ journal, hold }: Watch, order: Order, after: RunRecord): void {
  const step = { before: order.record, after };
  const { id, done } = after.run;
  hold("finalStateStays", id, invariants.finalStateStays(step));
  hold("cancelHolds", id, invariants.cancelHolds(step));
  hold("attemptsAreBounded", id, invariants.attemptsAreBounded(step));
  // Whoever is at work now was so when the run was read, which is a moment ago.
  const pastBuilds = new Map(after.state.pastBuilds.map((build) => [build.id, build.attempt]));
  const live = journal
    .liveOf(order.key)
    .filter(({ buildId }) => done || pastBuilds.has(buildId))
    .map((agent) => agentOf(agent, id, pastBuilds.get(agent.buildId) ?? after.state.attempt));
  hold(
    "noEndWhileAnAgentWorks",
    id,
    invariants.noEndWhileAnAgentWorks(step, { live, started: [] }),
  );
  order.record = after;
  if (done) order.overAt = Date.now();
}

/** A traced agent as the invariants speak of it. */
export function agentOf({ buildId }: TracedAgent, runId: string, attempt: number) {
  return { runId, attempt, buildId };
}
