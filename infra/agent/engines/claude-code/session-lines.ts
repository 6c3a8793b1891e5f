import { sha256 } from "../../../../shared/hash.ts";
import { type Fields, fieldsIn, isFields } from "../../json.ts";
import { type Passed, textsIn } from "../../model/passed.ts";
import { blocksOf, SYNTHETIC_MODEL, stringOf } from "./stream-json.ts";

/**
 * Lines of a session's file as the runner itself put it there: what they say has passed in an
 * earlier turn.
 */
export const linesIn = (content: Buffer): ReadonlySet<string> =>
  new Set(content.toString().split("\n").map(sha256));

/**
 * The lines of a session's file that stand for something: what the model was told and what it said.
 *
 * The file becomes the memory of the next turn, and everything that the agent starts can write to
 * it. A line stays if the runner had restored it, or if all that it has for the model passed the
 * model's proxy. The command line's other notes (2.1.330: shapes of requests, its queue) are left
 * out: it goes on without them.
 *
 * @returns the file, and how many lines of a conversation were left out because they never passed.
 */
export function passedLines(
  content: Buffer,
  { passed, restored }: { passed: Passed; restored: ReadonlySet<string> },
): { content: Buffer; dropped: number } {
  const kept: Fields[] = [];
  /** Parents of lines that are left out: who came after them comes after these. */
  const parents = new Map<string, unknown>();
  let dropped = 0;
  for (const text of content.toString().split("\n")) {
    const line = fieldsIn(text);
    if (line === undefined) continue;
    const verdict = restored.has(sha256(text)) ? "kept" : judge(line, passed);
    if (verdict === "kept") {
      kept.push(line);
      continue;
    }
    if (verdict === "forged") dropped += 1;
    if (typeof line["uuid"] === "string") parents.set(line["uuid"], line["parentUuid"] ?? null);
  }
  const lines = kept.map((line) => `${JSON.stringify(withParent(line, parents))}\n`);
  return { content: Buffer.from(lines.join("")), dropped };
}

type Verdict = "kept" | "forged" | "note";

function judge(line: Fields, passed: Passed): Verdict {
  switch (line["type"]) {
    case "assistant":
      if (isFields(line["message"]) && line["message"]["model"] === SYNTHETIC_MODEL) return "note";
      return blocksOf(line).every((block) => isSaid(block, passed)) ? "kept" : "forged";
    case "user":
      return isTold(line, passed) ? "kept" : "forged";
    case "attachment": {
      const rendered = renderedIn(line);
      if (rendered.length === 0) return "note";
      return rendered.every((text) => passed.hasBeenTold(text)) ? "kept" : "note";
    }
    // What the command line counts, which decides nothing.
    case "cost-state":
      return "kept";
    case "system":
      return line["subtype"] === "compact_boundary" ? "kept" : "note";
    default:
      return "note";
  }
}

function isSaid({ type, text, input }: Fields, passed: Passed): boolean {
  if (type === "text") return passed.hasSaid(stringOf(text) ?? "");
  // Thinking is signed: the API itself refuses another's.
  return type === "tool_use" ? passed.hasCalledWith(input) : true;
}

/**
 * Whether a user's line, a prompt or results of tools, was told. A result may also be the first one
 * of a call that the model made and was not told of, as when the run's time was over: whatever a
 * tool says is the agent's word anyway.
 */
function isTold({ message }: Fields, passed: Passed): boolean {
  const content = isFields(message) ? message["content"] : undefined;
  const blocks = Array.isArray(content) ? content : [content];
  return blocks.every(
    (block) =>
      textsIn(isFields(block) ? [block] : block).every(
        (text) => INTERRUPTED.has(text) || passed.hasBeenTold(text),
      ) ||
      (isFields(block) &&
        block["type"] === "tool_result" &&
        passed.isUnanswered(String(block["tool_use_id"]))),
  );
}

/**
 * What the command line writes where somebody interrupted the model; it is told with the next
 * prompt.
 */
const INTERRUPTED = new Set([
  "[Request interrupted by user]",
  "[Request interrupted by user for tool use]",
]);

const TAGS = /^<system-reminder>\n?|\n?<\/system-reminder>\n?$/g;

function renderedIn({ rendered }: Fields): string[] {
  if (!Array.isArray(rendered)) return [];
  return rendered
    .filter(isFields)
    .flatMap(({ content }) => textsIn(content))
    .map((text) => text.replace(TAGS, ""));
}

function withParent(line: Fields, parents: ReadonlyMap<string, unknown>): Fields {
  let parent = line["parentUuid"];
  const seen = new Set<unknown>();
  while (typeof parent === "string" && parents.has(parent) && !seen.has(parent)) {
    seen.add(parent);
    parent = parents.get(parent);
  }
  return parent === line["parentUuid"] ? line : { ...line, parentUuid: parent ?? null };
}
