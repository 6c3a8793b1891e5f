import { beyond, pairs, singles } from "./crash-points/cases.ts";
import { reachedPoints } from "./crash-points/points.ts";
import { type Enumerated, enumerate, explain } from "./crash-points/run.ts";
import { judgeAll } from "./mutants/judge.ts";
import { MUTANTS } from "./mutants/mutants.ts";
import { playProcesses } from "./processes/command.ts";
import { rowsOf } from "./processes/figures.ts";
import { runSchedules, type Scheduled } from "./schedules/run.ts";
import { linesOf, tableOf } from "./table.ts";

/** Seconds for which faults befall real processes. */
const PROCESS_SECONDS = 60;
/** Schedules that the scoreboard plays. */
const SCHEDULES = 1000;

const atShare = (sorted: readonly number[], share: number): string =>
  `${((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1000).toFixed(1)} s`;

/** Seconds of work in which a mutant must be killed. */
const MUTANT_SECONDS = 120;

interface ScoreboardOptions {
  seed: number;
  /** Whether the mutants are judged, too: minutes. */
  hasMutants: boolean;
  progress<T>(describe: (so: T) => string): (so: T) => boolean;
}

/** Plays some of everything and prints what came of it. */
export async function scoreboard({
  seed,
  hasMutants,
  progress,
}: ScoreboardOptions): Promise<boolean> {
  const onCase = progress(({ cases }: Enumerated) => `${cases} crashes`);
  const reached = await reachedPoints();
  const single = await enumerate(singles(reached, 3), { onCase });
  const deeper = await enumerate(beyond(reached, single.seen), { onCase });
  const double = await enumerate(pairs(reached), { onCase });
  const onSchedule = progress(({ schedules }: Scheduled) => `${schedules} schedules`);
  const random = await runSchedules({ schedules: SCHEDULES, seed, onSchedule });
  const enumerated = [single, deeper, double];
  const runs = random.runs + sum(enumerated.map((one) => one.runs));
  const failed = random.failed.length + sum(enumerated.map(({ failures }) => failures.length));
  const fired = sum([
    ...random.fired.values(),
    ...enumerated.flatMap((one) => [...one.byFate.values()]),
  ]);
  const wrong = [
    ...random.failed.map(({ seed: of, wrong }) => `seed ${of}: ${wrong}`),
    ...enumerated.map(explain).filter(Boolean),
  ];
  const covered = single.covered.union(deeper.covered);
  const lines: [string, string][] = [
    ["runs", String(runs)],
    ["faults fired", String(fired)],
    ["runs lost", String(random.lost)],
    ["runs doubled", String(random.doubled)],
    ["cases in which anything failed", String(failed)],
    ["upper 95 % bound of both", failed === 0 ? `${(3 / runs).toExponential(1)} (3/N)` : "none"],
    ["crash points", `${reached.size}, ${covered.size} fates at ${single.seen.size} sites`],
    ["single crashes, pairs", `${single.cases + deeper.cases}, ${double.cases}`],
    [
      "delay by a crash, p50 / p99",
      `${atShare(single.delaysMs, 0.5)} / ${atShare(single.delaysMs, 0.99)}`,
    ],
    ["succeeded of random schedules", `${((random.succeeded / random.runs) * 100).toFixed(1)} %`],
    ["mutants killed", hasMutants ? await killed(progress) : "not judged: add --mutants"],
    ["seeds", `${seed} to ${seed + random.schedules - 1}`],
  ];
  const real = await playProcesses({ seed, seconds: PROCESS_SECONDS, engine: "fast", progress });
  if (real !== undefined) lines.push(...rowsOf(real));
  process.stdout.write(`${linesOf(lines)}\n`);
  if (wrong.length > 0) process.stdout.write(`what failed:\n${wrong.join("\n")}\n`);
  process.stdout.write(`faults of random schedules:\n${tableOf(random.fired)}\n`);
  if (real !== undefined) process.stdout.write(`of real processes:\n${tableOf(real.fired)}\n`);
  return failed === 0 && real?.violations.length === 0;
}

async function killed(progress: ScoreboardOptions["progress"]): Promise<string> {
  const tell = progress((done: number) => `${done} mutants`);
  let done = 0;
  const judged = await judgeAll(MUTANTS, MUTANT_SECONDS, () => {
    done += 1;
    tell(done);
  });
  const alive = judged.filter((one) => one.killed === undefined).map(({ mutant }) => mutant.name);
  const living = alive.length === 0 ? "" : `; alive: ${alive.join(", ")}`;
  return `${judged.length - alive.length} of ${judged.length}${living}`;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
