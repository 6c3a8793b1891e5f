import type { DocumentReference, Transaction } from "@google-cloud/firestore";
import { AppError } from "../../../shared/errors.ts";
import { sha256 } from "../../../shared/hash.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import {
  allot,
  asksForAllotment,
  type DailyBudgets,
  dailyBudgetOf,
  leftOf,
  type OwnerDay,
  ownerDay,
  returnsAllotment,
  settleDay,
  usdOf,
} from "../../../shared/run/owner-day.ts";
import type { Changed, RunRecord } from "../../../shared/run/record.ts";
import { type Database, fromDocument } from "./client.ts";

/** What owners spend in a day, in the transactions that change their runs. */
export class OwnerDays {
  readonly #database: Database;
  readonly #budgets: DailyBudgets;

  constructor(database: Database, budgets: DailyBudgets) {
    this.#database = database;
    this.#budgets = budgets;
  }

  /** Whether the owner has a budget. */
  isBounded(owner: string): boolean {
    return dailyBudgetOf(this.#budgets, owner) !== undefined;
  }

  /**
   * Call it before the transaction writes.
   *
   * @returns USD that one run may spend: what is left of the day, or all of it while that is set
   * aside for others; undefined: there is no budget
   * @throws {AppError} budget_spent
   */
  async refuseSpent(transaction: Transaction, owner: string): Promise<number | undefined> {
    const budgetUsd = dailyBudgetOf(this.#budgets, owner);
    if (budgetUsd === undefined) return undefined;
    const { day, now } = await this.#read(transaction, owner);
    const { micros, is } = leftOf(day, budgetUsd);
    if (is !== "spent") return is === "held" ? budgetUsd : usdOf(micros);
    const detail = `the budget of ${budgetUsd} USD that ${owner} has for a day is spent, until midnight UTC`;
    throw new AppError("budget_spent", { detail, retryAfterSeconds: untilTomorrow(now) });
  }

  /**
   * What a change of a run does to its owner's day, and what the day makes of the change.
   *
   * @returns `write`, to be called when the transaction has read everything
   */
  async account(
    transaction: Transaction,
    before: RunRecord,
    transition: Changed,
  ): Promise<{ transition: Changed; write(): void }> {
    const { owner } = before.run;
    const budgetUsd = dailyBudgetOf(this.#budgets, owner);
    const asks = budgetUsd !== undefined && asksForAllotment(before, transition);
    if (!asks && !returnsAllotment(before, transition)) return { transition, write: () => {} };
    const { document, day, now } = await this.#read(transaction, owner);
    const accounted = asks
      ? allot(before, transition, { day, budgetUsd, now })
      : { transition, day: settleDay(before, transition, day) };
    const write = () => void transaction.set(document, accounted.day);
    return { transition: accounted.transition, write };
  }

  async #read(
    transaction: Transaction,
    owner: string,
  ): Promise<{ document: DocumentReference; day: OwnerDay; now: Date }> {
    const { firestore } = this.#database;
    const document = firestore.doc(`${COLLECTIONS.spending}/${sha256(owner)}`);
    const snapshot = await transaction.get(document);
    const now = snapshot.readTime.toDate();
    const had = fromDocument(snapshot.data()) as OwnerDay | undefined;
    return { document, day: ownerDay(had, owner, now), now };
  }
}

const DAY_MS = 24 * 3600 * 1000;

/** Seconds to the next midnight of UTC. */
export const untilTomorrow = (now: Date): number =>
  Math.ceil((DAY_MS - (now.getTime() % DAY_MS)) / 1000);
