import type { Transaction } from "@google-cloud/firestore";
import { AppError } from "../../../shared/errors.ts";
import { sha256 } from "../../../shared/hash.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import { counted } from "../../../shared/text.ts";
import { type Database, fromDocument } from "./client.ts";
import { Lines } from "./lines.ts";
import { type OwnerDays, untilTomorrow } from "./owner-days.ts";

/** How many runs each owner may have; undefined: any number. */
export interface RunQuotas {
  /** Runs that are not done, those that wait included. */
  concurrent: number | undefined;
  /** Runs accepted on one day of UTC, those that were deleted since included. */
  daily: number | undefined;
}

/** `owners/{SHA-256 of the owner, hex}`: what an owner has had of the quotas. */
interface OwnerDocument {
  schemaVersion: 1;
  owner: string;
  /** `2026-01-31`, in UTC. */
  day: string;
  /** Runs accepted on that day. */
  runsToday: number;
}

/** How long to wait for one of the runs at work to end: nobody knows. */
const CONCURRENT_RETRY_SECONDS = 30;

/**
 * Counts runs against quotas in the transactions that accept them. Each writes the owner's
 * document, so that of several at once every one sees those before it.
 */
export class Admission {
  readonly #database: Database;
  readonly #quotas: RunQuotas;
  readonly #days: OwnerDays;
  /** By what the transactions would contend for. */
  readonly lines: Lines;

  constructor(database: Database, quotas: RunQuotas, days: OwnerDays) {
    this.#database = database;
    this.#quotas = quotas;
    this.#days = days;
    this.lines = new Lines(database);
  }

  /** Whether anything bounds the owner's runs: else accepting one costs nothing more. */
  isBounded(owner: string): boolean {
    return hasQuotas(this.#quotas) || this.#days.isBounded(owner);
  }

  /**
   * Reads whether an owner may have one more run.
   *
   * @returns writes that there is one more; call it when the transaction has read everything
   * @throws {AppError} limit_reached, budget_spent
   */
  async admit(transaction: Transaction, owner: string): Promise<() => void> {
    await this.#days.refuseSpent(transaction, owner);
    if (!hasQuotas(this.#quotas)) return () => {};
    const document = this.#database.firestore.doc(`${COLLECTIONS.owners}/${sha256(owner)}`);
    const snapshot = await transaction.get(document);
    const now = snapshot.readTime.toDate();
    const had = fromDocument(snapshot.data()) as OwnerDocument | undefined;
    const day = now.toISOString().slice(0, 10);
    const runsToday = had?.day === day ? had.runsToday : 0;
    this.#refuseDaily(runsToday, now);
    await this.#refuseConcurrent(transaction, owner);
    const has: OwnerDocument = { schemaVersion: 1, owner, day, runsToday: runsToday + 1 };
    return () => void transaction.set(document, has);
  }

  /**
   * Reads the same, and writes nothing.
   *
   * @returns what {@link OwnerDays.refuseSpent} does
   * @throws {AppError} limit_reached, budget_spent
   */
  async tryAdmit(owner: string): Promise<number | undefined> {
    if (!this.isBounded(owner)) return undefined;
    const { firestore, call } = this.#database;
    const look = async (transaction: Transaction) => {
      await this.admit(transaction, owner);
      return this.#days.refuseSpent(transaction, owner);
    };
    return call(() => firestore.runTransaction(look, { readOnly: true }));
  }

  #refuseDaily(runsToday: number, now: Date): void {
    const { daily } = this.#quotas;
    if (daily === undefined || runsToday < daily) return;
    const detail = `${counted(runsToday, "run")} ${runsToday === 1 ? "was" : "were"} accepted today; at most ${daily} may be, until midnight UTC`;
    throw new AppError("limit_reached", { detail, retryAfterSeconds: untilTomorrow(now) });
  }

  async #refuseConcurrent(transaction: Transaction, owner: string): Promise<void> {
    const { concurrent } = this.#quotas;
    if (concurrent === undefined) return;
    const runs = this.#database.firestore.collection(COLLECTIONS.runs).where("owner", "==", owner);
    const unfinished = runs.where("done", "==", false).limit(concurrent);
    const { count } = (await transaction.get(unfinished.count())).data();
    if (count < concurrent) return;
    const detail = `${counted(concurrent, "run")} ${concurrent === 1 ? "is" : "are"} not done yet, and no more may be; wait for one, or cancel one`;
    throw new AppError("limit_reached", { detail, retryAfterSeconds: CONCURRENT_RETRY_SECONDS });
  }
}

const hasQuotas = ({ concurrent, daily }: RunQuotas): boolean =>
  concurrent !== undefined || daily !== undefined;
