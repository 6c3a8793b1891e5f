import type { Run, RunEvent } from "../../client/types.ts";
import { instant } from "../words/time.ts";
import { checksOf } from "./checks.ts";

type PhaseName = Run["phases"][number]["name"];

/**
 * What an attempt goes through, in its order; one that the API gets and this lacks does not
 * compile.
 */
const IN_ORDER: Readonly<Record<PhaseName, true>> = {
  queue: true,
  image: true,
  claim: true,
  checkout: true,
  restore: true,
  setup: true,
  agent: true,
  checks: true,
  upload: true,
};
const PHASE_NAMES = Object.keys(IN_ORDER) as PhaseName[];

/** A bar or a tick, as a share of the whole width: 0 to 1. */
export interface Bar {
  from: number;
  to: number;
}

/** A phase of the run's last attempt. */
export interface Lane {
  name: PhaseName;
  /** `skipped`: there was nothing to do; `never`: the run ended before it. */
  state: "done" | "working" | "failed" | "later" | "skipped" | "never";
  bar: Bar | null;
  /** Its bars of rounds before: checks that did not pass were handed back to the agent. */
  earlier: (Bar & { isFailed: boolean })[];
  /**
   * How long it took, or takes so far, in milliseconds and in all rounds; null: it has not begun.
   */
  ms: number | null;
}

export interface Waterfall {
  lanes: Lane[];
  /** When it begins and ends, in milliseconds since the epoch. */
  from: number;
  to: number;
}

type PhaseEvent = {
  at: number;
  name: Lane["name"];
  state: "started" | "done" | "failed";
  ms: number;
};

const attemptOf = (id: string): number => Number(id.split("-")[0]);

/** The attempts before the last one, of which something was told. */
export function earlierAttempts({ attempt: last }: Run, events: readonly RunEvent[]): number[] {
  const told = new Set(phasesIn(events).map(({ id }) => attemptOf(id)));
  return [...told].filter((attempt) => attempt < last);
}

const phasesIn = (events: readonly RunEvent[]): RunEvent[] =>
  events.filter(({ event }) => event.type === "phase");

/**
 * The phases of an attempt against time, as events tell them.
 *
 * @param attempt default: the last one; an earlier one failed, and ended with the last that was
 * told of it
 */
export function waterfallOf(
  run: Run,
  events: readonly RunEvent[],
  { now, attempt = run.attempt }: { now: number; attempt?: number },
): Waterfall {
  const isEarlier = attempt < run.attempt;
  const told = phasesIn(events).filter(({ id }) => attemptOf(id) === attempt);
  const phases = phasesOf(told);
  const begins = phases.map(({ at, ms }) => at - ms);
  const end = isEarlier
    ? (events.findLast(({ id }) => attemptOf(id) === attempt)?.at ?? null)
    : run.finishedAt;
  // The page's clock ticks by the second: what was told last may be later than it.
  const to = Math.max(end === null ? now : instant(end), ...phases.map(({ at }) => at));
  const from = Math.min(...begins, attempt === 1 ? instant(run.createdAt) : to);
  const width = Math.max(1, to - from);
  const share = (at: number) => Math.min(1, Math.max(0, (at - from) / width));
  const lastBegun = Math.max(-1, ...phases.map(({ name }) => PHASE_NAMES.indexOf(name)));
  const isChecked = checksOf(run).length > 0 || phases.some(({ name }) => name === "checks");
  // Of all steps this one alone comes after the agent: nobody shall wait for what is not to come.
  const names = PHASE_NAMES.filter((name) => name !== "checks" || isChecked);
  const lanes = names.map((name): Lane => {
    const ofName = phases.filter((phase) => phase.name === name);
    const told = ofName.at(-1);
    if (told === undefined) {
      const isOver = run.done || isEarlier;
      const state = PHASE_NAMES.indexOf(name) < lastBegun ? "skipped" : isOver ? "never" : "later";
      return { name, state, bar: null, earlier: [], ms: null };
    }
    const isOver = told.state !== "started";
    const [begin, end] = isOver ? [told.at - told.ms, told.at] : [told.at, to];
    const before = ofName.slice(0, -1).filter(({ state }) => state !== "started");
    return {
      name,
      state: isEarlier ? earlierState(told) : stateOf(told, run),
      bar: { from: share(begin), to: share(end) },
      earlier: before.map(({ at, ms, state }) => {
        return { from: share(at - ms), to: share(at), isFailed: state === "failed" };
      }),
      ms: before.reduce((sum, { ms }) => sum + ms, end - begin),
    };
  });
  return { lanes, from, to };
}

function stateOf({ name, state }: PhaseEvent, run: Run): Lane["state"] {
  if (state === "failed") return "failed";
  const isFaulty = run.done && run.status !== "succeeded" && run.status !== "cancelled";
  const isAgents = run.error?.kind !== "infrastructure" && run.error?.code !== "checks_failed";
  if (name === "agent" && isFaulty && isAgents) return "failed";
  if (state === "done") return "done";
  return run.done ? "failed" : "working";
}

/** What an attempt was at when it was given up has failed. */
const earlierState = ({ state }: PhaseEvent): Lane["state"] =>
  state === "done" ? "done" : "failed";

function phasesOf(events: readonly RunEvent[]): PhaseEvent[] {
  return events.flatMap(({ at, event }) =>
    event.type === "phase"
      ? [{ at: instant(at), name: event.name, state: event.state, ms: event.ms ?? 0 }]
      : [],
  );
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800];

/** At most five round times after the beginning, in milliseconds. */
export function ticksOf({ from, to }: Waterfall): number[] {
  const seconds = (to - from) / 1000;
  const step = STEPS_S.find((one) => seconds / one <= 5) ?? 86_400;
  const count = Math.floor(seconds / step);
  return Array.from({ length: count }, (_, i) => (i + 1) * step * 1000);
}
