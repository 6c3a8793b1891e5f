import type { Run } from "../../client/types.ts";
import { complain, oneLine, printable } from "../terminal.ts";
import { liveLine, liveLines, plainLine, shortId } from "./lines.ts";
import { painted } from "./paint.ts";
import { newView, type RunView, type Update, updated } from "./view.ts";

/** Shows on standard error how runs get on. */
export interface Screen extends Disposable {
  update(id: string, update: Update): void;
  /** Has something written that stays, above what is redrawn. */
  hidden(write: () => void): void;
}

export type ScreenKind = "live" | "lines" | "silent";

/** Redrawing lines on a terminal; a line for each change elsewhere. */
export function usualScreen(): ScreenKind {
  return process.stderr.isTTY ? "live" : "lines";
}

/**
 * @param options.ids the runs that will be followed
 * @param options.remedy what to do when the server is lost, if anything can be done. Default:
 * nothing
 */
export function openScreen(
  kind: ScreenKind,
  { ids, remedy }: { ids: readonly string[]; remedy?: string | undefined },
): Screen {
  const tell = troubleTeller(remedy);
  if (kind === "live") return liveScreen(ids, tell);
  if (kind === "lines") return lineScreen(ids, tell);
  return {
    update: (_id, update) => tell(update)?.(),
    hidden: (write) => write(),
    [Symbol.dispose]() {},
  };
}

/**
 * On a terminal the lines that told how a run ended are gone with the screen: says it once more.
 */
export function sayEndIfCleared({
  status,
  error,
  why,
}: Pick<Run, "status" | "error" | "why">): void {
  if (usualScreen() !== "live") return;
  const line = `${oneLine(status)}: ${oneLine(error?.message ?? why)}`;
  process.stderr.write(`${painted(printable(line), status)}\n`);
}

/**
 * What writes that the server is lost or back, if an update says so and nothing has said it yet.
 */
type TroubleTeller = (update: Update) => (() => void) | undefined;

/** One server has all the runs: what several of them say is said once. */
function troubleTeller(remedy: string | undefined): TroubleTeller {
  let isLost = false;
  return (update) => {
    const isNews = update.type === (isLost ? "back" : "lost");
    if (!isNews) return undefined;
    isLost = !isLost;
    if (update.type !== "lost") return () => complain("The server is back.");
    const lines = [
      `The server does not answer (${oneLine(update.why)}); still trying. Ctrl-C stops following.`,
      ...(remedy === undefined ? [] : [remedy]),
    ];
    return () => complain(lines.join("\n"));
  };
}

/** A line whenever there is something new to say. */
function lineScreen(ids: readonly string[], tell: TroubleTeller): Screen {
  const views = new Map(ids.map((id) => [id, { view: newView(id, Date.now()), last: "" }]));
  return {
    update(id, update) {
      tell(update)?.();
      const entry = views.get(id) ?? { view: newView(id, Date.now()), last: "" };
      entry.view = updated(entry.view, update);
      views.set(id, entry);
      const { status, doing, turn } = entry.view;
      // Turns go on while nothing else is new; that there is a first one is worth a line.
      const what = `${status} ${turn > 0} ${doing}`;
      if (what === entry.last || doing === "") return;
      entry.last = what;
      const name = ids.length > 1 ? `${shortId(id)} ` : "";
      complain(name + plainLine(entry.view));
    },
    hidden: (write) => write(),
    [Symbol.dispose]() {},
  };
}

const REDRAW_MS = 1000;
/** Changes that come at once are drawn together. */
const TOGETHER_MS = 50;
const USUAL_COLUMNS = 80;
const LEAST_COLUMNS = 10;
const USUAL_ROWS = 24;

/** Lines at the bottom that are drawn anew with each change, and each second for the clock. */
function liveScreen(ids: readonly string[], tell: TroubleTeller): Screen {
  const views = new Map(ids.map((id) => [id, newView(id, Date.now())]));
  const canvas = bottomLines(process.stderr);
  let soon: NodeJS.Timeout | undefined;
  const draw = () => {
    soon = undefined;
    canvas.draw(linesOf([...views.values()]));
  };
  const timer = setInterval(draw, REDRAW_MS);
  const hidden = (write: () => void) => {
    canvas.draw([]);
    write();
    draw();
  };
  return {
    update(id, update) {
      const trouble = tell(update);
      if (trouble) hidden(trouble);
      views.set(id, updated(views.get(id) ?? newView(id, Date.now()), update));
      soon ??= setTimeout(draw, TOGETHER_MS);
    },
    hidden,
    [Symbol.dispose]() {
      clearInterval(timer);
      clearTimeout(soon);
      canvas.draw([]);
    },
  };
}

function linesOf(views: RunView[]): string[] {
  const now = Date.now();
  // The last column stays free: a terminal may begin a new line after it.
  const columns = Math.max(LEAST_COLUMNS, process.stderr.columns || USUAL_COLUMNS) - 1;
  const [only, ...more] = views;
  const inColour = (line: string, status: string) => painted(printable(line), status);
  if (only !== undefined && more.length === 0) {
    return liveLines(only, now, columns).map((line, at) =>
      at === 0 ? inColour(line, only.status) : printable(line),
    );
  }
  const rows = (process.stderr.rows || USUAL_ROWS) - 1;
  const waiting = views.filter(({ done }) => !done);
  const shown = waiting
    .slice(0, rows - 1)
    .map((view) => inColour(liveLine(view, now, columns), view.status));
  const left = waiting.length - shown.length;
  return left > 0 ? [...shown, `and ${left} more`] : shown;
}

/**
 * Lines at the end of what a terminal shows, which the next ones replace; nothing in them steers
 * it.
 */
function bottomLines(stream: NodeJS.WriteStream) {
  let drawn = 0;
  let last = "";
  return {
    draw(lines: readonly string[]): void {
      const text = lines.join("\n");
      if (text === last && lines.length === drawn) return;
      const up = drawn > 0 ? `\u001b[${drawn}A\r\u001b[J` : "";
      stream.write(up + (lines.length > 0 ? `${text}\n` : ""));
      drawn = lines.length;
      last = text;
    },
  };
}
