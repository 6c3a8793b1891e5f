import type { DocumentReference, Timestamp, Transaction } from "@google-cloud/firestore";
import { after } from "../../../shared/clock.ts";
import type { Turns } from "../../../shared/documents/conversation.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import {
  boundOf,
  countId,
  dayOf,
  partsFrom,
  sumOf,
  type TriggerCount,
  wordsOf,
} from "../../../shared/triggers/counts.ts";
import { afterFailure } from "../../../shared/triggers/failures.ts";
import { aheadOf } from "../../../shared/triggers/lane.ts";
import type { Firing, Trigger } from "../../../shared/triggers/trigger.ts";
import type { Decided, FiringOrder, FiringStore, RunOfFiring } from "../../services/firings.ts";
import type { Admission } from "./admission.ts";
import { type Database, fromDocument } from "./client.ts";
import { type FiringRun, readFiringRun } from "./firing-run.ts";
import { readRun, runDocuments } from "./run-documents.ts";
import { triggerDocuments } from "./run-ends.ts";
import { readFiring, readTrigger } from "./trigger-store.ts";

const KEPT_SECONDS = 30 * 24 * 3600;
/** Times that a firing has of events that came again. */
const MOST_DUPLICATES = 10;

type Documents = ReturnType<typeof triggerDocuments>;

/** Decides on events at triggers in Firestore: `firings`, and all that follows. */
export class FirestoreFiringStore implements FiringStore {
  readonly #database: Database;
  readonly #admission: Admission;
  readonly #documents: Documents;

  /** @param admission decides in the same transaction whether an owner may have one more run */
  constructor(database: Database, admission: Admission) {
    this.#database = database;
    this.#admission = admission;
    this.#documents = triggerDocuments(database.firestore);
  }

  fire(order: FiringOrder): Promise<Decided> {
    const decide = (transaction: Transaction) => this.#fire(transaction, order);
    const { trigger, run } = order;
    const { firestore, call } = this.#database;
    if (run === undefined) return call(() => firestore.runTransaction(decide));
    return this.#admission.lines.transact(this.#lineOf(trigger, run), decide);
  }

  /** Transactions that write one document would only get in each other's way. */
  #lineOf({ owner, id, overlap }: Trigger, { parts, conversationId }: RunOfFiring): string {
    if (this.#admission.isBounded(owner)) return owner;
    if (conversationId !== null) return conversationId;
    return overlap === "allow" ? `${id}.${parts[0]}` : id;
  }

  async #fire(transaction: Transaction, order: FiringOrder): Promise<Decided> {
    const { draft, tick } = order;
    const reference = this.#documents.trigger(order.trigger.id);
    const snapshots = await transaction.getAll(reference, this.#documents.firing(draft.id));
    const [read, before] = snapshots;
    if (read === undefined || before === undefined) throw new Error("read less than was asked for");
    const trigger = readTrigger(read)?.trigger;
    const now = latest(snapshots.map(({ readTime }) => readTime));
    const there = readFiring(before);
    if (there !== undefined) {
      const again = await this.#again(transaction, there, now);
      // The tick after it may be another by now: the next sweep finds out.
      if (trigger?.revision === order.trigger.revision)
        moveOn(transaction, reference, { trigger, tick });
      return again;
    }
    if (trigger === undefined || !trigger.enabled || trigger.pausedWhy !== null) {
      return { is: "gone" };
    }
    if (trigger.revision !== order.trigger.revision) return { is: "changed" };
    if (tick !== undefined && !isAt(trigger, tick.at)) return { is: "gone" };
    const run = order.run && (await this.#readRun(transaction, { ...order, run: order.run, now }));
    const firing = firingOf(trigger, { ...draft, ...run?.outcome }, now);
    const change = {
      ...(tick && { dueAt: tick.next }),
      ...failureOf(trigger, firing, { now, isOverTime: order.isOverTime ?? false }),
    };
    transaction.create(before.ref, firing);
    run?.write();
    if (Object.keys(change).length > 0) transaction.update(reference, change);
    const record = run?.record;
    return { is: "decided", firing, ...(record && { record }) };
  }

  #readRun(
    transaction: Transaction,
    order: FiringOrder & { run: RunOfFiring; now: Date },
  ): Promise<FiringRun> {
    const { firestore } = this.#database;
    return readFiringRun({ firestore, transaction, admission: this.#admission }, order);
  }

  /** A decision on an event is final; that it came again is noted, a few times. */
  async #again(transaction: Transaction, firing: Firing, now: Date): Promise<Decided> {
    const { firestore } = this.#database;
    const { id, runId, duplicates } = firing;
    const run =
      runId === null ? undefined : await readRun(transaction, runDocuments(firestore), runId);
    const record = run?.record;
    if (duplicates.length < MOST_DUPLICATES) {
      transaction.update(this.#documents.firing(id), { duplicates: [...duplicates, now] });
    }
    return { is: "duplicate", firing, ...(record && { record }) };
  }

  async aheadOf({ run, state }: RunRecord): Promise<string[]> {
    if (!state.waitsForTurn) return [];
    const { firestore, call } = this.#database;
    const document =
      state.lane === null
        ? runDocuments(firestore).conversation(run.conversation.id)
        : this.#documents.lane(state.lane);
    const turns = (await call(() => document.get())).data() as Turns | undefined;
    return turns === undefined ? [] : aheadOf(turns, run.id);
  }

  async roomOf(
    trigger: Trigger,
    { budgetMicros, start, now }: { budgetMicros: number; start: number; now: Date },
  ): Promise<{ parts: number[] } | { full: string }> {
    const { firestore, call } = this.#database;
    const { id, limits } = trigger;
    const parts = partsFrom(start, limits);
    const documents = parts.map((part) => this.#documents.count(countId(id, dayOf(now), part)));
    const found = await call(() => firestore.getAll(...documents));
    const bounds = parts.map((part, nth) => {
      const count = fromDocument(found[nth]?.data()) as TriggerCount | undefined;
      return boundOf(count, { limits, part, now, budgetMicros });
    });
    const free = parts.filter((_, nth) => bounds[nth] === undefined);
    if (free.length > 0) return { parts: free };
    return {
      full: wordsOf(
        bounds.flatMap((bound) => bound ?? []),
        limits,
      ),
    };
  }

  async todayOf(
    triggers: readonly Trigger[],
    now: Date,
  ): Promise<{ runs: number; usd: number | null }[]> {
    const { firestore, call } = this.#database;
    const places = triggers.map(({ id, limits }) =>
      partsFrom(0, limits).map((part) => this.#documents.count(countId(id, dayOf(now), part))),
    );
    const documents = places.flat();
    if (documents.length === 0) return [];
    const found = (await call(() => firestore.getAll(...documents))).values();
    return triggers.map(({ limits }, nth) => {
      const counts = places[nth]?.map(
        () => fromDocument(found.next().value?.data()) as TriggerCount | undefined,
      );
      return sumOf(counts ?? [], limits);
    });
  }

  async countFiltered(triggerId: string, since: Date, limit: number): Promise<number> {
    const firings = this.#database.firestore.collection(COLLECTIONS.firings);
    const query = firings
      .where("triggerId", "==", triggerId)
      .where("outcome", "==", "filtered")
      .where("createdAt", ">=", since)
      .orderBy("createdAt", "desc")
      .limit(limit);
    return (await this.#database.call(() => query.count().get())).data().count;
  }
}

/** Of a tick whose key another has had. */
function moveOn(
  transaction: Transaction,
  reference: DocumentReference,
  { trigger, tick }: { trigger: Trigger | undefined; tick: FiringOrder["tick"] },
): void {
  if (tick && trigger && isAt(trigger, tick.at)) {
    transaction.update(reference, { dueAt: tick.next });
  }
}

const isAt = ({ dueAt }: Trigger, at: Date): boolean => dueAt?.getTime() === at.getTime();

const latest = (times: readonly Timestamp[]): Date =>
  new Date(Math.max(...times.map((time) => time.toMillis())));

function firingOf(trigger: Trigger, draft: FiringOrder["draft"], now: Date): Firing {
  const { owner, id: triggerId, revision } = trigger;
  const of = { schemaVersion: 1, owner, triggerId, revision } as const;
  const expireAt = after(now, KEPT_SECONDS);
  return { ...draft, ...of, duplicates: [], createdAt: now, expireAt };
}

function failureOf(
  trigger: Trigger,
  { outcome, why }: Firing,
  { now, isOverTime }: { now: Date; isOverTime: boolean },
): Partial<Trigger> {
  if (outcome !== "error") return {};
  const kind = isOverTime ? "overTime" : "failure";
  return afterFailure(trigger, { kind, why: why ?? "", now });
}
