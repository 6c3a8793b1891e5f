import type { Run, RunEvent } from "../../client/types.ts";
import { turnsOf } from "../run/turns.ts";
import { counted } from "./amounts.ts";
import { cut, firstLine, shown } from "./shown.ts";
import { countedText, durationText, instant } from "./time.ts";

/** A piece of a sentence; code is what a machine reads. */
export type Piece = string | { code: string };

/** Without the full stop: headings have none. */
const unstopped = (sentence: string): string => sentence.replace(/\.$/, "");

/** How long a run took, or takes so far, in milliseconds. */
export function tookMs(run: Run, now: number): number {
  // The page's clock ticks by the second: a run may be later than it.
  const end = run.finishedAt === null ? now : instant(run.finishedAt);
  return Math.max(0, end - instant(run.createdAt));
}

/** Since when a run has its status. */
function statusSince(run: Run): number {
  const last = run.history.findLast(({ status }) => status === run.status);
  return instant(last?.at ?? run.updatedAt);
}

/** What sentences are said by, beside the run. */
export interface Said {
  now: number;
  /** How long half of this week's runs waited at most, in milliseconds; null: not known. */
  queueMs: number | null;
}

/** What a row of the list says of a run: a sentence with its full stop. */
export function rowSentence(run: Run, { now, queueMs }: Said): string {
  if (run.done) return doneSentence(run);
  if (run.status === "running") return runningSentence(run);
  if (run.status === "queued") {
    const usual =
      queueMs === null
        ? ""
        : `; half of this week’s runs waited less than ${durationText(queueMs)}`;
    return `Waiting for Cloud Build for ${countedText(now - statusSince(run))}${usual}.`;
  }
  if (run.status === "cancelling") return "Cancelled; waiting for the agent to stop.";
  return shown(run.why);
}

function runningSentence({ progress, why }: Run): string {
  if (progress === null || progress.text === "") return shown(why);
  const text = cut(firstLine(progress.text), 120);
  return progress.turn > 0 ? `Turn ${progress.turn}: ${unstopped(text)}.` : `${unstopped(text)}.`;
}

/** A finished run: why it ended so, or what came of it. */
function doneSentence(run: Run): string {
  if (run.verdict?.outcome !== "succeeded") return shown(run.why);
  return `${cameOf(run) ?? unstopped(shown(run.why))}.`;
}

/** What came of a run: its changes, or else its answer; undefined: neither. */
function cameOf({ changes, output }: Run): string | undefined {
  if (changes !== null && changes.files > 0) return counted(changes.files, "file");
  if (output === null) return undefined;
  if (output.structured !== null) return "JSON fits its schema";
  const words = output.text.split(/\s+/).filter(Boolean).length;
  if (words === 0) return undefined;
  return output.truncated ? "Answered at length" : `Answered, ${counted(words, "word")}`;
}

/** The head of a run: what is going on, without a full stop. */
export function headSentence(run: Run, events: readonly RunEvent[], said: Said): Piece[] {
  const { now } = said;
  if (run.done) return [finishedHead(run, now)];
  const busy = run.status === "running" ? busyHead(events, now) : undefined;
  return busy ?? [unstopped(rowSentence(run, said))];
}

function finishedHead(run: Run, now: number): string {
  const took = durationText(tookMs(run, now));
  if (run.verdict?.outcome !== "succeeded") return unstopped(shown(run.why));
  const { files = 0 } = run.changes ?? {};
  return files > 0 ? `Done in ${took}: ${counted(files, "file")} changed` : `Done in ${took}`;
}

/** What the last event that says so has the run do. */
function busyHead(events: readonly RunEvent[], now: number): Piece[] | undefined {
  const results = new Set<string>();
  for (const { at, event } of events.toReversed()) {
    const soFar = `, ${countedText(now - instant(at))} so far`;
    if (event.type === "tool_result") results.add(event.callId);
    if (event.type === "tool" && !results.has(event.callId ?? "")) {
      const input = cut(firstLine(event.input), 80);
      return [`${atTurn(events)}running ${shown(event.tool)} `, { code: input }, soFar];
    }
    if (event.type === "retry") return [`${atTurn(events)}${unstopped(firstLine(event.text))}`];
    if (event.type === "tool_result" || event.type === "usage") {
      return [`${atTurn(events)}the model is answering${soFar}`];
    }
    if (event.type === "phase") return [phaseHead(event, soFar)];
  }
  return undefined;
}

const PHASE_AT_WORK: Readonly<Record<string, string>> = {
  queue: "Waiting for Cloud Build",
  image: "Starting the build",
  claim: "Taking the attempt",
  checkout: "Checking out the repository",
  restore: "Bringing back what the turn before left",
  setup: "Running the setup commands",
  agent: "The agent is at work",
  checks: "Running the checks",
  upload: "Storing what came out",
};

function phaseHead(event: Extract<RunEvent["event"], { type: "phase" }>, soFar: string): string {
  const atWork = PHASE_AT_WORK[event.name] ?? event.name;
  return event.state === "started" ? `${atWork}${soFar}` : `${event.name} is over${soFar}`;
}

/** `Turn 14: `, by what the agent said and did so far. */
function atTurn(events: readonly RunEvent[]): string {
  return `Turn ${Math.max(1, turnsOf(events).length)}: `;
}
