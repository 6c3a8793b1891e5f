import type { Run, RunEvent } from "../../client/types.ts";

/** What a workspace's changes come to. */
type Changes = NonNullable<Run["changes"]>;

/**
 * What a person sees of a run that is followed; made of its document and its events as they come.
 */
export interface RunView {
  id: string;
  status: string;
  done: boolean;
  /** What happens, in one sentence of others' words. */
  doing: string;
  /** Of the model; 0: none yet. */
  turn: number;
  attempt: number;
  /** Undefined: not known yet. */
  costUsd: number | undefined;
  /** What is changed so far; undefined: not known yet, or nothing. */
  changes: Changes | undefined;
  createdAtMs: number;
  /** When that happened, by the server's clock. */
  atMs: number;
  finishedAtMs: number | undefined;
  /** The server does not answer now. */
  isLost: boolean;
}

/** What becomes known of a run while somebody follows it. */
export type Update =
  | { type: "run"; run: Run }
  | { type: "event"; event: RunEvent }
  /** The server does not answer; `why` is for a person. */
  | { type: "lost"; why: string }
  | { type: "back" };

/** What is shown before anything of a run is known. */
export function newView(id: string, nowMs: number): RunView {
  return {
    id,
    status: "pending",
    done: false,
    doing: "",
    turn: 0,
    attempt: 1,
    costUsd: undefined,
    changes: undefined,
    createdAtMs: nowMs,
    atMs: nowMs,
    finishedAtMs: undefined,
    isLost: false,
  };
}

/** The view after an update. */
export function updated(view: RunView, update: Update): RunView {
  switch (update.type) {
    case "run":
      return { ...withRun(view, update.run), isLost: false };
    case "event":
      return {
        ...withEvent(view, update.event),
        // It may be told later than it happened.
        atMs: Math.max(view.atMs, Date.parse(update.event.at)),
        isLost: false,
      };
    case "lost":
      return { ...view, isLost: true };
    case "back":
      return { ...view, isLost: false };
  }
}

function withRun(view: RunView, run: Run): RunView {
  const cost = run.usage?.costUsd ?? undefined;
  const turn = run.attempt === view.attempt ? Math.max(view.turn, turnOf(run)) : turnOf(run);
  return {
    ...view,
    status: run.status,
    done: run.done,
    doing: run.done || isNews(view, run) ? doingOf(run) : view.doing,
    turn: Math.max(turn, run.usage?.turns ?? 0),
    attempt: run.attempt,
    costUsd: cost ?? view.costUsd,
    changes: run.changes ?? view.changes,
    createdAtMs: Date.parse(run.createdAt),
    atMs: Date.parse(run.updatedAt),
    finishedAtMs: run.finishedAt === null ? undefined : Date.parse(run.finishedAt),
  };
}

const turnOf = ({ progress }: Run): number => progress?.turn ?? 0;

/** Whether the document says more than the events so far: they tell sooner what an agent does. */
function isNews(view: RunView, run: Run): boolean {
  return run.status !== view.status || run.status !== "running" || view.doing === "";
}

function doingOf(run: Run): string {
  if (run.done) return run.error ? run.error.message : run.why;
  if (run.status === "running") return run.progress?.text || run.why;
  if (run.queue !== undefined) return run.why;
  const cause = run.history.at(-1)?.cause ?? run.why;
  return run.attempt > 1 ? `${cause} (attempt ${run.attempt})` : cause;
}

/** What happens in each phase; the agent tells itself what it does. */
const PHASES: Readonly<Record<string, string>> = {
  checkout: "Getting the repository.",
  restore: "Bringing back session and files.",
  setup: "Running the setup commands.",
  checks: "Running the checks.",
  upload: "Storing what came out.",
};

function phaseText({ name, state }: { name: string; state: string }): string | undefined {
  if (state === "failed") return `failed: ${name}`;
  return state === "started" && Object.hasOwn(PHASES, name) ? PHASES[name] : undefined;
}

/** Of events that are not known here, as a newer server may send, nothing is shown. */
function withEvent(view: RunView, { event }: RunEvent): RunView {
  switch (event.type) {
    case "tool":
      return { ...view, doing: `${event.tool} ${event.input}`.trim() };
    case "denied":
      return { ...view, doing: `denied: ${event.tool}` };
    case "retry":
    case "refused":
      return { ...view, doing: event.text };
    case "tool_result":
      return event.isError ? { ...view, doing: `failed: ${event.preview}` } : view;
    case "phase":
      return { ...view, doing: phaseText(event) ?? view.doing };
    case "usage":
      return { ...view, costUsd: event.costUsd };
    case "changes":
      return { ...view, changes: event };
    case "cost":
      return { ...view, costUsd: event.costUsd, turn: Math.max(view.turn, event.turns) };
    default:
      return view;
  }
}
