import { explainFailed, runSchedules, weaknessesOf } from "../faults/schedules/run.ts";

const LIMIT_MS = 1_200_000;
const SCHEDULES = 200;
const SEED = 1;

test(
  "no run of random schedules is lost or run twice, and everything befell somebody",
  async () => {
    const result = await runSchedules({ schedules: SCHEDULES, seed: SEED });
    const [failed] = result.failed;
    expect(failed === undefined ? "" : await explainFailed(failed.seed)).toBe("");
    expect(weaknessesOf(result)).toEqual([]);
    expect([result.lost, result.doubled]).toEqual([0, 0]);
  },
  LIMIT_MS,
);
