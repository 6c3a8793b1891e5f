import { inOrder, type Line, lineIdOf, waitingLine } from "../../../shared/capacity/line.ts";
import {
  fittedSlot,
  newSlot,
  nextSlot,
  type Slot,
  type SlotEvent,
} from "../../../shared/capacity/slot.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const later = (instant: Date, seconds: number) => new Date(instant.getTime() + seconds * 1000);
const FREE = newSlot({ id: "t", rank: 1 }, { machineType: "E2_MEDIUM", n: 0 }, 0.5);
const HOLDER = { runId: "run_1", attempt: 1 };
const BUILD = { id: "b", name: "projects/p/locations/l/builds/b" };
const OVER_AT = later(NOW, 3600);

const take: SlotEvent = { type: "take", ownerHash: "o" };
const submitted: SlotEvent = { type: "submitted", build: BUILD, overAt: OVER_AT };
const apply = (slot: Slot, event: SlotEvent, holder = HOLDER) =>
  nextSlot(slot, { holder, event }, { now: NOW, freeAs: 1.25 });
const then = (...events: SlotEvent[]): Slot =>
  events.reduce<Slot>((slot, event) => {
    const next = apply(slot, event);
    if (next === undefined || next === "deleted") throw new Error(`${event.type}: ${next}`);
    return next;
  }, FREE);

test("a slot has one holder, until the build is over", () => {
  const held = then(take, { type: "lease" }, submitted);
  expect(held).toMatchObject({ state: "held", free: null, holder: HOLDER, build: BUILD });
  expect(apply(held, take, { runId: "run_2", attempt: 1 })).toBeUndefined();
  const over = nextSlot(
    held,
    { holder: HOLDER, event: { type: "over", build: null } },
    { now: later(NOW, 90), freeAs: 1.25 },
  );
  expect(over).toEqual({ ...FREE, free: 1.25, holdSeconds: 90 });
});

test.each<[string, SlotEvent]>([
  ["lease", { type: "lease" }],
  ["submitted", submitted],
  ["unneeded", { type: "unneeded", build: BUILD, overAt: OVER_AT }],
  ["lost", { type: "lost", overAt: OVER_AT }],
  ["over", { type: "over", build: null }],
  ["looked", { type: "looked", dueAt: NOW }],
])("%s of an attempt that is not its holder changes nothing", (_name, event) => {
  const held = then(take);
  for (const holder of [
    { ...HOLDER, attempt: 2 },
    { ...HOLDER, runId: "run_2" },
  ]) {
    expect(apply(held, event, holder)).toBeUndefined();
  }
  expect(apply(FREE, event)).toBeUndefined();
});

test("a build that nobody needs is looked at at once, and keeps its hard limit", () => {
  const unneeded = apply(then(take, submitted), {
    type: "unneeded",
    build: BUILD,
    overAt: later(NOW, 9999),
  });
  expect(unneeded).toMatchObject({ state: "held", needed: false, dueAt: NOW, overAt: OVER_AT });
});

test("a create without a known outcome keeps the slot; a build that is found takes it over", () => {
  const lost = then(take, { type: "lost", overAt: OVER_AT });
  expect(lost).toMatchObject({ state: "unknown", needed: false, overAt: OVER_AT });
  expect(apply(lost, take, { runId: "run_2", attempt: 1 })).toBeUndefined();
  const found = apply(lost, { type: "unneeded", build: BUILD, overAt: OVER_AT });
  expect(found).toMatchObject({ state: "held", build: BUILD, needed: false });
});

test("where another build had the claim, the slot's own must end before it is free", () => {
  const held = then(take, submitted);
  const other = { id: "o", name: "projects/p/locations/l/builds/o" };
  const next = apply(held, { type: "over", build: other });
  expect(next).toEqual({ ...held, needed: false, dueAt: NOW });
  expect(apply(next as Slot, { type: "over", build: BUILD })).toMatchObject({ state: "free" });
});

test("a retired slot is not given again, and goes when it is free", () => {
  expect(apply({ ...FREE, retired: true }, take)).toBeUndefined();
  expect(apply({ ...then(take), retired: true }, { type: "over", build: null })).toBe("deleted");
});

test("slots fit what their target may do: made, retired, taken back, of its rank", () => {
  const fresh = newSlot({ id: "t", rank: 2 }, { machineType: "E2_MEDIUM", n: 0 }, 0.1);
  expect(fittedSlot(undefined, fresh, true)).toBe(fresh);
  expect(fittedSlot(undefined, fresh, false)).toBeUndefined();
  expect(fittedSlot(FREE, fresh, false)).toBe("deleted");
  expect(fittedSlot(FREE, fresh, true)).toEqual({ ...FREE, rank: 2, free: 2.1 });
  expect(fittedSlot(fresh, fresh, true)).toBeUndefined();
  const held = { ...then(take), rank: 2 };
  expect(fittedSlot(held, fresh, false)).toEqual({ ...held, retired: true });
  expect(fittedSlot({ ...held, retired: true }, fresh, true)).toEqual(held);
});

describe("whose turn it is", () => {
  const line = (owner: string, served: number, weight = 1): Line => ({
    ...waitingLine(undefined, lineIdOf("E2_MEDIUM", owner)),
    servedAt: later(NOW, served),
    weight,
  });
  const first = (...lines: { line: Line; held: number }[]) => inOrder(lines)[0]?.line.servedAt;

  test("the one that holds the fewest", () => {
    const lines = [
      { line: line("a", 1), held: 2 },
      { line: line("b", 2), held: 1 },
    ];
    expect(first(...lines)).toEqual(later(NOW, 2));
  });

  test("for its weight", () => {
    const lines = [
      { line: line("a", 1, 4), held: 2 },
      { line: line("b", 2), held: 1 },
    ];
    expect(first(...lines)).toEqual(later(NOW, 1));
  });

  test("of several the one that was served longest ago", () => {
    const lines = [
      { line: line("a", 2), held: 1 },
      { line: line("b", 1), held: 1 },
    ];
    expect(first(...lines)).toEqual(later(NOW, 1));
  });

  test("a line that waits again keeps when it was served, and its weight", () => {
    const { waiting, ...rested } = line("a", 5, 3);
    expect(waiting).toBe(true);
    expect(waitingLine(rested, rested.id)).toEqual(line("a", 5, 3));
  });
});
