import type { Command } from "commander";
import type { Run } from "../../client/types.ts";
import { fitted } from "../columns.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { usageFault } from "../failure.ts";
import { isAtTerminal, isConfirmed } from "../follow/detach.ts";
import { watchRuns } from "../follow/watch-runs.ts";
import { jsonPrinter, RUN_FIELDS } from "../json.ts";
import { wholeResultLines } from "../result.ts";
import { type CliContext, remote, runId, runIds } from "../session.ts";
import { withJson } from "../settings-flags.ts";
import { complain, oneLine, say } from "../terminal.ts";
import { clockOf } from "../text.ts";
import { type PlaceFlags, typed } from "../typed.ts";

/** `runyard watch`, `show`, `cancel`, `archive` and `delete`. */
export function addRuns(program: Command, context: CliContext): void {
  addWatch(program, context);
  addShow(program, context);
  addCancel(program, context);
  for (const verb of ["archive", "unarchive"] as const) addPlacing(program, context, verb);
  addDelete(program, context);
}

function addWatch(program: Command, context: CliContext): void {
  const command = program
    .command("watch")
    .description("Follows runs to their ends, through lost networks and restarts of the server.")
    .argument("<run...>", "ids of runs", runIds)
    .option("--strict", "exit with 4 if tools were denied, or something is not kept");
  withJson(command, "each run, whenever it changes,");
  remote<{ strict?: boolean }, [string[]]>(command, context, async ({ session, args, options }) => {
    const [ids] = args;
    const print = jsonPrinter(options.json, RUN_FIELDS);
    const { code } = await watchRuns(ids, { ...session, print, isStrict: options.strict });
    return code;
  });
}

function addShow(program: Command, context: CliContext): void {
  const command = program
    .command("show")
    .description("Shows a run: what was asked, how it is, and what it came to.")
    .argument("<run>", "the run's id", runId);
  withJson(command, "the run");
  remote<object, [string]>(command, context, async ({ session, args: [id], options }) => {
    const print = jsonPrinter(options.json, RUN_FIELDS);
    const run = await session.client.runs.get(id);
    if (print) return print(run);
    for (const line of shownLines(run, session.place)) say(line);
  });
}

/** A run for a person. */
export function shownLines(run: Run, place: PlaceFlags): string[] {
  const { status, error, why, conversation, agent, labels, progress, done } = run;
  const row = (name: string, text: string) => `  ${name.padEnd(10)}${oneLine(text)}`;
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const end = run.finishedAt === null ? Date.now() : Date.parse(run.finishedAt);
  const prompt = fitted(run.promptPreview.replace(/\s+/g, " ").trim(), 200);
  return [
    `${oneLine(run.id)}  ${oneLine(status)}: ${oneLine(error?.message ?? why)}`,
    row("Prompt", prompt),
    row("Turn", `${conversation.turn} of ${conversation.id}`),
    ...(conversation.remark === "" ? [] : [row("", conversation.remark)]),
    ...(agent ? [row("Agent", `${agent.id}, version ${agent.version}`)] : []),
    ...(pairs.length > 0 ? [row("Labels", pairs.join(", "))] : []),
    ...(run.parentRunId === null ? [] : [row("After", run.parentRunId)]),
    row("Time", `${clockOf(end - Date.parse(run.createdAt))}, since ${run.createdAt}`),
    ...(run.phases.length > 0 ? [row("Phases", phasesText(run))] : []),
    ...(run.attempt > 1 ? [row("Attempt", String(run.attempt))] : []),
    ...(progress && !done ? [row("Doing", `turn ${progress.turn}: ${progress.text}`)] : []),
    ...(done ? wholeResultLines(run, place) : [row("Next", typed(["watch", run.id], place))]),
  ];
}

const phasesText = ({ phases }: Run): string =>
  phases.map(({ name, ms }) => `${name} ${(ms / 1000).toFixed(1)} s`).join(", ");

function addCancel(program: Command, context: CliContext): void {
  const command = program
    .command("cancel")
    .description("Cancels runs; what their agents have done until then is kept.")
    .argument("<run...>", "ids of runs", runIds);
  withJson(command, "each run");
  remote<object, [string[]]>(command, context, async ({ session, args, options }) => {
    const print = jsonPrinter(options.json, RUN_FIELDS);
    for (const id of args[0]) {
      const run = await session.client.runs.cancel(id);
      if (print) print(run);
      else say(`${run.id}  ${oneLine(run.status)}`);
    }
  });
}

const PLACING = {
  archive: "Archives finished runs: lists leave them out.",
  unarchive: "Takes runs out of the archive.",
} as const;

function addPlacing(program: Command, context: CliContext, verb: keyof typeof PLACING): void {
  const command = program
    .command(verb)
    .description(PLACING[verb])
    .argument("<run...>", "ids of runs", runIds);
  withJson(command, "each run");
  remote<object, [string[]]>(command, context, async ({ session, args, options }) => {
    const print = jsonPrinter(options.json, RUN_FIELDS);
    for (const id of args[0]) {
      const run = await session.client.runs[verb](id);
      if (print) print(run);
      else say(`${run.id}  ${run.archivedAt === null ? "listed" : "archived"}`);
    }
  });
}

function addDelete(program: Command, context: CliContext): void {
  const command = program
    .command("delete")
    .description("Erases finished runs for good: document, events, request, session and files.")
    .argument("<run...>", "ids of runs", runIds)
    .option("--yes", "do not ask");
  remote<{ yes?: boolean }, [string[]]>(command, context, async ({ session, args, options }) => {
    const [ids] = args;
    if (!options.yes && !(await mayErase(ids))) return notErased();
    for (const id of ids) {
      await session.client.runs.delete(id);
      say(`${id}  erased`);
    }
    return EXIT.done;
  });
}

async function mayErase(ids: string[]): Promise<boolean> {
  if (!isAtTerminal()) throw usageFault("delete needs --yes where nobody can be asked");
  const what = ids.length === 1 ? `run ${ids[0]}` : `${ids.length} runs`;
  return isConfirmed(`Erase ${what} for good? [y/N] `);
}

function notErased(): ExitCode {
  complain("Nothing was erased.");
  return EXIT.failed;
}
