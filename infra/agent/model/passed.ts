import { sha256 } from "../../../shared/hash.ts";
import { cutText } from "../../../shared/text.ts";
import { isFields } from "../json.ts";
import { shownInput } from "../tool-input.ts";

/**
 * What passed between an agent and its model. The agent's own account of it can be forged by
 * whatever the agent starts, since all of that has one user; this cannot.
 */
export interface Passed {
  /** Answers that the API has begun to give, and with it taken what the model was told. */
  begun: number;
  /** Answers of the model that were complete. */
  answers: number;
  toolCalls: number;
  /** The last words of the model, of at most {@link LAST_WORDS_BYTES}. */
  lastWords: string;
  /** Whether the model has said exactly this, but for white space around it. */
  hasSaid(text: string): boolean;
  /** Whether the model has called a tool with exactly this. */
  hasCalledWith(input: unknown): boolean;
  /** Whether the model has made this call and was not told its result. */
  isUnanswered(callId: string): boolean;
  /** A call that the model has made; undefined: it has made none of this id. */
  call(callId: string): ModelCall | undefined;
  /**
   * What the model was told of calls of its own that failed, by their ids; the first {@link
   * REASON_LENGTH}.
   */
  failures: ReadonlyMap<string, string>;
  /**
   * Statuses of errors that the agent was answered with; {@link BROKEN_OFF} for an answer that
   * broke off.
   */
  errors: ReadonlySet<number>;
  /** Why answers ended, in the API's words. */
  stopReasons: ReadonlySet<string>;
  /** Whether the model was told this: as a text of its own, or within one of ours. */
  hasBeenTold(text: string): boolean;
}

/** A tool call of a model. */
interface ModelCall {
  tool: string;
  /** The part of its input that says most, cut. */
  input: string;
}

/** The same, as it grows. */
export interface PassedRecord extends Passed {
  /** Is told of each answer that was complete. Default: nobody is. */
  onAnswer(): void;
  /** Takes a request's messages, once the API has begun to answer it. */
  addTold(messages: unknown): void;
  add(content: readonly AnswerBlock[]): void;
  addStopReason(reason: string): void;
  addError(status: number): void;
}

/** A block of an answer's content. */
export type AnswerBlock =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: unknown }
  | { type: "other" };

export const BROKEN_OFF = 0;
const LAST_WORDS_BYTES = 64 * 1024;
/** Characters that are kept of why a call failed. */
const REASON_LENGTH = 5_000;
/**
 * Texts of the command line itself, in which it puts several together: as many, and of such a
 * length.
 */
const SYSTEM_TEXTS = 100;
const SYSTEM_TEXT_LENGTH = 256 * 1024;

/** @param hide puts out of a text what nobody may see, as was done with the agent's own account. */
export function recordPassed(hide: (text: string) => string): PassedRecord {
  const said = new Set<string>();
  const inputs = new Set<string>();
  const calls = new Map<string, ModelCall>();
  const answered = new Set<string>();
  const failures = new Map<string, string>();
  const errors = new Set<number>();
  const stopReasons = new Set<string>();
  const told = new Set<string>();
  const ofSystem = new Set<string>();
  const record: PassedRecord = {
    begun: 0,
    answers: 0,
    toolCalls: 0,
    onAnswer() {},
    lastWords: "",
    hasSaid: (text) => said.has(sha256(text.trim())),
    hasCalledWith: (input) => inputs.has(sha256(canonical(input))),
    isUnanswered: (callId) => calls.has(callId) && !answered.has(callId),
    call: (callId) => calls.get(callId),
    failures,
    errors,
    stopReasons,
    hasBeenTold(text) {
      const wanted = text.trim();
      return told.has(sha256(wanted)) || [...ofSystem].some((whole) => whole.includes(wanted));
    },
    addStopReason: (reason) => void stopReasons.add(reason),
    addError: (status) => void errors.add(status),
    addTold(messages) {
      record.begun += 1;
      for (const { id, reason } of answersIn(messages)) {
        answered.add(id);
        if (reason !== undefined && calls.has(id) && !failures.has(id)) failures.set(id, reason);
      }
      for (const { text, isOfSystem } of textsOf(messages)) {
        told.add(sha256(text.trim()));
        if (isOfSystem && text.length <= SYSTEM_TEXT_LENGTH && ofSystem.size < SYSTEM_TEXTS) {
          ofSystem.add(text);
        }
      }
    },
    add(content) {
      record.answers += 1;
      const texts = content.flatMap((block) => (block.type === "text" ? [block.text.trim()] : []));
      for (const text of resultsOf(texts)) addDigests(said, text, hide);
      const last = texts.filter(Boolean).at(-1);
      if (last !== undefined) record.lastWords = cutText(hide(last), LAST_WORDS_BYTES);
      for (const block of content) {
        if (block.type !== "tool_use") continue;
        record.toolCalls += 1;
        calls.set(block.id, { tool: block.name, input: hide(shownInput(block.input)) });
        addDigests(inputs, canonical(block.input), hide);
      }
      record.onAnswer();
    },
  };
  return record;
}

/** Adds the digests of a text as it passed and as it is shown. */
function addDigests(digests: Set<string>, text: string, hide: (text: string) => string): void {
  for (const one of [text, hide(text)]) digests.add(sha256(one.trim()));
}

/** What a message's result may be: its texts together, or one of them. */
const resultsOf = (texts: readonly string[]): string[] => [
  ...texts,
  ...["", "\n", "\n\n"].map((between) => texts.join(between)),
];

/** JSON text in which the order of an object's names does not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

type Told = { text: string; isOfSystem: boolean };

/** All texts that messages tell the model, with those inside results of tools. */
function textsOf(messages: unknown): Told[] {
  if (!Array.isArray(messages)) return [];
  return messages
    .filter(isFields)
    .flatMap(({ role, content }) =>
      textsIn(content).map((text) => ({ text, isOfSystem: role === "system" })),
    );
}

/** The calls whose results messages tell; `reason`: what is told of one that failed. */
function answersIn(messages: unknown): { id: string; reason?: string }[] {
  const blocks = (Array.isArray(messages) ? messages : []).flatMap((message) =>
    isFields(message) && Array.isArray(message["content"]) ? message["content"] : [],
  );
  return blocks
    .filter((block) => isFields(block) && block["type"] === "tool_result")
    .map(({ tool_use_id, is_error, content }) => ({
      id: String(tool_use_id),
      ...(is_error === true && { reason: textsIn(content).join("\n").slice(0, REASON_LENGTH) }),
    }));
}

/** The texts of a message's content, with those inside results of tools; an image is its source. */
export function textsIn(content: unknown): string[] {
  if (typeof content === "string") return [content];
  if (!Array.isArray(content)) return [];
  return content.filter(isFields).flatMap(({ type, text, content: inner, source }) => {
    if (type === "text") return [String(text)];
    if (isFields(source)) return [JSON.stringify(source)];
    return textsIn(inner);
  });
}
