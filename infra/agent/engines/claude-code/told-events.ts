import { type AgentEvent, textEvent } from "../../../../shared/documents/event.ts";
import { RUN_LIMITS } from "../../../../shared/limits.ts";
import { cutText } from "../../../../shared/text.ts";
import { oneLine } from "../../text.ts";
import {
  blocksOf,
  type Fields,
  isFields,
  parseEvent,
  stringOf,
  tellingInput,
} from "./stream-json.ts";

/** What a line alone does not tell. */
interface Surroundings {
  /** What the session had cost before this run, in USD. */
  costBefore: number;
  /** Turns of the model so far. */
  turns: number;
}

const TOOL_NAME_LENGTH = 200;
const REASON_LENGTH = 200;

/**
 * What people are told of one line of Claude Code's stream-json, in order. Of sub-agents the tool calls
 * are told and the words are not: those are for the agent that sent them off.
 */
export function agentEventsOf(line: string, surroundings: Surroundings): AgentEvent[] {
  const event = parseEvent(line);
  switch (event?.["type"]) {
    case "assistant":
      return ofAssistant(event);
    case "system":
      return ofSystem(event);
    case "result":
      return ofResult(event, surroundings);
    default:
      return [];
  }
}

function ofAssistant(event: Fields): AgentEvent[] {
  const isMain = event["parent_tool_use_id"] == null;
  return blocksOf(event).flatMap((block): AgentEvent[] => {
    if (block["type"] === "tool_use") return [ofCall(block)];
    const text = stringOf(block["text"])?.trim();
    return block["type"] === "text" && text && isMain ? [textEvent(text)] : [];
  });
}

function ofCall({ name, input }: Fields): AgentEvent {
  const telling = tellingInput(input) ?? (isFields(input) ? JSON.stringify(input) : "");
  return {
    type: "tool",
    tool: toolName(name),
    input: cutText(telling.toWellFormed(), RUN_LIMITS.eventInputBytes),
  };
}

const toolName = (name: unknown): string => oneLine(stringOf(name) ?? "tool", TOOL_NAME_LENGTH);

function ofSystem(event: Fields): AgentEvent[] {
  if (event["subtype"] === "init") return ofServers(event["mcp_servers"]);
  if (event["subtype"] === "permission_denied") {
    return [{ type: "denied", tool: toolName(event["tool_name"]) }];
  }
  if (event["subtype"] === "api_retry") return [{ type: "retry", text: describeRetry(event) }];
  const content = stringOf(event["content"]);
  if (event["subtype"] !== "model_fallback" || !content) return [];
  return [{ type: "retry", text: oneLine(content, REASON_LENGTH) }];
}

/**
 * Claude Code works on without a server that it cannot start: the run loses nothing but its tools, and
 * people shall know. (2.1.330 names servers' tools to the model and loads one when the model asks, by
 * ToolSearch; a `${NAME}` in their texts that is not set stays as it is.)
 */
function ofServers(servers: unknown): AgentEvent[] {
  const failed = (Array.isArray(servers) ? servers : [])
    .filter((server) => isFields(server) && server["status"] === "failed")
    .map(({ name }) => stringOf(name) ?? "?");
  return failed.length === 0 ? [] : [textEvent(`[MCP servers that failed: ${failed.join(", ")}]`)];
}

/** `attempt 2 of 4 in 1.5 s: 529 overloaded`. */
function describeRetry(event: Fields): string {
  const { attempt, max_retries, retry_delay_ms: delay, error_status, error } = event;
  const when = typeof delay === "number" ? ` in ${(delay / 1000).toFixed(1)} s` : "";
  const reason = [error_status, error].filter((part) => part != null && !isFields(part)).join(" ");
  return oneLine(`attempt ${attempt} of ${max_retries}${when}: ${reason}`, REASON_LENGTH);
}

/** As in a run's usage: a total that is not below what was spent before has it in it. */
function ofResult(event: Fields, { costBefore, turns }: Surroundings): AgentEvent[] {
  const total = event["total_cost_usd"];
  if (typeof total !== "number") return [];
  const told = event["num_turns"];
  return [
    {
      type: "cost",
      costUsd: total >= costBefore ? total - costBefore : total,
      turns: Number.isInteger(told) ? Number(told) : turns,
    },
  ];
}
