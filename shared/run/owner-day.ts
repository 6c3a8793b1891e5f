import { after } from "../clock.ts";
import { TIMING } from "../limits.ts";
import type { Changed, RunRecord } from "./record.ts";
import { admitting, slotOf } from "./submission.ts";
import { move, stay } from "./transition.ts";

/** What an owner may spend in a day of UTC, in USD, by owner; `*` is everyone without a row. */
export type DailyBudgets = ReadonlyMap<string, number>;

/** An owner's budget of the day, in USD; undefined: there is none. */
export const dailyBudgetOf = (budgets: DailyBudgets, owner: string): number | undefined =>
  budgets.get(owner) ?? budgets.get("*");

/**
 * `spending/{SHA-256 of the owner, hex}`: what an owner has spent of a day. Amounts are whole
 * millionths of a USD, so that sums are exact.
 */
export interface OwnerDay {
  schemaVersion: 1;
  owner: string;
  /** `2026-01-31`, in UTC. */
  day: string;
  /** What the attempts that were settled on that day have spent, or may have. */
  spentMicros: number;
  /**
   * What is set aside for attempts that are not settled. It goes over to the next day with them:
   * nobody knows on which of the two it will have been spent, so it counts on both.
   */
  asideMicros: number;
}

const MICROS = 1_000_000;
/** What is less than a cent pays for no answer, so it is nothing. */
const LEAST_MICROS = MICROS / 100;

/** The day at `now`: that of `before`, or a new one with what is still set aside. */
export function ownerDay(before: OwnerDay | undefined, owner: string, now: Date): OwnerDay {
  const day = now.toISOString().slice(0, 10);
  const spentMicros = before?.day === day ? before.spentMicros : 0;
  return { schemaVersion: 1, owner, day, spentMicros, asideMicros: before?.asideMicros ?? 0 };
}

/**
 * `spent`: nothing is left, and nothing will be before the next day. `held`: what is set aside may
 * come back.
 */
export function leftOf(
  { spentMicros, asideMicros }: OwnerDay,
  budgetUsd: number,
): { micros: number; is: "left" | "spent" | "held" } {
  const micros = Math.floor(budgetUsd * MICROS) - spentMicros - asideMicros;
  if (micros >= LEAST_MICROS) return { micros, is: "left" };
  return { micros: 0, is: asideMicros > 0 ? "held" : "spent" };
}

/** A change of a run, and its owner's day with it. */
export interface Accounted {
  transition: Changed;
  day: OwnerDay;
}

/** Whether a change is a lease for which something has to be set aside first. */
export function asksForAllotment(before: RunRecord, { record }: Changed): boolean {
  const isLease = before.state.phase === "pending" && record.state.phase === "submitting";
  return isLease && typeof before.state.asideMicros !== "number";
}

/**
 * Sets aside for a lease what its attempt may spend: the run's own budget, or what the day still
 * has. Where the day has nothing the attempt gets nothing, and must not start; while others may
 * give something back, the run waits for them instead.
 *
 * @param before the run as the transaction has read it
 * @param of.day as the same transaction has read it
 */
export function allot(
  before: RunRecord,
  leased: Changed,
  { day, budgetUsd, now }: { day: OwnerDay; budgetUsd: number; now: Date },
): Accounted {
  const { micros, is } = leftOf(day, budgetUsd);
  if (is === "held") return { transition: waiting(before, now), day };
  const wanted = Math.ceil((before.state.budgetUsd ?? Number.POSITIVE_INFINITY) * MICROS);
  const asideMicros = Math.min(wanted, micros);
  const state = { ...leased.record.state, asideMicros };
  return {
    transition: { ...leased, record: { ...leased.record, state } },
    day: { ...day, asideMicros: day.asideMicros + asideMicros },
  };
}

function waiting(before: RunRecord, now: Date): Changed {
  const why =
    "Waiting for its owner's budget of the day: what is left is set aside for other runs.";
  const until = after(now, TIMING.pendingDue);
  const state = { notBefore: until, dueAt: until };
  const isNew = before.run.why !== why;
  const cause = "the owner's budget of the day is set aside";
  // Others may have the slot meanwhile.
  const slot = slotOf(before, { type: "over", build: null });
  const change = { now, state: { ...state, slot: null }, slot, effects: admitting(before) };
  return isNew ? move(before, "pending", { ...change, cause, why }) : stay(before, change);
}

/** Whether a change ends an attempt for which something was set aside. */
export function returnsAllotment(before: RunRecord, { record }: Changed): boolean {
  return (before.state.asideMicros ?? null) !== null && record.state.asideMicros === null;
}

/** Counts what the attempt that ends has spent in the place of what was set aside for it. */
export function settleDay(before: RunRecord, { record }: Changed, day: OwnerDay): OwnerDay {
  const spent = (record.state.chargedMicros ?? 0) - (before.state.chargedMicros ?? 0);
  return {
    ...day,
    spentMicros: day.spentMicros + spent,
    asideMicros: Math.max(0, day.asideMicros - (before.state.asideMicros ?? 0)),
  };
}

/**
 * What of a state changes when its attempt ends. `spentUsd` undefined: nobody knows, so all of it
 * was.
 */
export function charged(
  {
    asideMicros = null,
    chargedMicros = 0,
  }: Pick<RunRecord["state"], "asideMicros" | "chargedMicros">,
  spentUsd: number | undefined,
): { asideMicros: null; chargedMicros: number } {
  if (asideMicros === null) return { asideMicros, chargedMicros };
  const spent = spentUsd === undefined ? asideMicros : Math.ceil(spentUsd * MICROS);
  return { asideMicros: null, chargedMicros: chargedMicros + spent };
}

/** USD of what is set aside, for who spends it. */
export const usdOf = (micros: number): number => micros / MICROS;
