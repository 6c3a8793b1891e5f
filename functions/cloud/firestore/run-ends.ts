import type { DocumentReference, Firestore, Transaction } from "@google-cloud/firestore";
import { COLLECTIONS } from "../../../shared/names.ts";
import { passTurn } from "../../../shared/run/pass-turn.ts";
import type { Effect, RunOrigin, RunRecord } from "../../../shared/run/record.ts";
import { microsOf, type TriggerCount, withSpent } from "../../../shared/triggers/counts.ts";
import { afterFailure, afterSuccess, sayingOf } from "../../../shared/triggers/failures.ts";
import type { Lane } from "../../../shared/triggers/lane.ts";
import { fromDocument } from "./client.ts";
import {
  expireRequest,
  type RunDocuments,
  readConversation,
  readRun,
  writeConversation,
  writeTransition,
} from "./run-documents.ts";
import { readTrigger } from "./trigger-store.ts";

/** What a run's end does beside it: to be written when its transaction has read everything. */
interface EndOfRun {
  effects: Effect[];
  write(): void;
}

const NOTHING: EndOfRun = { effects: [], write() {} };

/** The documents of what starts runs. */
export const triggerDocuments = (firestore: Firestore) => ({
  trigger: (id: string) => firestore.doc(`${COLLECTIONS.triggers}/${id}`),
  firing: (id: string) => firestore.doc(`${COLLECTIONS.firings}/${id}`),
  count: (id: string) => firestore.doc(`${COLLECTIONS.triggerCounts}/${id}`),
  lane: (triggerId: string) => firestore.doc(`${COLLECTIONS.triggerLanes}/${triggerId}`),
});

/** Where the ended run is, as its transaction reads and writes. */
interface Ending {
  firestore: Firestore;
  transaction: Transaction;
  documents: RunDocuments;
  now: Date;
}

/**
 * Reads what the end of a run does: its conversation and its lane go on to the next, and the
 * trigger that started it is told how it went and what it cost.
 */
export async function readEnd(ending: Ending, ended: RunRecord): Promise<EndOfRun> {
  const parts = [
    await conversationAfter(ending, ended),
    await laneAfter(ending, ended),
    await triggerAfter(ending, ended),
  ];
  return {
    effects: parts.flatMap(({ effects }) => effects),
    write() {
      expireRequest(ending.transaction, ending.documents, ended);
      for (const part of parts) part.write();
    },
  };
}

/** Its conversation may be gone. */
async function conversationAfter(ending: Ending, ended: RunRecord): Promise<EndOfRun> {
  const { transaction, documents } = ending;
  const before = await readConversation(transaction, documents, ended.run.conversation.id);
  if (before === undefined) return NOTHING;
  const world = worldOf(ending, ended.state.session);
  const { turns: conversation, woken, effects } = await passTurn(before, ended, world);
  return {
    effects,
    write() {
      writeConversation(transaction, documents, { conversation, ended });
      if (woken !== undefined) writeTransition(transaction, documents, { transition: woken });
    },
  };
}

/** In a lane each run begins with nothing. */
async function laneAfter(ending: Ending, ended: RunRecord): Promise<EndOfRun> {
  const { firestore, transaction, documents } = ending;
  const { lane } = ended.state;
  if (lane === null) return NOTHING;
  const document = triggerDocuments(firestore).lane(lane);
  const before = fromDocument((await transaction.get(document)).data()) as Lane | undefined;
  if (before === undefined) return NOTHING;
  const { turns, woken, effects } = await passTurn(before, ended, worldOf(ending, null));
  return {
    effects,
    write() {
      transaction.set(document, turns);
      if (woken !== undefined) writeTransition(transaction, documents, { transition: woken });
    },
  };
}

const worldOf = (
  { transaction, documents, now }: Ending,
  restore: RunRecord["state"]["session"],
) => ({
  now,
  restore,
  read: async (runId: string) => (await readRun(transaction, documents, runId))?.record,
});

async function triggerAfter(ending: Ending, ended: RunRecord): Promise<EndOfRun> {
  const { firestore, transaction, now } = ending;
  const { origin } = ended.state;
  if (origin === null) return NOTHING;
  const { trigger: triggerOf, count: countOf } = triggerDocuments(firestore);
  const trigger = triggerOf(origin.triggerId);
  const writeCount = await settled(transaction, countOf(origin.count), { ended, origin });
  const before = readTrigger(await transaction.get(trigger))?.trigger;
  const saying = sayingOf(ended.run.status);
  const failure = { kind: "failure", why: failureOf(ended), now } as const;
  const change =
    before === undefined || saying === undefined
      ? {}
      : saying === "success"
        ? afterSuccess(before)
        : afterFailure(before, failure);
  return {
    effects: [],
    write() {
      writeCount();
      if (Object.keys(change).length > 0) transaction.update(trigger, change);
    },
  };
}

const failureOf = ({ run: { id, why } }: RunRecord): string => `run ${id}: ${why}`;

/** What was set aside is given back, and what it cost is counted. */
async function settled(
  transaction: Transaction,
  document: DocumentReference,
  { ended, origin }: { ended: RunRecord; origin: RunOrigin },
): Promise<() => void> {
  const { reservedMicros } = origin;
  if (reservedMicros === 0) return () => {};
  const count = fromDocument((await transaction.get(document)).data()) as TriggerCount | undefined;
  if (count === undefined) return () => {};
  const spentMicros = spentOf(ended) ?? reservedMicros;
  return () => void transaction.set(document, withSpent(count, { reservedMicros, spentMicros }));
}

/** Undefined: nobody knows, so all of it may be spent. */
function spentOf({
  run: { usage },
  state: { leaseTaken, attempt },
}: RunRecord): number | undefined {
  if (usage === null) return leaseTaken || attempt > 1 ? undefined : 0;
  return usage.incomplete || usage.costUsd === null ? undefined : microsOf(usage.costUsd);
}
