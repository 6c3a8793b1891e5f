import type { Firestore, Transaction } from "@google-cloud/firestore";
import { type Turns, takeTurn } from "../../../shared/documents/conversation.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Accepted, FiredBy } from "../../../shared/run/accept.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import {
  type Bound,
  boundOf,
  countId,
  dayOf,
  type TriggerCount,
  withRun,
  wordsOf,
} from "../../../shared/triggers/counts.ts";
import { emptyLane, hindranceOf, type Lane } from "../../../shared/triggers/lane.ts";
import type { Firing } from "../../../shared/triggers/trigger.ts";
import type { FiringOrder, RunOfFiring } from "../../services/firings.ts";
import type { Admission } from "./admission.ts";
import { fromDocument } from "./client.ts";
import { createRunDocuments, readConversation, readRun, runDocuments } from "./run-documents.ts";
import { triggerDocuments } from "./run-ends.ts";

/** What becomes of the run that a firing shall start. */
export interface FiringRun {
  outcome: Pick<Firing, "outcome" | "why" | "runId">;
  record?: RunRecord;
  /** To be called when the transaction has read everything. */
  write(): void;
}

interface Reading {
  firestore: Firestore;
  transaction: Transaction;
  admission: Admission;
}

type Order = FiringOrder & { run: RunOfFiring; now: Date };

/** Reads whether a firing starts its run: whose turn it is, what limits and quotas say. */
export async function readFiringRun(reading: Reading, order: Order): Promise<FiringRun> {
  const { firestore, transaction } = reading;
  const { trigger, run } = order;
  const existing = await readRun(transaction, runDocuments(firestore), run.id);
  if (existing !== undefined) return startedBefore(existing.record);
  const place = await readPlace(reading, order);
  const hindrance = hindranceOf(trigger, place.turns);
  if (hindrance !== undefined) return limited(hindrance);
  const room = await readRoom(reading, order);
  if ("full" in room) return limited(room.full);
  const admitted = await admit(reading, trigger.owner);
  if (typeof admitted === "string") return limited(admitted);
  const accepted = place.accept({
    ...room.origin,
    firingId: order.draft.id,
    depth: order.draft.depth,
  });
  return {
    outcome: { outcome: "matched", why: null, runId: run.id },
    record: accepted,
    write() {
      createRunDocuments(runDocuments(firestore), accepted, (document, data) =>
        transaction.create(document, data),
      );
      place.write(accepted);
      room.write();
      admitted();
    },
  };
}

const limited = (why: string): FiringRun => ({
  outcome: { outcome: "limited", why, runId: null },
  write() {},
});

/** The firing that started it is kept for fewer days than the run. */
const startedBefore = (record: RunRecord): FiringRun => ({
  outcome: {
    outcome: "duplicate",
    why: "An event of this key started the run before.",
    runId: record.run.id,
  },
  record,
  write() {},
});

/** Where the run stands: in the conversation of its key, in its trigger's lane, or by itself. */
interface Place {
  turns: Turns | undefined;
  accept(origin: FiredBy["origin"]): Accepted;
  write(accepted: Accepted): void;
}

async function readPlace(reading: Reading, order: Order): Promise<Place> {
  const { trigger, run } = order;
  if (run.conversationId !== null) return conversationPlace(reading, order, run.conversationId);
  if (trigger.overlap !== "allow") return lanePlace(reading, order);
  return {
    turns: undefined,
    accept: (origin) => run.accept({ origin }, undefined),
    write: ({ conversation }) => createConversation(reading, conversation),
  };
}

const createConversation = (
  { firestore, transaction }: Reading,
  conversation: Accepted["conversation"],
): void =>
  void transaction.create(runDocuments(firestore).conversation(conversation.id), conversation);

async function conversationPlace(
  reading: Reading,
  { trigger, run }: Order,
  conversationId: string,
): Promise<Place> {
  const { firestore, transaction } = reading;
  const documents = runDocuments(firestore);
  const conversation = await readConversation(transaction, documents, conversationId);
  if (conversation?.owner !== trigger.owner) {
    return {
      turns: undefined,
      accept: (origin) => run.accept({ origin, conversationId }, undefined),
      write: (accepted) => createConversation(reading, accepted.conversation),
    };
  }
  const { lastRun } = conversation;
  const last = lastRun === null ? undefined : await readRun(transaction, documents, lastRun);
  const session = last?.record.state.session ?? null;
  return {
    turns: conversation,
    accept: (origin) => run.accept({ origin }, { conversation, session }),
    write: (accepted) =>
      void transaction.set(documents.conversation(conversationId), accepted.conversation),
  };
}

async function lanePlace(reading: Reading, { trigger, run, now }: Order): Promise<Place> {
  const { firestore, transaction } = reading;
  const document = triggerDocuments(firestore).lane(trigger.id);
  const found = fromDocument((await transaction.get(document)).data()) as Lane | undefined;
  const turns = found ?? emptyLane(trigger.owner, now);
  const lane = { triggerId: trigger.id, waits: turns.activeRun !== null };
  return {
    turns,
    accept: (origin) => run.accept({ origin, lane }, undefined),
    write({ conversation }) {
      createConversation(reading, conversation);
      transaction.set(document, takeTurn(turns, run.id, now));
    },
  };
}

/** The part of the limits that the run is counted in, or that none has room. */
type Room =
  | { origin: Omit<FiredBy["origin"], "firingId" | "depth">; write(): void }
  | { full: string };

async function readRoom({ firestore, transaction }: Reading, order: Order): Promise<Room> {
  const { trigger, run, now } = order;
  const { id: triggerId, owner, limits } = trigger;
  const { budgetMicros, parts } = run;
  const bounds: Bound[] = [];
  for (const part of parts) {
    const id = countId(triggerId, dayOf(now), part);
    const document = triggerDocuments(firestore).count(id);
    const count = fromDocument((await transaction.get(document)).data()) as
      | TriggerCount
      | undefined;
    const asked = { limits, part, now, budgetMicros };
    const bound = boundOf(count, asked);
    if (bound !== undefined) {
      bounds.push(bound);
      continue;
    }
    const reservedMicros = limits.usdPerDay === undefined ? 0 : budgetMicros;
    return {
      origin: { triggerId, count: id, reservedMicros },
      write: () => void transaction.set(document, withRun(count, { owner, triggerId }, asked)),
    };
  }
  return { full: wordsOf(bounds, limits) };
}

/** Whether the owner may have one more run, and writes that there is one; or why not. */
async function admit(
  { transaction, admission }: Reading,
  owner: string,
): Promise<(() => void) | string> {
  try {
    return await admission.admit(transaction, owner);
  } catch (error) {
    const isFull =
      error instanceof AppError &&
      (error.code === "limit_reached" || error.code === "budget_spent");
    if (!isFull) throw error;
    return error.message;
  }
}
