import type { Client } from "../../client/client.ts";
import type { Run } from "../../client/types.ts";
import { EXIT, type ExitCode, exitCodeOf, firstOther } from "../exit-codes.ts";
import type { JsonPrinter } from "../json.ts";
import { resultLines, sayAnswer } from "../result.ts";
import { complain, oneLine, say } from "../terminal.ts";
import { type PlaceFlags, typed } from "../typed.ts";
import { Detached, isConfirmed, watchInterrupts } from "./detach.ts";
import { followRun } from "./follow.ts";
import { openScreen, type Screen, sayEndIfCleared, usualScreen } from "./screen.ts";
import type { Update } from "./view.ts";

export interface WatchOptions {
  client: Client;
  reopen(): Client;
  place: PlaceFlags;
  /** What to do when the server is lost; undefined: only wait. */
  remedy: string | undefined;
  /** Prints each document of a run in the place of the views for people. */
  print: JsonPrinter | undefined;
  isStrict: boolean | undefined;
  /** What was just sent. */
  known?: Run;
}

/** What came of watching: the runs that are over, and what the command ends with. */
export interface Watched {
  runs: Run[];
  code: ExitCode;
}

/**
 * Follows runs to their ends, shows how they get on and what they came to. Ctrl-C stops that, says
 * how to come back, and pressed once more asks whether to cancel them.
 */
export async function watchRuns(ids: string[], options: WatchOptions): Promise<Watched> {
  for (;;) {
    using interrupts = watchInterrupts();
    try {
      const runs = await followAll(ids, options, interrupts.signal);
      return { runs, code: firstOther(runs.map((run) => exitCodeOf(run, options.isStrict))) };
    } catch (error) {
      if (!(error instanceof Detached)) throw error;
      sayDetached(ids, options.place);
      const isAsked = await interrupts.again();
      const what = ids.length === 1 ? `run ${ids[0]}` : `these ${ids.length} runs`;
      if (!isAsked || !(await isConfirmed(`Cancel ${what}? [y/N] `))) {
        return { runs: [], code: EXIT.detached };
      }
      await cancelAll(ids, options.client);
    }
  }
}

async function followAll(
  ids: string[],
  options: WatchOptions,
  interrupted: AbortSignal,
): Promise<Run[]> {
  const { print, reopen, place, known, remedy } = options;
  // What one of them cannot go on with ends the others too.
  const failed = new AbortController();
  const signal = AbortSignal.any([interrupted, failed.signal]);
  using screen = openScreen(print ? "silent" : usualScreen(), { ids, remedy });
  const follow = async (id: string) => {
    const onUpdate = print ? jsonTeller(id, screen, print) : teller(id, screen);
    const run = await followRun(id, { open: reopen, onUpdate, signal, known });
    if (!print && ids.length > 1) sayEnd(run, screen);
    return run;
  };
  const runs = await Promise.all(ids.map(follow)).catch((error: unknown) => {
    failed.abort(error);
    throw error;
  });
  screen[Symbol.dispose]();
  const [only] = runs;
  if (!print && only !== undefined && runs.length === 1) sayResult(only, place);
  return runs;
}

const teller = (id: string, screen: Screen) => (update: Update) => screen.update(id, update);

/** Prints a run's document whenever it is another one. */
function jsonTeller(id: string, screen: Screen, print: JsonPrinter): (update: Update) => void {
  let last = "";
  return (update) => {
    screen.update(id, update);
    if (update.type !== "run") return;
    const text = JSON.stringify(update.run);
    if (text !== last) print(update.run);
    last = text;
  };
}

function sayEnd({ id, status, error, why }: Run, screen: Screen): void {
  screen.hidden(() => say(`${id}  ${oneLine(status)}  ${oneLine(error?.message ?? why)}`));
}

/** Says what a run came to: its answer on standard output, the rest beside it. */
function sayResult(run: Run, place: PlaceFlags): void {
  sayEndIfCleared(run);
  sayAnswer(run);
  for (const line of resultLines(run, place)) complain(line);
}

function sayDetached(ids: string[], place: PlaceFlags): void {
  const goesOn = ids.length === 1 ? "the run goes on" : "the runs go on";
  complain(`No longer followed; ${goesOn}. Come back with: ${typed(["watch", ...ids], place)}`);
  if (process.stderr.isTTY && process.stdin.isTTY) complain("Ctrl-C once more: cancel?");
}

async function cancelAll(ids: string[], client: Client): Promise<void> {
  for (const id of ids) {
    const run = await client.runs.get(id);
    if (!run.done) await client.runs.cancel(id);
  }
}
