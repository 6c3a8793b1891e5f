import {
  afterCreate,
  type Bucket,
  bucketsOf,
  type CreateOutcome,
  isInDoubt,
  isPaused,
  newTarget,
  type Target,
  takeToken,
} from "../../../shared/capacity/target.ts";
import { after } from "../../../shared/clock.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const TARGET = newTarget({
  id: "t",
  projectId: "p",
  location: "l",
  slots: { E2_MEDIUM: 2 },
  createsPerMinute: 60,
});

const following = (outcomes: CreateOutcome[], chance = 0): Target =>
  outcomes.reduce<Target>(
    (target, outcome) => afterCreate(target, outcome, { now: NOW, chance }),
    TARGET,
  );
const pauseOf = ({ pausedUntil }: Target) =>
  pausedUntil === null ? 0 : (pausedUntil.getTime() - NOW.getTime()) / 1000;

test("refusals pause a target, each twice as long as the one before, up to ten minutes", () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7].map((n) => pauseOf(following(Array(n).fill("refused"))));
  expect(pauses).toEqual([30, 60, 120, 240, 480, 600, 600]);
});

test("chance shortens a pause by up to a half", () => {
  expect(pauseOf(following(["refused"], 1))).toBe(15);
});

test("two creates without a known outcome pause nothing, the third does and leaves it in doubt", () => {
  expect(pauseOf(following(["unknown", "unknown"]))).toBe(0);
  const third = following(["unknown", "unknown", "unknown"]);
  expect(pauseOf(third)).toBe(30);
  expect(isInDoubt(third)).toBe(true);
  const [before, end] = [after(NOW, 29), after(NOW, 30)];
  expect([isPaused(third, before), isPaused(third, end)]).toEqual([true, false]);
});

test("a create ends all of it; one without trouble before it changes nothing", () => {
  const back = following(["refused", "unknown", "unknown", "unknown", "created"]);
  expect(back).toEqual(TARGET);
  expect(afterCreate(TARGET, "created", { now: NOW, chance: 0 })).toBe(TARGET);
});

test.each([1, 6, 60, 61, 300])(
  "at %i creates a minute, never more than a fourth above it",
  (createsPerMinute) => {
    const buckets = new Map<number, Bucket>();
    const target = { createsPerMinute };
    const taken: number[] = [];
    // As many as want to, for three minutes.
    for (let ms = 0; ms < 180_000; ms += 100) {
      const now = new Date(NOW.getTime() + ms);
      for (let k = 0; k < bucketsOf(target); k += 1) {
        const result = takeToken(buckets.get(k), target, now);
        if ("waitSeconds" in result) {
          expect(result.waitSeconds).toBeGreaterThan(0);
          continue;
        }
        buckets.set(k, result.bucket);
        taken.push(ms);
      }
    }
    const inMinuteFrom = (start: number) =>
      taken.filter((ms) => ms >= start && ms < start + 60_000).length;
    const most = Math.max(...taken.filter((_, i) => i % 50 === 0).map(inMinuteFrom));
    expect(most).toBeLessThanOrEqual(Math.max(2, Math.ceil(1.25 * createsPerMinute)));
    expect(taken.length).toBeGreaterThanOrEqual(Math.floor(createsPerMinute * 2.9));
  },
);
