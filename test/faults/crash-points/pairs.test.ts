import { unlisted } from "./calls.ts";
import { pairs } from "./cases.ts";
import { reachedPoints } from "./points.ts";
import { enumerate, explain } from "./run.ts";

const LIMIT_MS = 1_200_000;
/** Of so many pairs one is played here; each of them in `test/soaks`. */
const ONE_OF = 20;

test(
  "no run is lost or run twice by crashes at two calls, one after the other",
  async () => {
    const reached = await reachedPoints();
    const some = pairs(reached).filter((_, nth) => nth % ONE_OF === 0);
    const result = await enumerate(some);
    expect(result.cases).toBeGreaterThan(100);
    expect(explain(result)).toBe("");
    expect(unlisted(result.seen.keys())).toEqual([]);
  },
  LIMIT_MS,
);
