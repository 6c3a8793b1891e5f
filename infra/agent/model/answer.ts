import { createParser } from "eventsource-parser";
import { type Fields, fieldsIn, isFields } from "../json.ts";
import type { AnswerBlock } from "./passed.ts";

/** What an answer of the Messages API said, once it is over. */
export interface Answer {
  /** Whether it came to its end. */
  isWhole: boolean;
  /** As the API counted; of a stream the counts of its last event that has some. */
  usage: Record<string, unknown> | undefined;
  content: AnswerBlock[];
  /** The API's word for why it ended, if it said one. */
  stopReason?: string;
}

/** Reads an answer while it passes. */
export interface AnswerReader {
  take(chunk: Buffer): void;
  /** Whether what was taken so far is all of it. Of a document only its end tells. */
  isOver(): boolean;
  end(): Answer;
}

/** An answer longer than this is passed on and not read: what was set aside for it counts. */
const MAX_BYTES = 64 * 1024 * 1024;

/** A reader for the answer's content type. */
export function readAnswer(contentType: string): AnswerReader {
  const reader = /^text\/event-stream\b/i.test(contentType) ? readStream() : readDocument();
  let bytes = 0;
  return {
    take(chunk) {
      bytes += chunk.length;
      if (bytes <= MAX_BYTES) reader.take(chunk);
    },
    isOver: reader.isOver,
    end: () =>
      bytes <= MAX_BYTES ? reader.end() : { isWhole: false, usage: undefined, content: [] },
  };
}

function readDocument(): AnswerReader {
  const chunks: Buffer[] = [];
  return {
    take: (chunk) => void chunks.push(chunk),
    isOver: () => false,
    end() {
      const message = fieldsIn(Buffer.concat(chunks).toString());
      const content = Array.isArray(message?.["content"]) ? message["content"] : [];
      return {
        isWhole: message !== undefined,
        usage: fieldsOf(message?.["usage"]),
        content: content.map((block) => blockOf(fieldsOf(block) ?? {})),
        ...stopReasonIn(message),
      };
    },
  };
}

function stopReasonIn(value: unknown): Pick<Answer, "stopReason"> {
  const reason = fieldsOf(value)?.["stop_reason"];
  return typeof reason === "string" ? { stopReason: reason } : {};
}

function blockOf(block: Fields, json?: string): AnswerBlock {
  if (block["type"] === "text") return { type: "text", text: String(block["text"] ?? "") };
  if (block["type"] !== "tool_use") return { type: "other" };
  const id = String(block["id"]);
  const name = String(block["name"]);
  return {
    type: "tool_use",
    id,
    name,
    input: json ? (fieldsIn(json) ?? json) : (block["input"] ?? {}),
  };
}

/** @see https://docs.claude.com/en/docs/build-with-claude/streaming */
function readStream(): AnswerReader {
  const blocks: { block: Fields; text: string; json: string }[] = [];
  const answer: Answer = { isWhole: false, usage: undefined, content: [] };
  const count = (usage: unknown): void => {
    const counts = Object.entries(fieldsOf(usage) ?? {}).filter(([, value]) => value != null);
    if (counts.length > 0) answer.usage = { ...answer.usage, ...Object.fromEntries(counts) };
  };
  const onEvent = (event: Fields): void => {
    const index = Number(event["index"]);
    switch (event["type"]) {
      case "message_start":
        count(fieldsOf(event["message"])?.["usage"]);
        break;
      case "content_block_start": {
        const block = fieldsOf(event["content_block"]) ?? {};
        blocks[index] = { block, text: String(block["text"] ?? ""), json: "" };
        break;
      }
      case "content_block_delta": {
        const { text = "", partial_json = "" } = fieldsOf(event["delta"]) ?? {};
        const open = blocks[index];
        if (open) open.text += String(text);
        if (open) open.json += String(partial_json);
        break;
      }
      case "message_delta":
        Object.assign(answer, stopReasonIn(event["delta"]));
        count(event["usage"]);
        break;
      case "message_stop":
        answer.isWhole = true;
        break;
    }
  };
  const decoder = new TextDecoder();
  const parser = createParser({
    onEvent({ data }) {
      const event = fieldsIn(data);
      if (event) onEvent(event);
    },
  });
  return {
    take: (chunk) => parser.feed(decoder.decode(chunk, { stream: true })),
    isOver: () => answer.isWhole,
    end: () => ({
      ...answer,
      content: blocks
        .filter(Boolean)
        .map(({ block, text, json }) =>
          blockOf(block["type"] === "text" ? { ...block, text } : block, json),
        ),
    }),
  };
}

const fieldsOf = (value: unknown): Fields | undefined => (isFields(value) ? value : undefined);
