import { unlisted } from "./calls.ts";
import { pairs } from "./cases.ts";
import { reachedPoints } from "./points.ts";
import { enumerate, explain } from "./run.ts";

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
