import { explainFailed, runSchedules, weaknessesOf } from "./run.ts";
import { play } from "./schedule.ts";

const LIMIT_MS = 1_200_000;
/** In `test/soaks` there are so many that everything befalls somebody. */
const SCHEDULES = 20;
const SEED = 1;

test(
  "no run of random schedules is lost or run twice",
  async () => {
    const result = await runSchedules({ schedules: SCHEDULES, seed: SEED });
    const [failed] = result.failed;
    expect(failed === undefined ? "" : await explainFailed(failed.seed)).toBe("");
    expect(weaknessesOf(result)).toEqual([]);
    expect([result.lost, result.doubled]).toEqual([0, 0]);
  },
  LIMIT_MS,
);

test("the same seed gives the same world, down to each line of its trace", async () => {
  const [first, second] = [await play(7, { isTraced: true }), await play(7, { isTraced: true })];
  expect(first.trace.length).toBeGreaterThan(1000);
  expect(second.trace).toEqual(first.trace);
});
