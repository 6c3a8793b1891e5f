import { nameOf } from "../world/fate.ts";
import { unlisted } from "./calls.ts";
import { beyond, singles } from "./cases.ts";
import { DIMENSIONS, type Dimension } from "./dimensions.ts";
import { pairwise } from "./pairwise.ts";
import { fatesOf, reachedPoints, SETTINGS } from "./points.ts";
import { enumerate, explain } from "./run.ts";

const LIMIT_MS = 1_200_000;

test("every two values of two dimensions meet in a setting", () => {
  const names = Object.keys(DIMENSIONS) as Dimension[];
  for (const [at, left] of names.entries()) {
    for (const right of names.slice(at + 1)) {
      const met = new Set(SETTINGS.map((setting) => `${setting[left]}|${setting[right]}`));
      expect([left, right, met.size]).toEqual([
        left,
        right,
        DIMENSIONS[left].length * DIMENSIONS[right].length,
      ]);
    }
  }
});

test("a case is built for each two values, and no more than there must be", () => {
  const rows = pairwise({ a: [1, 2, 3], b: ["x", "y"], c: [true, false] });
  expect(new Set(rows.map(({ a, b }) => `${a}${b}`)).size).toBe(6);
  expect(new Set(rows.map(({ b, c }) => `${b}${c}`)).size).toBe(4);
  expect(rows.length).toBeLessThan(9);
});

test(
  "no run is lost or run twice by a crash at any call, in any of the settings",
  async () => {
    const reached = await reachedPoints();
    const first = await enumerate(singles(reached, 1));
    const second = await enumerate(beyond(reached, first.seen));
    expect(explain(first) + explain(second)).toBe("");
    expect(first.fired + second.fired).toBe(first.cases + second.cases);

    expect([...unlisted(first.seen.keys()), ...unlisted(second.seen.keys())]).toEqual([]);
    const covered = first.covered.union(second.covered);
    const open = [...reached.values()].flatMap(({ point: { site } }) =>
      fatesOf(site)
        .map((fate) => `${site}: ${nameOf(fate)}`)
        .filter((name) => !covered.has(name)),
    );
    expect(open).toEqual([]);
  },
  LIMIT_MS,
);
