import { interruption } from "../../infra/local/interruption.ts";
import { readOptions } from "./options.ts";
import { figuresOf, textOf } from "./report.ts";
import { type Load, type OnProgress, simulate } from "./simulate.ts";

const HELP = `Runs the real handlers, admission and sweeps in virtual time against Google's quotas, and tells how
long runs wait for a build, what they cost, and which limit is met first.

  npm run simulate -- [--rate R | --rates R,R] [--hours H] [--runs N] [--json]

  --rates R,R     runs a second, sent at random instants (default: 0.1,1,10,100); --rate takes one
  --hours H       for how long they are sent (default: 24), or until there are
  --runs N        so many (default: 1000), which is said; all of them are waited for
  --slots N       builds at a time (default: 50, as E2_STANDARD_2 in the 100 CPUs of a region)
  --creates N     builds created in a minute (default: 60)
  --seconds N     an agent's work, from half of it to one and a half (default: 300)
  --turns N       an agent's turns; each is reported, and kept (default: 3)
  --seed N        the same one gives the same simulation (default: 1)
  --json          figures as JSON: times in seconds, costs in USD of a million runs
  Ctrl-C tells what was done so far.

Calls take 5 to 60 ms, nothing fails, and all targets are taken for one. What a run asks of a limit is
measured; what the rate asks of it is that times the rate.`;

const TOLD_EVERY_MS = 5000;

/** Aborts with Ctrl-C; a second one ends the process. */
const stopped = interruption();

/** Tells how far a load has come, now and then. */
function progress({ rate, runs }: Load): OnProgress {
  let toldAt = performance.now();
  return ({ over, elapsedMs }) => {
    if (performance.now() - toldAt > TOLD_EVERY_MS) {
      toldAt = performance.now();
      const minutes = Math.round(elapsedMs / 60_000);
      process.stderr.write(`${rate} runs/s: ${over} of at most ${runs} over, ${minutes} min\n`);
    }
    return !stopped.aborted;
  };
}

async function main(): Promise<boolean> {
  const { loads, isJson, isHelp } = readOptions(process.argv.slice(2));
  if (isHelp) {
    process.stdout.write(`${HELP}\n`);
    return true;
  }
  const all = [];
  for (const load of loads) {
    if (stopped.aborted) break;
    const simulated = await simulate(load, progress(load));
    all.push(simulated);
    if (stopped.aborted) process.stderr.write("stopped: the last figures are of a part of it\n");
    if (!isJson) process.stdout.write(`${textOf(simulated)}\n\n`);
  }
  if (isJson) process.stdout.write(`${JSON.stringify(all.map(figuresOf), null, 2)}\n`);
  return all.every(({ violations }) => violations.length === 0);
}

// Google's clients would otherwise look for a metadata server and wait for it.
process.env["METADATA_SERVER_DETECTION"] = "none";
const isSound = await main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return false;
});
process.exitCode = isSound ? 0 : 1;
