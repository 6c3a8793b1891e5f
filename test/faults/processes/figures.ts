import { linesOf, tableOf } from "../table.ts";
import { DOUBLED, LOST, type Violation } from "../world/witness.ts";
import type { Order } from "./books.ts";
import { FAULTS, nameOf } from "./faults.ts";
import type { Engine } from "./stand-in.ts";

/** What a proof with real processes found. */
export interface Figures {
  seed: number;
  engine: Engine;
  /** Runs that were accepted. */
  runs: number;
  /** Runs by what became of them. */
  statuses: Map<string, number>;
  attempts: number;
  /** Agents that began to work. */
  agents: number;
  /** How often each fault befell somebody. */
  fired: Map<string, number>;
  /**
   * From each fault to the next end of any run that was under way, in milliseconds, sorted.
   */
  recoveryMs: number[];
  /** From a signal at a run's runner to the end of that run, in milliseconds, sorted. */
  hitMs: number[];
  /** How long faults befell it, */
  seconds: number;
  /** … and how long it took until nothing was left to be done. */
  restSeconds: number;
  violations: Violation[];
  /** Where state, log and journal are kept if there are any. */
  directory: string;
}

/** What befell, in the order in which it did. */
export type FaultLog = {
  name: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** Whose runner was hit. */
  order: Order | undefined;
}[];

/** How often each fault fired, and how long it took until things went on. */
export function figuresOf(
  log: FaultLog,
  orders: readonly Order[],
): Pick<Figures, "fired" | "recoveryMs" | "hitMs"> {
  const byName = Map.groupBy(log, ({ name }) => name);
  const ended = orders.flatMap(({ acceptedAt, overAt = 0 }) => ({ acceptedAt, overAt }));
  const nextEnds = log.map(({ at }) => {
    const ends = ended.filter(({ acceptedAt, overAt }) => acceptedAt < at && overAt > at);
    return Math.min(...ends.map(({ overAt }) => overAt)) - at;
  });
  const ownEnds = log.map(({ at, order }) => (order?.overAt ?? Number.POSITIVE_INFINITY) - at);
  return {
    fired: new Map([...byName].map(([name, all]) => [name, all.length])),
    recoveryMs: sorted(nextEnds),
    hitMs: sorted(ownEnds),
  };
}

const sorted = (times: readonly number[]): number[] =>
  times.filter(Number.isFinite).sort((left, right) => left - right);

/** Shorter ones need not have met every fault. */
const ENOUGH_SECONDS = 60;
/** Faults, and runs with each engine, in ten seconds, at least: a machine may have other work. */
const LEAST = { faults: 1, fast: 1, claude: 0.5 };
const LEAST_SUCCEEDED = 0.6;

/** What keeps figures from proving anything. */
export function weaknessesOf(figures: Figures): string[] {
  const { engine, fired, runs, seconds, statuses } = figures;
  const tens = seconds / 10;
  const faults = firedOf(figures);
  const missing = FAULTS.map(nameOf).filter((name) => !fired.has(name));
  // Whoever cancels, wants to.
  const [succeeded = 0, cancelled = 0] = ["succeeded", "cancelled"].map((one) => statuses.get(one));
  const share = succeeded / Math.max(1, runs - cancelled);
  return [
    ...(seconds >= ENOUGH_SECONDS ? missing.map((name) => `"${name}" befell nobody`) : []),
    ...(faults >= LEAST.faults * tens ? [] : [`only ${faults} faults`]),
    ...(runs >= LEAST[engine] * tens ? [] : [`only ${runs} runs`]),
    ...(share >= LEAST_SUCCEEDED ? [] : [`only ${(share * 100).toFixed(1)} % succeeded`]),
  ];
}

const firedOf = ({ fired }: Pick<Figures, "fired">): number =>
  [...fired.values()].reduce((sum, count) => sum + count, 0);

const countOf = ({ violations }: Figures, names: readonly string[]): number =>
  violations.filter(({ invariant }) => names.includes(invariant)).length;

const lostOf = (figures: Figures): number => countOf(figures, LOST);
const doubledOf = (figures: Figures): number => countOf(figures, DOUBLED);

/** `1.2 s / 20.0 s`: the median and the 99th percentile of what is sorted. */
function shares(sorted: readonly number[]): string {
  if (sorted.length === 0) return "unknown";
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0) / 1000;
  return `${at(0.5).toFixed(1)} s / ${at(0.99).toFixed(1)} s`;
}

/** What a scoreboard says of them. */
export const rowsOf = (figures: Figures): [string, string][] => [
  ["real processes: runs, faults fired", `${figures.runs}, ${firedOf(figures)}`],
  [
    "  runs lost, doubled, violations",
    `${lostOf(figures)}, ${doubledOf(figures)}, ${figures.violations.length}`,
  ],
  ["  fault to any run's end, p50 / p99", shares(figures.recoveryMs)],
];

const MOST_SHOWN = 50;

/** The figures as a person reads them. */
export function describe(figures: Figures): string {
  const { seed, engine, runs, statuses, attempts, agents, violations } = figures;
  const bound = violations.length === 0 ? `${(3 / runs).toExponential(1)} (3/N)` : "none";
  const lines = [
    ["seed", seed],
    ["engine", engine],
    ["runs", runs],
    ["statuses", [...statuses].map(([name, count]) => `${count} ${name}`).join(", ")],
    ["attempts, agents", `${attempts}, ${agents}`],
    ["faults fired", firedOf(figures)],
    ["runs lost", lostOf(figures)],
    ["runs doubled", doubledOf(figures)],
    ["violations", violations.length],
    ["upper 95 % bound of each", bound],
    ["fault to any run's end, p50 / p99", shares(figures.recoveryMs)],
    ["runner hit to its run's end", `${shares(figures.hitMs)} of ${figures.hitMs.length}`],
    ["faults, then rest after", `${figures.seconds} s, ${figures.restSeconds.toFixed(0)} s`],
  ] as const;
  const wrong = violations
    .slice(0, MOST_SHOWN)
    .map(({ invariant, runId, wrong }) => `VIOLATION ${invariant} ${runId}: ${wrong}`);
  return [linesOf(lines), "faults:", tableOf(figures.fired), ...wrong].join("\n");
}
