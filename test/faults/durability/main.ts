import { parseArgs } from "node:util";
import { describe, runDurability, weaknessesOf } from "./run.ts";

// Google's clients would otherwise look for a metadata server and wait for it.
process.env["METADATA_SERVER_DETECTION"] = "none";

const PROGRESS_EVERY_MS = 5000;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
if (!(seconds > 0)) throw new Error(`--seconds ${values.seconds} is no number of seconds`);
if (!Number.isSafeInteger(seed)) throw new Error(`--seed ${values.seed} is no whole number`);

process.stdout.write(`seed ${seed}, ${seconds} s\n`);
let toldAt = performance.now();
const figures = await runDurability({
  seconds,
  seed,
  onProgress({ kills, tallies, violations }) {
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = performance.now();
    const done = Object.entries(tallies).map(([name, tally]) => `${tally.acknowledged} ${name}`);
    process.stdout.write(`${kills} kills, ${done.join(", ")}, ${violations.length} violations\n`);
  },
});
process.stdout.write(`${describe(figures)}\n`);
const weaknesses = weaknessesOf(figures, seconds);
if (weaknesses.length > 0) process.stdout.write(`It proves nothing: ${weaknesses.join("; ")}.\n`);
process.exitCode = figures.violations.length > 0 || weaknesses.length > 0 ? 1 : 0;
