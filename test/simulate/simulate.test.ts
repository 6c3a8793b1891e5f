import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { firstMet, limitsOf } from "./limits.ts";
import { readOptions } from "./options.ts";
import { costsOf } from "./prices.ts";
import { figuresOf, textOf } from "./report.ts";
import { type Load, percentile, simulate } from "./simulate.ts";

const LOAD: Load = {
  rate: 0.5,
  hours: 1,
  runs: 8,
  slots: 2,
  createsPerMinute: 60,
  seconds: 60,
  turns: 1,
  seed: 3,
};

test("eight runs on two places come to what a count by hand says", async () => {
  const told: number[] = [];
  const simulated = await simulate(LOAD, ({ over }) => told.push(over) > 0);
  const { sent, succeeded, counts, waits, overSeconds, sentSeconds } = simulated;
  expect(simulated.violations).toEqual([]);
  expect(told.length).toBeGreaterThan(0);
  // Each has a slot, a token and a build, once; Cloud Build tells QUEUED, WORKING and its end.
  expect({ sent, succeeded }).toEqual({ sent: 8, succeeded: 8 });
  expect({ ...counts }).toMatchObject({ creates: 8, refusals: 0, admissions: 8 });
  expect(counts.messages["cloud-builds"]).toBe(24);
  expect(counts.calls.get("builds.create")).toBe(8);
  // A runner makes its claim and its manifest; whoever settles finds a claim where its seal would
  // be.
  expect(counts.calls.get("storage.insert claim")).toBe(16);
  expect(counts.calls.get("storage.insert manifest")).toBe(8);
  // Agents work for 30 to 90 s, and a build for a few more; a slot is held a little longer.
  expect(counts.buildSeconds / 8).toBeGreaterThan(30);
  expect(counts.buildSeconds / 8).toBeLessThan(95);
  expect(counts.heldSeconds).toBeGreaterThan(counts.buildSeconds);
  expect(counts.heldSeconds).toBeLessThan(counts.buildSeconds + 8 * 15);
  // Two places are never held for longer than all of it takes; and hardly idle before the last
  // ones.
  expect(counts.heldSeconds).toBeLessThanOrEqual(2 * overSeconds);
  expect(sentSeconds).toBeLessThan(60);
  // The first two wait for nobody, the other six for a place: one is free for each two held ones.
  const all = [...waits.values()].flat().sort((a, b) => a - b);
  expect(all).toHaveLength(8);
  expect(percentile(all, 2 / 8)).toBeLessThan(2);
  expect(percentile(all, 3 / 8)).toBeGreaterThan(10);
  // What is paid: minutes of builds by their price, and nothing for free.
  const costs = costsOf(simulated);
  expect(costs.builds).toBeCloseTo((counts.buildSeconds / 60 / 8) * 0.006 * 1e6, 6);
  const documents = (counts.reads * 0.3 + counts.writes * 0.9 + counts.deletes * 0.1) / 8;
  expect(costs.documents).toBeCloseTo(documents, 6);
  for (const usd of Object.values(costs)) expect(usd).toBeGreaterThan(0);
  // 0.5 runs a second, each for as long as a slot is held, on two places.
  const [first] = limitsOf(simulated);
  expect(first).toEqual({
    name: "builds at a time",
    most: 2,
    asked: expect.closeTo((counts.heldSeconds / 8) * 0.5, 6),
  });
  expect(figuresOf(simulated)).toMatchObject({
    asked: { runs: 1800, seconds: 3600 },
    simulated: { runs: 8, succeeded: 8 },
    firstMet: "builds at a time",
  });
  expect(textOf(simulated)).toMatch(/8 runs sent within .* of the 60 min with 1800 runs/);
  // The same seed tells the same.
  expect(figuresOf(await simulate(LOAD, () => true))).toEqual(figuresOf(simulated));
});

test("what is asked for too little of is named, and what stops tells what it has", async () => {
  const few = await simulate({ ...LOAD, slots: 60, createsPerMinute: 6, runs: 4 }, () => true);
  expect(few.violations).toEqual([]);
  expect(firstMet(few)?.name).toBe("creates in a minute");
  const enough = await simulate({ ...LOAD, rate: 0.01, slots: 60, runs: 2 }, () => true);
  expect(firstMet(enough)).toBeUndefined();
  const stopped = await simulate(LOAD, ({ elapsedMs }) => elapsedMs < 20_000);
  expect(stopped.overSeconds).toBeLessThan(60);
  expect(textOf(stopped)).toMatch(/; stopped after \d\d s/);
  expect(stopped.violations).toEqual([]);
});

test.each([
  [["--rate", "fast"], /--rate is "fast", and must be a number from 0.001 to 1000/],
  [["--rates", "1,,2"], /--rates is "", and must be a number/],
  [["--rate", "1", "--rates", "2"], /cannot be given together/],
  [["--slots", "0"], /--slots is "0", and must be a whole number from 1 to 100000/],
  [["--hours", "-1"], /--hours.*--help lists the options/],
  [["--speed", "1"], /Unknown option '--speed'.*--help lists the options/],
])("%j is refused", (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});

test("without options four rates are asked for; the command tells a mistake in a line", async () => {
  expect(readOptions([]).loads.map(({ rate }) => rate)).toEqual([0.1, 1, 10, 100]);
  expect(readOptions(["--rate", "10", "--hours", "24"]).loads).toMatchObject([
    { rate: 10, hours: 24, runs: 1000, slots: 50 },
  ]);
  const run = promisify(execFile);
  const main = new URL("./main.ts", import.meta.url).pathname;
  await expect(run(process.execPath, [main, "--seed", "x"])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^--seed is "x"/),
  });
});
