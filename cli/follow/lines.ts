import { fitted } from "../columns.ts";
import { oneLine, printable } from "../terminal.ts";
import { clockOf, usd } from "../text.ts";
import type { RunView } from "./view.ts";

/** What others said, on one line, as a terminal shows it. */
const shown = (text: string): string => printable(oneLine(text));

const STATUS_COLUMNS = 10;

/** What happens in a run, for one line: `turn 3: Bash npm test`. */
function happening({ turn, doing, done }: RunView): string {
  const text = shown(doing);
  return turn > 0 && !done ? `turn ${turn}: ${text}` : text;
}

/** A line for a log: seconds since the run was accepted, status, what happens. */
export function plainLine(view: RunView): string {
  const seconds = (Math.max(0, view.atMs - view.createdAtMs) / 1000).toFixed(1).padStart(6);
  return `${seconds}s ${shown(view.status).padEnd(STATUS_COLUMNS)} ${happening(view)}`;
}

/** One or two lines that say how a run is now; each has at most `columns`. */
export function liveLines(view: RunView, nowMs: number, columns: number): string[] {
  const lost = view.isLost ? ["the server does not answer; still trying"] : [];
  const head = [...headOf(view, nowMs), ...lost, view.id].join("  ");
  const doing = shown(view.doing);
  return [fitted(head, columns), ...(doing === "" ? [] : [fitted(`  ${doing}`, columns)])];
}

/** The same in one line, for who follows several. */
export function liveLine(view: RunView, nowMs: number, columns: number): string {
  const lost = view.isLost ? ["(no answer)"] : [];
  const parts = [shortId(view.id), ...headOf(view, nowMs), ...lost, shown(view.doing)];
  return fitted(parts.join("  "), columns);
}

function headOf(view: RunView, nowMs: number): string[] {
  const { status, turn, costUsd, changes, createdAtMs, finishedAtMs } = view;
  return [
    shown(status).padEnd(STATUS_COLUMNS),
    clockOf((finishedAtMs ?? nowMs) - createdAtMs),
    ...(turn > 0 ? [`turn ${turn}`] : []),
    ...(costUsd === undefined ? [] : [usd(costUsd)]),
    ...(changes?.files ? [`+${changes.added} -${changes.removed}`] : []),
  ];
}

const SHORT_ID = 10;
/** Enough of an id to tell a few runs apart. */
export const shortId = (id: string): string => `${shown(id).slice(0, SHORT_ID)}…`;
