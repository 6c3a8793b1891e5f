import type { RunEvent } from "../../client/types.ts";
import { instant } from "../words/time.ts";

/** A tool call, and what is known of it by now. */
export interface Call {
  /** Id of the event that began it. */
  id: string;
  callId: string | undefined;
  tool: string;
  input: string;
  startedAt: number;
  state: "working" | "done" | "failed" | "denied";
  /** The beginning of what it gave. */
  preview: string;
  /** How long it took, in milliseconds; null: it is at work, or that is not known. */
  ms: number | null;
}

/** What the agent said and did between two results that the model was told. */
export interface Turn {
  number: number;
  attempt: number;
  words: string[];
  calls: Call[];
  /** What is neither words nor a call: retries, refusals, a new attempt. */
  notes: string[];
  startedAt: number;
  endedAt: number;
}

type Content = RunEvent["event"];
type Of<Type extends Content["type"]> = Extract<Content, { type: Type }>;

/** What was told so far. */
interface Telling {
  turns: Turn[];
  /** By their ids. */
  calls: Map<string, Call>;
  /** Whether results came since the agent last said or called something. */
  isAnswered: boolean;
}

/** The transcript by turns: one begins with what is said or called after results have come. */
export function turnsOf(events: readonly RunEvent[]): Turn[] {
  const telling: Telling = { turns: [], calls: new Map(), isAnswered: true };
  for (const event of events) {
    const isTold = tell(telling, event);
    const last = telling.turns.at(-1);
    if (isTold && last !== undefined) last.endedAt = instant(event.at);
  }
  return telling.turns;
}

/** @returns whether the event belongs to a turn */
function tell(telling: Telling, event: RunEvent): boolean {
  const { event: content } = event;
  switch (content.type) {
    case "text":
      turnFor(telling, event).words.push(content.text);
      return true;
    case "tool":
      turnFor(telling, event).calls.push(newCall(telling, event, content));
      return true;
    case "denied":
      deny(telling, event, content);
      return true;
    case "tool_result":
      settle(telling, content);
      return true;
    case "retry":
    case "refused":
      (telling.turns.at(-1) ?? turnFor(telling, event)).notes.push(content.text);
      return true;
    default:
      return false;
  }
}

/** The turn that is told, or the next one. */
function turnFor(telling: Telling, event: RunEvent): Turn {
  const { turns, isAnswered } = telling;
  const attempt = Number(event.id.split("-")[0]);
  const last = turns.at(-1);
  if (last !== undefined && !isAnswered && last.attempt === attempt) return last;
  const at = instant(event.at);
  const number = turns.length + 1;
  const turn = { number, attempt, words: [], calls: [], notes: [], startedAt: at, endedAt: at };
  turns.push(turn);
  telling.isAnswered = false;
  return turn;
}

function newCall({ calls }: Telling, { id, at }: RunEvent, content: Of<"tool">): Call {
  const { tool, input, callId } = content;
  // What has no id gets no result.
  const state = callId === undefined ? "done" : "working";
  const startedAt = instant(at);
  const call: Call = { id, callId, tool, input, startedAt, state, preview: "", ms: null };
  if (callId !== undefined) calls.set(callId, call);
  return call;
}

function settle(telling: Telling, { callId, isError, preview, ms }: Of<"tool_result">): void {
  telling.isAnswered = true;
  const call = telling.calls.get(callId);
  if (call === undefined) return;
  if (call.state !== "denied") call.state = isError ? "failed" : "done";
  Object.assign(call, { preview, ms });
}

/** A denial belongs to its call, if that was told. */
function deny(telling: Telling, event: RunEvent, content: Of<"denied">): void {
  const { tool, input = "", callId } = content;
  const turn = telling.turns.at(-1) ?? turnFor(telling, event);
  telling.isAnswered = true;
  const told = telling.calls.get(callId ?? "");
  if (told !== undefined) {
    told.state = "denied";
    return;
  }
  const { id, at } = event;
  const call = { id, callId, tool, input, startedAt: instant(at), preview: "", ms: null };
  turn.calls.push({ ...call, state: "denied" });
}

/** How many calls there are, and how many failed or were denied. */
export function callCounts(turns: readonly Turn[]): {
  all: number;
  failed: number;
  denied: number;
} {
  const states = turns.flatMap(({ calls }) => calls.map(({ state }) => state));
  const of = (wanted: Call["state"]) => states.filter((state) => state === wanted).length;
  return { all: states.length, failed: of("failed"), denied: of("denied") };
}
