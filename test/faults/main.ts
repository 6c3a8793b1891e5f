import { parseArgs } from "node:util";
import { interruption } from "../../infra/local/interruption.ts";
import { crashPoints } from "./crash-points/command.ts";
import { processes } from "./processes/command.ts";
import { playScenarios } from "./scenarios/command.ts";
import { explainFailed, runSchedules, type Scheduled, weaknessesOf } from "./schedules/run.ts";
import { scoreboard } from "./scoreboard.ts";
import { tableOf } from "./table.ts";

const HELP = `Proves that no run is lost and none is run twice, whatever goes wrong: the real handlers on Google's
clients in memory, in virtual time; and everything as processes of this machine.

  npm run faults -- --schedules N [--seed S]   N random schedules of 20 runs each
  npm run faults -- --replay SEED              one of them, with as few faults as show what is wrong
  npm run faults -- --crash-points singles|pairs|full
                                               a crash at every call, two at every two, and those times everything
  npm run faults -- --scenario NAME            the stories whose name has the text, or all
  npm run faults -- --processes [--seconds N] [--engine fast|claude] [--runs N]
                                               real processes on this machine, under signals and a bad network
  npm run faults -- --scoreboard               some of each, as one table

  --seed S        whole number; the same one gives the same schedules (default: by the clock)
  --seconds N     for how long faults befall the processes (default: 60), or up to twice that until each did
  --engine NAME   what their agents are: fast, made for this, or claude, the real one (default: fast)
  --runs N        they stop when so many runs were sent (default: they do not)
  --mutants       the scoreboard judges the mutants, too: see npm run faults:mutants
  Ctrl-C tells what was done so far.`;

const OPTIONS = {
  schedules: { type: "string" },
  seed: { type: "string" },
  replay: { type: "string" },
  "crash-points": { type: "string" },
  scenario: { type: "string" },
  processes: { type: "boolean" },
  seconds: { type: "string", default: "60" },
  engine: { type: "string", default: "fast" },
  runs: { type: "string" },
  scoreboard: { type: "boolean" },
  mutants: { type: "boolean" },
  help: { type: "boolean" },
} as const;

const TOLD_EVERY_MS = 5000;

/** Aborts with Ctrl-C; a second one ends the process. */
const stopped = interruption();

/** Tells how far something has come, now and then. */
function progress<T>(describe: (so: T) => string): (so: T) => boolean {
  let toldAt = performance.now();
  return (so) => {
    if (performance.now() - toldAt > TOLD_EVERY_MS) {
      toldAt = performance.now();
      process.stderr.write(`${describe(so)}\n`);
    }
    return !stopped.aborted;
  };
}

const soFar = ({ schedules, runs, seconds, failed }: Scheduled): string =>
  `${schedules} schedules, ${runs} runs, ${Math.round(runs / seconds)} runs/s, ${failed.length} failed`;

async function randomSchedules(schedules: number, seed: number): Promise<boolean> {
  process.stdout.write(`seed ${seed}\n`);
  const onSchedule = progress(soFar);
  const result = await runSchedules({ schedules, seed, onSchedule });
  process.stdout.write(`${soFar(result)}\n${tableOf(result.fired)}\n`);
  for (const { seed: failed, wrong } of result.failed) {
    process.stdout.write(`seed ${failed}: ${wrong}\n`);
  }
  const [first] = result.failed;
  if (first !== undefined) process.stdout.write(`${await explainFailed(first.seed)}\n`);
  const weaknesses = stopped.aborted ? [] : weaknessesOf(result);
  if (weaknesses.length > 0) process.stdout.write(`It proves nothing: ${weaknesses.join("; ")}.\n`);
  return result.failed.length === 0 && weaknesses.length === 0;
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`--${name} is ${text}, and must be a whole number`);
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: OPTIONS });
  const seed = wholeNumber("seed", values.seed ?? String(Date.now() % 1_000_000_000));
  if (values.schedules !== undefined) {
    return randomSchedules(wholeNumber("schedules", values.schedules), seed);
  }
  if (values.replay !== undefined) {
    process.stdout.write(`${await explainFailed(wholeNumber("replay", values.replay))}\n`);
    return true;
  }
  if (values["crash-points"] !== undefined) {
    return crashPoints(values["crash-points"], progress);
  }
  if (values.scenario !== undefined) return playScenarios(values.scenario);
  const seconds = wholeNumber("seconds", values.seconds);
  if (values.processes) {
    const runs = values.runs === undefined ? undefined : wholeNumber("runs", values.runs);
    return processes({ seed, seconds, runs, engine: values.engine, progress });
  }
  if (values.scoreboard) {
    return scoreboard({ seed, hasMutants: values.mutants ?? false, progress });
  }
  process.stdout.write(`${HELP}\n`);
  return true;
}

// Google's clients would otherwise look for a metadata server and wait for it.
process.env["METADATA_SERVER_DETECTION"] = "none";
const isProven = await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return false;
});
process.exitCode = isProven ? 0 : 1;
