import type { Run } from "../client/types.ts";
import { deliveryTexts } from "./delivery.ts";
import { indented, jsonLine, oneLine, printable } from "./terminal.ts";
import { counted, usd } from "./text.ts";
import { type PlaceFlags, typed } from "./typed.ts";

const COLUMN = 12;
const SHOWN_FILES = 20;

/**
 * What a finished run came to, a line each, without its answer; `place` is for the commands that
 * are next.
 */
export function resultLines(run: Run, place: PlaceFlags): string[] {
  return [...remedyLines(run), ...otherLines(run, place)];
}

/** The same with the answer. */
export function wholeResultLines(run: Run, place: PlaceFlags): string[] {
  return [...remedyLines(run), ...answerLines(run), ...otherLines(run, place)];
}

const remedyLines = ({ error }: Run): string[] =>
  error ? row("Remedy", oneLine(error.remedy)) : [];

function otherLines(run: Run, place: PlaceFlags): string[] {
  const { output, verdict, usage, isolation } = run;
  const left = output?.omitted;
  const round = verdict?.rounds === undefined ? "" : `; the agent had ${verdict.rounds} rounds`;
  const checks = verdict?.checks?.map(checkText).join(", ") ?? "";
  const denied = verdict?.deniedTools.map(oneLine).join(", ") ?? "";
  return [
    ...(output ? row("Changed", changedFiles(output)) : []),
    ...(left && left.files.length + left.ignoredFiles > 0
      ? row("Not kept", omittedFiles(left))
      : []),
    ...(checks === "" ? [] : row("Checks", checks + round)),
    ...(denied === "" ? [] : row("Denied", denied)),
    ...deliveryTexts(run).flatMap((text, at) => row(at === 0 ? "Delivered" : "", text)),
    ...(usage ? row("Usage", usageText(usage)) : []),
    ...(isolation ? row("Sandbox", isolation) : []),
    ...nextCommands(run, place).flatMap((command, at) => row(at === 0 ? "Next" : "", command)),
  ];
}

function answerLines({ output }: Run): string[] {
  if (!output) return [];
  const { text, structured } = output;
  return [
    ...(text ? row("Answer", text) : []),
    ...(structured ? row("Structured", jsonLine(structured)) : []),
  ];
}

/**
 * Writes the answer alone on standard output: the JSON of a run that was to make some, else the
 * text.
 */
export function sayAnswer({ output }: Run): void {
  if (!output) return;
  const { text, structured } = output;
  const answer = structured ? jsonLine(structured) : text;
  if (answer === "") return;
  process.stdout.write(`${process.stdout.isTTY ? printable(answer) : answer}\n`);
}

const row = (name: string, text: string): string[] => [
  `  ${name.padEnd(COLUMN - 2)}${indented(text, COLUMN)}`,
];

/** Statuses of runs that `continue` takes up. */
const CONTINUED = ["timed_out", "cancelled"];

/** What one would type after a run. */
export function nextCommands(run: Run, place: PlaceFlags): string[] {
  const { id, status, output, error, conversation } = run;
  const hasChanges = (output?.changedFiles.length ?? 0) > 0;
  const isContinued = CONTINUED.includes(status) || error?.kind === "limit";
  return [
    ...(hasChanges ? [typed(["diff", id], place), typed(["apply", id], place)] : []),
    ...(status === "succeeded" ? [typed(["say", conversation.id, "…"], place)] : []),
    ...(isContinued ? [typed(["continue", id], place)] : []),
    ...(status === "failed" && !isContinued ? [typed(["logs", id], place)] : []),
    ...(error?.retryable && !isContinued ? [typed(["rerun", id], place)] : []),
  ];
}

type Output = NonNullable<Run["output"]>;

/** `a.txt (+1), b.txt (+2 -1), and 3 more` */
export function changedFiles({ changedFiles: files, moreChangedFiles }: Output): string {
  if (files.length === 0) return "nothing";
  const shown = files.slice(0, SHOWN_FILES).map(({ path, added, removed }) => {
    if (added === null) return `${oneLine(path)} (binary)`;
    return `${oneLine(path)} (+${added}${removed ? ` -${removed}` : ""})`;
  });
  const more = files.length - shown.length + moreChangedFiles;
  return shown.join(", ") + (more > 0 ? `, and ${more} more` : "");
}

function omittedFiles({ files, moreFiles, ignoredFiles }: NonNullable<Output["omitted"]>): string {
  const shown = files.slice(0, SHOWN_FILES).map(({ path, why }) => {
    return `${oneLine(path)} (${why.replaceAll("_", " ")})`;
  });
  const more = files.length - shown.length + moreFiles;
  const parts = [shown.join(", ") + (more > 0 ? `, and ${more} more` : "")];
  if (ignoredFiles > 0) parts.push(`${ignoredFiles} that git ignores`);
  return parts.filter(Boolean).join("; ");
}

type Check = NonNullable<NonNullable<Run["verdict"]>["checks"]>[number];

/** `unit passed (1.5 s)`, `lint failed (exit code 1, 0.3 s)` */
function checkText({ name, state, exitCode, ms }: Check): string {
  const how = [
    ...(state === "failed" && exitCode !== null ? [`exit code ${exitCode}`] : []),
    ...(ms === null ? [] : [`${(ms / 1000).toFixed(1)} s`]),
  ].join(", ");
  return `${oneLine(name)} ${state.replaceAll("_", " ")}${how && ` (${how})`}`;
}

function usageText(used: NonNullable<Run["usage"]>): string {
  const { turns, costUsd, inputTokens, outputTokens, incomplete } = used;
  if (turns === null || costUsd === null) return "not known";
  const all = `${counted(turns, "turn")}, ${usd(costUsd)}, ${counted(inputTokens ?? 0, "token")} in, ${outputTokens} out`;
  return incomplete ? `at least ${all}` : all;
}
