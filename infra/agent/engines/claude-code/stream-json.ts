import { type Fields, fieldsIn, isFields } from "../../json.ts";
import { oneLine } from "../../text.ts";
import { tellingInput } from "../../tool-input.ts";

/** What one line of Claude Code's stream-json means to the runner. */
export interface EventMeaning {
  /** Id of the model's message, once per content block; only of the main conversation. */
  messageId?: string;
  /** The agent's words. */
  text?: string;
  toolCalls: number;
  toolErrors: number;
  /** Ids of the calls that failed, as far as they are said. */
  failedCalls?: string[];
  deniedTool?: string;
  /** Id of the call that was denied. */
  deniedCall?: string;
  /** Names of the MCP servers that did not start. */
  failedServers?: string[];
  /** What is said of each command that is at work in the background, as it is now. */
  background?: string[];
  /** What people are told that the agent does. */
  progress?: string;
  /** The model's API refuses the key, and Claude Code would try again. */
  isUnauthorized: boolean;
  /** The result line. */
  result?: Record<string, unknown>;
}

const NOTHING: EventMeaning = { toolCalls: 0, toolErrors: 0, isUnauthorized: false };
const PROGRESS_LENGTH = 200;
export const UNAUTHORIZED = 401;
/** Claude Code's own messages in the model's place (an API error) carry this name of a model. */
export const SYNTHETIC_MODEL = "<synthetic>";

export const stringOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

/** Reads one line. What is unknown, or no JSON, means nothing. */
export function meaningOf(line: string): EventMeaning {
  const event = fieldsIn(line);
  if (event === undefined) return NOTHING;
  switch (event["type"]) {
    case "assistant":
      return ofAssistant(event);
    case "user":
      return ofResults(blocksOf(event).filter(isFailedResult));
    case "system":
      return ofSystem(event);
    case "result":
      return { ...NOTHING, result: event };
    default:
      return NOTHING;
  }
}

/** The content blocks of a message's event. */
export function blocksOf(event: Fields): Fields[] {
  const message = event["message"];
  const content = isFields(message) ? message["content"] : undefined;
  return Array.isArray(content) ? content.filter(isFields) : [];
}

function ofResults(failed: readonly Fields[]): EventMeaning {
  const failedCalls = failed.flatMap((block) => stringOf(block["tool_use_id"]) ?? []);
  return {
    ...NOTHING,
    toolErrors: failed.length,
    ...(failedCalls.length > 0 && { failedCalls }),
  };
}

const isFailedResult = (block: Fields): boolean =>
  block["type"] === "tool_result" && block["is_error"] === true;

function ofAssistant(event: Fields): EventMeaning {
  const message = isFields(event["message"]) ? event["message"] : {};
  const blocks = blocksOf(event);
  const calls = blocks.filter(({ type }) => type === "tool_use");
  const text = stringOf(blocks.findLast(({ type }) => type === "text")?.["text"]);
  const isMain = event["parent_tool_use_id"] == null && message["model"] !== SYNTHETIC_MODEL;
  const progress = calls.length > 0 ? describeCall(calls.at(-1) as Fields) : firstLine(text);
  return {
    ...NOTHING,
    toolCalls: calls.length,
    ...(isMain && typeof message["id"] === "string" && { messageId: message["id"] }),
    ...(text !== undefined && event["parent_tool_use_id"] == null && { text }),
    ...(progress && { progress }),
  };
}

/** `Write hello.txt`, `Bash npm test`. */
function describeCall({ name, input }: Fields): string {
  return oneLine(`${stringOf(name) ?? "tool"} ${tellingInput(input) ?? ""}`, PROGRESS_LENGTH);
}

const firstLine = (text: string | undefined): string | undefined =>
  text && oneLine(text.trim().split("\n", 1)[0] ?? "", PROGRESS_LENGTH);

function ofSystem(event: Fields): EventMeaning {
  if (event["subtype"] === "api_retry") {
    return { ...NOTHING, isUnauthorized: event["error_status"] === UNAUTHORIZED };
  }
  if (event["subtype"] === "init") {
    return { ...NOTHING, failedServers: failedServersOf(event["mcp_servers"]) };
  }
  if (event["subtype"] === "background_tasks_changed") {
    return { ...NOTHING, background: tasksIn(event["tasks"]) };
  }
  const tool = stringOf(event["tool_name"]);
  if (event["subtype"] !== "permission_denied" || !tool) return NOTHING;
  const deniedCall = stringOf(event["tool_use_id"]);
  return { ...NOTHING, deniedTool: tool, ...(deniedCall !== undefined && { deniedCall }) };
}

/** Commands in the background that are told. */
const MAX_TASKS = 10;

const tasksIn = (tasks: unknown): string[] =>
  (Array.isArray(tasks) ? tasks : [])
    .filter(isFields)
    .slice(0, MAX_TASKS)
    .map(({ description }) => oneLine(stringOf(description) || "a command", 100));

/** States of an MCP server in which the agent has none of its tools, and will have none. */
const FAILED_SERVER = ["failed", "needs-auth"];

/** Names of the servers of an `init` event that the agent has to do without. */
export function failedServersOf(servers: unknown): string[] {
  return (Array.isArray(servers) ? servers : [])
    .filter((server) => isFields(server) && FAILED_SERVER.includes(String(server["status"])))
    .map(({ name }) => stringOf(name) ?? "?");
}

/** What the runner has seen so far of a stream of events. */
export interface Seen {
  turns: number;
  toolCalls: number;
  toolErrors: number;
  failedCalls: Set<string>;
  deniedTools: string[];
  deniedCalls: Set<string>;
  /** Of the first `init`: a later one may be somebody else's. */
  failedServers: string[] | undefined;
  background: string[];
  lastText: string;
  /** The whole result line. */
  result: Record<string, unknown> | undefined;
  /** Its long texts are not whole. */
  isResultCut: boolean;
  lastMessageId: string | undefined;
}

export const nothingSeen = (): Seen => ({
  turns: 0,
  toolCalls: 0,
  toolErrors: 0,
  failedCalls: new Set(),
  deniedTools: [],
  deniedCalls: new Set(),
  failedServers: undefined,
  background: [],
  lastText: "",
  result: undefined,
  isResultCut: false,
  lastMessageId: undefined,
});

/** What counts of an agent that works again: not how it ended before. */
export const seenAgain = (before: Seen): Seen => ({
  ...before,
  failedServers: undefined,
  background: [],
  lastText: "",
  result: undefined,
  isResultCut: false,
});

/** Adds a line's meaning. `maxDenied` bounds the list of denied tools. */
export function addMeaning(seen: Seen, meaning: EventMeaning, maxDenied: number): void {
  if (meaning.messageId !== undefined && meaning.messageId !== seen.lastMessageId) {
    seen.lastMessageId = meaning.messageId;
    seen.turns += 1;
  }
  seen.toolCalls += meaning.toolCalls;
  seen.toolErrors += meaning.toolErrors;
  for (const id of meaning.failedCalls ?? []) addBounded(seen.failedCalls, id);
  if (meaning.deniedCall !== undefined) addBounded(seen.deniedCalls, meaning.deniedCall);
  if (meaning.deniedTool && seen.deniedTools.length < maxDenied) {
    seen.deniedTools.push(oneLine(meaning.deniedTool, 200));
  }
  seen.failedServers ??= meaning.failedServers;
  seen.background = meaning.background ?? seen.background;
  seen.lastText = meaning.text ?? seen.lastText;
  seen.result = meaning.result ?? seen.result;
}

/**
 * Ids that are remembered of one kind: lines are free, and everything that the agent starts can
 * write them.
 */
const MAX_CALLS = 10_000;

function addBounded(ids: Set<string>, id: string): void {
  if (ids.size < MAX_CALLS) ids.add(id);
}
