import type { DocumentReference, DocumentSnapshot, Transaction } from "@google-cloud/firestore";
import type { Run } from "../../../shared/documents/run.ts";
import { sha256 } from "../../../shared/hash.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import {
  emptyDay,
  joinedDays,
  type UsageDay,
  withoutLabels,
  withRun,
} from "../../../shared/usage/usage-day.ts";
import type { UsageStore } from "../../services/usage.ts";
import type { Database } from "./client.ts";

/** Parts of an owner's day: each takes one write a second. */
const SHARDS = 8;
/** Documents that are read at once. */
const BATCH = 200;

/** What owners' runs came to, in the transactions that end them. */
export class UsageDays implements UsageStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Counts a run that ends.
   *
   * @returns `write`, to be called when the transaction has read everything
   */
  async account(transaction: Transaction, { run, state }: RunRecord): Promise<{ write(): void }> {
    return this.#change(transaction, run, (part) => withRun(part, run, state.model));
  }

  /**
   * Takes the labels of a run that is erased out of what is counted; otherwise as {@link account}.
   */
  async forgetLabels(transaction: Transaction, run: Run): Promise<{ write(): void }> {
    return this.#change(transaction, run, (part) => withoutLabels(part, run));
  }

  async #change(transaction: Transaction, run: Run, change: (part: UsageDay) => UsageDay) {
    const { owner } = run;
    const day = dayOf(run.finishedAt ?? run.updatedAt);
    const document = this.#part(owner, day, shardOf(run.id));
    const json = JSON.stringify(change(partIn(await transaction.get(document))));
    const data = { schemaVersion: 1, owner, day, json };
    return { write: () => void transaction.set(document, data) };
  }

  async daysOf(owner: string, days: readonly string[]): Promise<UsageDay[]> {
    const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
    const documents = days.flatMap((day) => shards.map((shard) => this.#part(owner, day, shard)));
    const { firestore, call } = this.#database;
    const parts: UsageDay[] = [];
    for (let at = 0; at < documents.length; at += BATCH) {
      const batch = documents.slice(at, at + BATCH);
      parts.push(...(await call(() => firestore.getAll(...batch))).map(partIn));
    }
    return days.map((_, at) => joinedDays(parts.slice(at * SHARDS, (at + 1) * SHARDS)));
  }

  #part = (owner: string, day: string, shard: number): DocumentReference =>
    this.#database.firestore.doc(`${COLLECTIONS.usage}/${sha256(owner)}-${day}-${shard}`);
}

function partIn(snapshot: DocumentSnapshot): UsageDay {
  return snapshot.exists ? (JSON.parse(snapshot.get("json")) as UsageDay) : emptyDay();
}

const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

const shardOf = (runId: string): number => Number.parseInt(sha256(runId).slice(0, 8), 16) % SHARDS;
