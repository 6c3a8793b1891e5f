import type { OfferedTool, Situation } from "./script.ts";

/** The fields of a Messages API request that the offline model reads. */
export interface MessagesRequest {
  model?: string;
  stream?: boolean;
  system?: unknown;
  messages?: readonly Message[];
  tools?: readonly { name?: string; input_schema?: unknown }[];
}

interface Message {
  role?: string;
  content?: string | readonly Block[];
}

interface Block {
  type?: string;
  text?: string;
  content?: unknown;
  is_error?: boolean;
}

/** Texts that Claude Code puts into user messages by itself. */
const INTERNAL_TEXT =
  /^(Tool loaded\.$|<system-reminder>|\[structured-output-enforce\]|\[Request interrupted|\[Your previous response had no visible output|Your response above was stopped by a safety)/;
const WORKING_DIRECTORY = /Primary working directory: ([^\n]+)/g;

const blocksOf = (message: Message): readonly Block[] =>
  typeof message.content === "string"
    ? [{ type: "text", text: message.content }]
    : (message.content ?? []);

/** The user's own words in a message, or undefined if it holds only tool results and reminders. */
function promptOf(message: Message): string | undefined {
  if (message.role !== "user") return undefined;
  return blocksOf(message).findLast(
    ({ type, text }) => type === "text" && text !== undefined && !INTERNAL_TEXT.test(text),
  )?.text;
}

/** Reads out of a request what the script decides by. */
export function situationOf(request: MessagesRequest): Situation {
  const messages = request.messages ?? [];
  const at = messages.findLastIndex((message) => promptOf(message) !== undefined);
  const prompt = at < 0 ? undefined : promptOf(messages[at] as Message);
  const later = messages.slice(at + 1);
  return {
    prompt: prompt ?? "",
    earlierPrompts: messages
      .slice(0, Math.max(0, at))
      .flatMap((message) => promptOf(message) ?? []),
    model: request.model ?? "",
    turn: later.filter(({ role }) => role === "assistant").length,
    workingDirectory: workingDirectoryOf(request),
    tools: toolsOf(request),
    toolResults: later.flatMap(blocksOf).flatMap(toolResultOf),
  };
}

const toolsOf = (request: MessagesRequest): OfferedTool[] =>
  (request.tools ?? []).map(({ name = "", input_schema }) => ({ name, schema: input_schema }));

function toolResultOf({ type, content, is_error = false }: Block): Situation["toolResults"] {
  if (type !== "tool_result") return [];
  const blocks = (Array.isArray(content) ? content : [{ text: content }]) as Block[];
  return [{ text: blocks.map(({ text }) => text ?? "").join(""), isError: is_error }];
}

/** The latest one named: a session that moved tells the model where it is now. */
function workingDirectoryOf(request: MessagesRequest): string {
  const system = (request.messages ?? []).filter(({ role }) => role === "system").flatMap(blocksOf);
  const texts = [...(Array.isArray(request.system) ? request.system : []), ...system] as Block[];
  const named = texts.flatMap(({ text = "" }) => [...text.matchAll(WORKING_DIRECTORY)]);
  return named.at(-1)?.[1] ?? ".";
}
