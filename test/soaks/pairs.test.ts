import { unlisted } from "../faults/crash-points/calls.ts";
import { pairs } from "../faults/crash-points/cases.ts";
import { reachedPoints } from "../faults/crash-points/points.ts";
import { enumerate, explain } from "../faults/crash-points/run.ts";

const LIMIT_MS = 1_200_000;

test(
  "no run is lost or run twice by crashes at any two calls, one after the other",
  async () => {
    const reached = await reachedPoints();
    const result = await enumerate(pairs(reached));
    expect(explain(result)).toBe("");
    expect(unlisted(result.seen.keys())).toEqual([]);
  },
  LIMIT_MS,
);
