import { firstMet, limitsOf, useOf } from "./limits.ts";
import { costsOf } from "./prices.ts";
import { OWNERS, percentile, type Simulated } from "./simulate.ts";

/** What one rate came to, as `--json` has it; times in seconds, costs in USD of a million runs. */
export function figuresOf(simulated: Simulated) {
  const { load, counts, sent, waits } = simulated;
  return {
    ...load,
    asked: { seconds: load.hours * 3600, runs: Math.round(load.rate * load.hours * 3600) },
    simulated: {
      sentSeconds: simulated.sentSeconds,
      overSeconds: simulated.overSeconds,
      runs: sent,
      succeeded: simulated.succeeded,
      isStopped: simulated.isStopped,
      behind: simulated.behind,
    },
    waits: OWNERS.map(({ owner, share }) => {
      const sorted = waits.get(owner) ?? [];
      const [p50, p95, most] = [0.5, 0.95, 1].map((part) => percentile(sorted, part));
      return { owner, share, runs: sorted.length, p50, p95, max: most };
    }),
    usdOfAMillion: costsOf(simulated),
    aRun: {
      reads: counts.reads / sent,
      writes: counts.writes / sent,
      collisionsPerAdmission: counts.collisions / Math.max(1, counts.admissions),
      heldSeconds: counts.heldSeconds / sent,
    },
    firstMet: firstMet(simulated)?.name ?? null,
    limits: limitsOf(simulated).map((limit) => ({ ...limit, use: useOf(limit) })),
    violations: simulated.violations,
  };
}

/** How many of the limits that are asked for most are shown. */
const SHOWN = 6;

/** The same for a person. */
export function textOf(simulated: Simulated): string {
  const so = figuresOf(simulated);
  const { asked, waits, usdOfAMillion: usd, aRun, limits } = so;
  const isWhole = so.simulated.runs >= asked.runs;
  const control = usd.documents + usd.objects + usd.messages + usd.functions;
  return [
    `${so.rate} runs a second, ${so.slots} builds at a time, ${so.createsPerMinute} creates a minute, seed ${so.seed}`,
    `  simulated     ${so.simulated.runs} runs sent within ${time(so.simulated.sentSeconds)}${isWhole ? "" : `, of the ${time(asked.seconds)} with ${asked.runs} runs that were asked for (--runs ${so.runs})`}; ${so.simulated.isStopped ? "stopped" : "the last was over"} after ${time(so.simulated.overSeconds)}`,
    `  behind        ${so.simulated.behind} had no build when the last was sent; ${so.simulated.succeeded} succeeded`,
    "  waits for a build          runs        p50        p95    longest",
    ...waits.map(
      ({ owner, share, runs, p50, p95, max }) =>
        `    ${`${owner}, sends ${Math.round(share * 100)} %`.padEnd(20)}${column(runs)}${[p50, p95, max].map((each) => column(time(each ?? 0))).join("")}`,
    ),
    `  a million     $${Math.round(usd.builds)} for builds; $${control.toFixed(0)} for the rest: documents ${usd.documents.toFixed(1)}, objects ${usd.objects.toFixed(1)}, messages ${usd.messages.toFixed(1)}, functions at most ${usd.functions.toFixed(1)}`,
    `  a run         ${aRun.reads.toFixed(1)} reads, ${aRun.writes.toFixed(1)} writes, holds a slot for ${aRun.heldSeconds.toFixed(0)} s; ${aRun.collisionsPerAdmission.toFixed(3)} collisions per admission`,
    `  first limit   ${so.firstMet ?? "none is met"}${so.simulated.isStopped ? ", by what was done so far" : ""}`,
    ...limits
      .slice(0, SHOWN)
      .map(
        ({ name, asked: wants, most, use }) =>
          `    ${`${(100 * use).toFixed(use < 0.1 ? 1 : 0)} %`.padStart(7)}  ${name}: ${short(wants)} of ${most}, met at ${short(so.rate / use)} runs a second`,
      ),
    ...so.violations.slice(0, 5).map((each) => `  WRONG         ${each}`),
  ].join("\n");
}

const column = (value: string | number): string => String(value).padStart(11);

const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value.toPrecision(2).replace(/\.0$/, "");

function time(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 6000) return `${(seconds / 60).toFixed(0)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
