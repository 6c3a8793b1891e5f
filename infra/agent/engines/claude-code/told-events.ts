import type { Clock } from "../../../../shared/clock.ts";
import { type AgentEvent, textEvent } from "../../../../shared/documents/event.ts";
import { RUN_LIMITS } from "../../../../shared/limits.ts";
import { cutText } from "../../../../shared/text.ts";
import { type Fields, fieldsIn, isFields } from "../../json.ts";
import { textsIn } from "../../model/passed.ts";
import { oneLine } from "../../text.ts";
import { shownInput } from "../../tool-input.ts";
import { blocksOf, failedServersOf, stringOf } from "./stream-json.ts";

/** What lines alone do not tell. */
interface Surroundings {
  clock: Pick<Clock, "now">;
  /** What passed the model's proxy has cost so far, in USD. */
  costUsd(): number;
}

/** A call that was told, and when, in milliseconds since the epoch. */
interface ToldCall {
  input: string;
  at: number;
}

const TOOL_NAME_LENGTH = 200;
const REASON_LENGTH = 200;

/**
 * Calls whose results are waited for: lines are free, and everything that the agent starts writes
 * them.
 */
const MAX_OPEN_CALLS = 1_000;

/**
 * What people are told of the lines of Claude Code's stream-json, in order. Of sub-agents the tool
 * calls are told and the words are not: those are for the agent that sent them off.
 *
 * @returns takes a line, and how many turns the model has had
 */
export function telling({
  clock,
  costUsd,
}: Surroundings): (line: string, turns: number) => AgentEvent[] {
  const open = new Map<string, ToldCall>();
  return (line, turns) => {
    const event = fieldsIn(line);
    switch (event?.["type"]) {
      case "assistant":
        return ofAssistant(event, (id, input) => {
          if (open.size < MAX_OPEN_CALLS) open.set(id, { input, at: clock.now() });
        });
      case "user":
        return blocksOf(event).flatMap((block) => ofResult(block, open, clock.now()));
      case "system":
        return ofSystem(event, open);
      case "result":
        // What the agent has cost is not its own word.
        return [{ type: "cost", costUsd: costUsd(), turns }];
      default:
        return [];
    }
  };
}

type OnCall = (callId: string, input: string) => void;

function ofAssistant(event: Fields, onCall: OnCall): AgentEvent[] {
  const isMain = event["parent_tool_use_id"] == null;
  return blocksOf(event).flatMap((block): AgentEvent[] => {
    if (block["type"] === "tool_use") return [ofCall(block, onCall)];
    const text = stringOf(block["text"])?.trim();
    return block["type"] === "text" && text && isMain ? [textEvent(text)] : [];
  });
}

function ofCall({ id, name, input }: Fields, onCall: OnCall): AgentEvent {
  const shown = shownInput(input);
  const callId = callIdOf(id);
  if (callId !== undefined) onCall(callId, shown);
  return { type: "tool", tool: toolName(name), input: shown, ...(callId && { callId }) };
}

const callIdOf = (id: unknown): string | undefined =>
  typeof id === "string" && /^[\w.:-]{1,200}$/.test(id) ? id : undefined;

/** What a call that was told gave, once. */
function ofResult(block: Fields, open: Map<string, ToldCall>, now: number): AgentEvent[] {
  const callId = callIdOf(block["tool_use_id"]);
  const call = callId === undefined ? undefined : open.get(callId);
  if (block["type"] !== "tool_result" || callId === undefined || call === undefined) return [];
  open.delete(callId);
  const text = textsIn(block["content"]).join("\n").toWellFormed();
  return [
    {
      type: "tool_result",
      callId,
      isError: block["is_error"] === true,
      preview: cutText(text, RUN_LIMITS.eventPreviewBytes),
      ms: Math.max(0, Math.round(now - call.at)),
    },
  ];
}

const toolName = (name: unknown): string => oneLine(stringOf(name) ?? "tool", TOOL_NAME_LENGTH);

function ofSystem(event: Fields, open: ReadonlyMap<string, ToldCall>): AgentEvent[] {
  if (event["subtype"] === "init") return ofServers(event["mcp_servers"]);
  if (event["subtype"] === "permission_denied") {
    return [ofDenied(event, open)];
  }
  if (event["subtype"] === "api_retry") return [{ type: "retry", text: describeRetry(event) }];
  const content = stringOf(event["content"]);
  if (event["subtype"] !== "model_fallback" || !content) return [];
  return [{ type: "retry", text: oneLine(content, REASON_LENGTH) }];
}

function ofDenied(event: Fields, open: ReadonlyMap<string, ToldCall>): AgentEvent {
  const callId = callIdOf(event["tool_use_id"]);
  const call = callId === undefined ? undefined : open.get(callId);
  return {
    type: "denied",
    tool: toolName(event["tool_name"]),
    ...(callId && call && { input: call.input, callId }),
  };
}

/**
 * Claude Code works on without a server that it cannot start: the run loses nothing but its tools,
 * and people shall know. (2.1.330 names servers' tools to the model and loads one when the model
 * asks, by ToolSearch; a `${NAME}` in their texts that is not set stays as it is.)
 */
function ofServers(servers: unknown): AgentEvent[] {
  const failed = failedServersOf(servers);
  return failed.length === 0 ? [] : [textEvent(`[MCP servers that failed: ${failed.join(", ")}]`)];
}

/** `attempt 2 of 4 in 1.5 s: 529 overloaded`. */
function describeRetry(event: Fields): string {
  const { attempt, max_retries, retry_delay_ms: delay, error_status, error } = event;
  const when = typeof delay === "number" ? ` in ${(delay / 1000).toFixed(1)} s` : "";
  const reason = [error_status, error].filter((part) => part != null && !isFields(part)).join(" ");
  return oneLine(`attempt ${attempt} of ${max_retries}${when}: ${reason}`, REASON_LENGTH);
}
