import {
  allot,
  asksForAllotment,
  dailyBudgetOf,
  leftOf,
  type OwnerDay,
  ownerDay,
  returnsAllotment,
  settleDay,
} from "../../../shared/run/owner-day.ts";
import type { Changed, RunEvent, RunRecord } from "../../../shared/run/record.ts";
import { next } from "../../../shared/run/run.ts";
import { after, at, deferred, lease, makeRun, SLOT, settled } from "../../support/make-run.ts";

const DAY: OwnerDay = {
  schemaVersion: 1,
  owner: "owner",
  day: "2026-01-02",
  spentMicros: 0,
  asideMicros: 0,
};

const changed = (record: RunRecord, event: RunEvent): Changed =>
  next(record, event, at(1)) as Changed;

/** Leases a run against a day. */
function leaseOn(day: OwnerDay, budgetUsd: number, run = makeRun()) {
  const leased = changed(run, lease);
  expect(asksForAllotment(run, leased)).toBe(true);
  return allot(run, leased, { day, budgetUsd, now: at(1) });
}

/** Settles what {@link leaseOn} gave. */
function settleOn(record: RunRecord, day: OwnerDay, spentUsd?: number) {
  const event = settled("succeeded", {
    settlement: {
      verdict: { outcome: "succeeded", message: "Done.", deniedTools: [] },
      ...(spentUsd !== undefined && { spentUsd }),
    },
  });
  const transition = changed(record, event);
  expect(returnsAllotment(record, transition)).toBe(true);
  return { transition, day: settleDay(record, transition, day) };
}

test("an attempt gets its run's budget, or what the day still has", () => {
  expect(leaseOn(DAY, 20).transition.record.state.asideMicros).toBe(5_000_000);
  const { transition, day } = leaseOn({ ...DAY, spentMicros: 19_900_000 }, 20);
  expect(transition.record.state).toMatchObject({ phase: "submitting", asideMicros: 100_000 });
  expect(day).toMatchObject({ spentMicros: 19_900_000, asideMicros: 100_000 });
});

test("what is set aside counts as spent until its attempt is settled, and then what that was", () => {
  const first = leaseOn(DAY, 5);
  const { day } = settleOn(first.transition.record, first.day, 0.1);
  expect(day).toMatchObject({ spentMicros: 100_000, asideMicros: 0 });
  expect(leaseOn(day, 5).transition.record.state.asideMicros).toBe(4_900_000);
});

test("an attempt of which nobody knows what it spent has spent what was set aside", () => {
  const first = leaseOn(DAY, 5);
  const { transition, day } = settleOn(first.transition.record, first.day);
  expect(day).toMatchObject({ spentMicros: 5_000_000, asideMicros: 0 });
  expect(transition.record.state).toMatchObject({ asideMicros: null, chargedMicros: 5_000_000 });
});

test("each attempt of a run counts", () => {
  const first = leaseOn(DAY, 8);
  const again = changed(
    first.transition.record,
    settled("build_lost", {
      settlement: {
        verdict: { outcome: "build_lost", message: "Lost.", deniedTools: [] },
        spentUsd: 2,
      },
    }),
  );
  expect(again.record.state).toMatchObject({ phase: "pending", attempt: 2, asideMicros: null });
  const between = settleDay(first.transition.record, again, first.day);
  const leased = changed(again.record, { ...lease, attempt: 2 } as RunEvent);
  const second = allot(again.record, leased, { day: between, budgetUsd: 8, now: at(2) });
  expect(second.transition.record.state.asideMicros).toBe(5_000_000);
  const event = { ...settled("succeeded"), attempt: 2 } as RunEvent;
  const over = changed(second.transition.record, event);
  const day = settleDay(second.transition.record, over, second.day);
  expect(day).toMatchObject({ spentMicros: 7_000_000, asideMicros: 0 });
});

test("a second lease of the same attempt asks for nothing more", () => {
  const { transition } = leaseOn(DAY, 5);
  const admitted = after(transition.record, deferred, { type: "admit", attempt: 1, slot: SLOT.id });
  const again = next(admitted, lease, at(3)) as Changed;
  expect(again.record.state).toMatchObject({ phase: "submitting", asideMicros: 5_000_000 });
  expect(asksForAllotment(admitted, again)).toBe(false);
});

test("while others hold what is left a run waits, and says so once", () => {
  const day = { ...DAY, asideMicros: 5_000_000 };
  const { transition, day: same } = leaseOn(day, 5);
  expect(same).toEqual(day);
  expect(transition.record.run.why).toMatch(/^Waiting for its owner's budget of the day/);
  const { phase, leaseTaken, notBefore, dueAt } = transition.record.state;
  expect({ phase, leaseTaken, notBefore, dueAt }).toEqual({
    phase: "pending",
    leaseTaken: false,
    notBefore: at(61),
    dueAt: at(61),
  });
  expect(transition.events).toHaveLength(1);
  const later = next(transition.record, lease, at(62)) as Changed;
  const again = allot(transition.record, later, { day, budgetUsd: 5, now: at(62) });
  expect(again.transition.events).toEqual([]);
  expect(again.transition.record.state.notBefore).toEqual(at(122));
});

test.each([0, 0.009, 5])("where a day of %d USD is spent an attempt gets nothing", (budgetUsd) => {
  const day = { ...DAY, spentMicros: budgetUsd === 5 ? 4_990_001 : 0 };
  expect(leaseOn(day, budgetUsd).transition.record.state.asideMicros).toBe(0);
  expect(leftOf(day, budgetUsd)).toEqual({ micros: 0, is: "spent" });
});

test("the next day begins anew, but for what is still set aside", () => {
  const before = { ...DAY, spentMicros: 4_000_000, asideMicros: 1_000_000 };
  expect(ownerDay(before, "owner", at(0))).toEqual(before);
  expect(ownerDay(before, "owner", new Date("2026-01-03T00:00:00Z"))).toEqual({
    ...DAY,
    day: "2026-01-03",
    asideMicros: 1_000_000,
  });
});

test("a run from before there were budgets is settled without one", () => {
  const { run, state } = after(makeRun(), lease);
  const { asideMicros: _aside, chargedMicros: _charged, budgetUsd: _budget, ...old } = state;
  const transition = changed({ run, state: old }, settled("succeeded"));
  expect(returnsAllotment({ run, state: old }, transition)).toBe(false);
});

test("owners have the budget of their row, or else of the row for all others", () => {
  const budgets = new Map([
    ["ann", 20],
    ["*", 5],
  ]);
  expect([dailyBudgetOf(budgets, "ann"), dailyBudgetOf(budgets, "bob")]).toEqual([20, 5]);
  expect(dailyBudgetOf(new Map([["ann", 0]]), "bob")).toBeUndefined();
});
