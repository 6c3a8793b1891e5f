import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { MARK, type Turn } from "./script.ts";

type MessageTurn = Exclude<Turn, { errorStatus: number }>;

type ContentBlock =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: unknown };

/** Anthropic's error types by status. @see https://docs.claude.com/en/api/errors */
const ERROR_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  529: "overloaded_error",
};

const id = (prefix: string): string => `${prefix}_offline_${randomBytes(9).toString("hex")}`;

/** Answers with an error in the API's form. */
export function answerError(response: ServerResponse, status: number, message: string): void {
  const error = { type: ERROR_TYPES[status] ?? "api_error", message: `${MARK} ${message}` };
  response
    .writeHead(status, { "content-type": "application/json", "request-id": id("req") })
    .end(JSON.stringify({ type: "error", error }));
}

/**
 * Answers with the turn's message: as server-sent events if `stream`, else as one JSON document.
 */
export function answerMessage(
  response: ServerResponse,
  turn: Turn,
  { model = "offline", stream }: { model: string | undefined; stream: boolean },
): void {
  if ("errorStatus" in turn) {
    const { errorStatus: status, retryAfterSeconds } = turn;
    if (retryAfterSeconds !== undefined) response.setHeader("retry-after", retryAfterSeconds);
    answerError(response, status, `error ${status}, as the prompt asked`);
    return;
  }
  const message = messageOf(turn, model);
  if (!stream) {
    response.writeHead(200, { "content-type": "application/json", "request-id": id("req") });
    response.end(JSON.stringify(message));
    return;
  }
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "request-id": id("req"),
  });
  for (const event of eventsOf(message)) {
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

function messageOf(turn: MessageTurn, model: string) {
  const content: ContentBlock[] = [];
  if (turn.text !== "") content.push({ type: "text", text: turn.text });
  if (turn.tool) content.push({ type: "tool_use", id: id("toolu"), ...turn.tool });
  return {
    id: id("msg"),
    type: "message",
    role: "assistant",
    model,
    content,
    stop_reason: turn.stopReason ?? (turn.tool ? "tool_use" : "end_turn"),
    stop_sequence: null,
    usage: {
      input_tokens: 0,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: turn.outputTokens ?? 0,
    },
  };
}

/**
 * A message as the events of its stream. @see
 * https://docs.claude.com/en/docs/build-with-claude/streaming
 */
function eventsOf(message: ReturnType<typeof messageOf>): { type: string }[] {
  const { content, stop_reason, stop_sequence, usage } = message;
  const start = { ...message, content: [], stop_reason: null };
  return [
    { type: "message_start", message: start } as { type: string },
    { type: "ping" },
    ...content.flatMap(blockEvents),
    { type: "message_delta", delta: { stop_reason, stop_sequence }, usage } as { type: string },
    { type: "message_stop" },
  ];
}

function blockEvents(block: ContentBlock, index: number): { type: string }[] {
  const [empty, deltas] =
    block.type === "text"
      ? [{ ...block, text: "" }, pieces(block.text).map((text) => ({ type: "text_delta", text }))]
      : [
          { ...block, input: {} },
          pieces(JSON.stringify(block.input)).map((partial_json) => ({
            type: "input_json_delta",
            partial_json,
          })),
        ];
  return [
    { type: "content_block_start", index, content_block: empty } as { type: string },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index } as { type: string },
  ];
}

/** Cuts a text as a model would send it: in several deltas. */
function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,400}/gu) ?? [];
}
