import { oneLine } from "../../text.ts";

/** What one line of Claude Code's stream-json means to the runner. */
export interface EventMeaning {
  /** Id of the model's message, once per content block; only of the main conversation. */
  messageId?: string;
  /** The agent's words. */
  text?: string;
  toolCalls: number;
  toolErrors: number;
  deniedTool?: string;
  /** What people are told that the agent does. */
  progress?: string;
  /** The model's API refuses the key, and Claude Code would try again. */
  isUnauthorized: boolean;
  /** The result line. */
  result?: Record<string, unknown>;
}

/** A JSON object of which nothing is known yet. */
export type Fields = Record<string, unknown>;

const NOTHING: EventMeaning = { toolCalls: 0, toolErrors: 0, isUnauthorized: false };
const PROGRESS_LENGTH = 200;
/** The field of a tool's input that says most, by preference. */
const TELLING_FIELDS = ["file_path", "command", "pattern", "url", "query", "description", "path"];
const UNAUTHORIZED = 401;
/** Claude Code's own messages in the model's place (an API error) carry this name of a model. */
const SYNTHETIC_MODEL = "<synthetic>";

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const stringOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

/** Reads one line. What is unknown, or no JSON, means nothing. */
export function meaningOf(line: string): EventMeaning {
  const event = parseEvent(line);
  if (event === undefined) return NOTHING;
  switch (event["type"]) {
    case "assistant":
      return ofAssistant(event);
    case "user":
      return { ...NOTHING, toolErrors: blocksOf(event).filter(isFailedResult).length };
    case "system":
      return ofSystem(event);
    case "result":
      return { ...NOTHING, result: event };
    default:
      return NOTHING;
  }
}

/** A line as a JSON object, if it is one. */
export function parseEvent(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The content blocks of a message's event. */
export function blocksOf(event: Fields): Fields[] {
  const message = event["message"];
  const content = isFields(message) ? message["content"] : undefined;
  return Array.isArray(content) ? content.filter(isFields) : [];
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

/** The part of a tool's input that says most: a path in the workspace, a command, … */
export function tellingInput(input: unknown): string | undefined {
  if (!isFields(input)) return undefined;
  const telling = TELLING_FIELDS.map((field) => stringOf(input[field])).find(Boolean);
  return telling?.replace(/^(\/\S*)?\/workspace\//, "");
}

const firstLine = (text: string | undefined): string | undefined =>
  text && oneLine(text.trim().split("\n", 1)[0] ?? "", PROGRESS_LENGTH);

function ofSystem(event: Fields): EventMeaning {
  if (event["subtype"] === "api_retry") {
    return { ...NOTHING, isUnauthorized: event["error_status"] === UNAUTHORIZED };
  }
  const tool = stringOf(event["tool_name"]);
  if (event["subtype"] === "permission_denied" && tool) return { ...NOTHING, deniedTool: tool };
  return NOTHING;
}

/** What the runner has seen so far of a stream of events. */
export interface Seen {
  turns: number;
  toolCalls: number;
  toolErrors: number;
  deniedTools: string[];
  lastText: string;
  /** The whole result line. */
  result: Record<string, unknown> | undefined;
  lastMessageId: string | undefined;
}

export const nothingSeen = (): Seen => ({
  turns: 0,
  toolCalls: 0,
  toolErrors: 0,
  deniedTools: [],
  lastText: "",
  result: undefined,
  lastMessageId: undefined,
});

/** Adds a line's meaning. `maxDenied` bounds the list of denied tools. */
export function addMeaning(seen: Seen, meaning: EventMeaning, maxDenied: number): void {
  if (meaning.messageId !== undefined && meaning.messageId !== seen.lastMessageId) {
    seen.lastMessageId = meaning.messageId;
    seen.turns += 1;
  }
  seen.toolCalls += meaning.toolCalls;
  seen.toolErrors += meaning.toolErrors;
  if (meaning.deniedTool && seen.deniedTools.length < maxDenied) {
    seen.deniedTools.push(oneLine(meaning.deniedTool, 200));
  }
  seen.lastText = meaning.text ?? seen.lastText;
  seen.result = meaning.result ?? seen.result;
}
