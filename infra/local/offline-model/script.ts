import { HANDED_BACK } from "../../../shared/attempt/handed-back-words.ts";
import { sha256 } from "../../../shared/hash.ts";
import { minimalInstance } from "./minimal-instance.ts";

/** A tool that the request offers. */
export interface OfferedTool {
  name: string;
  schema: unknown;
}

/** What the script knows when it has to answer. */
export interface Situation {
  /** The latest prompt of the user, exactly as it arrived. */
  prompt: string;
  /** The ones before it in the same session, oldest first. */
  earlierPrompts: readonly string[];
  /** The model's name, as the request has it. */
  model: string;
  /** Answers given since that prompt. */
  turn: number;
  /** The agent's working directory, as its command line told the model. */
  workingDirectory: string;
  tools: readonly OfferedTool[];
  /** Results of tools since that prompt, latest last. */
  toolResults: readonly { text: string; isError: boolean }[];
}

/** One answer of the model, or an API error instead of one. */
export type Turn =
  | {
      text: string;
      tool?: { name: string; input: unknown };
      stopReason?: "end_turn" | "tool_use" | "refusal";
      /** Tokens to report. Default 0: no model was asked, so nothing is charged. */
      outputTokens?: number;
    }
  | { errorStatus: number; retryAfterSeconds?: number };

/** What happens for a prompt that `phrase` matches: its turns in order; the last one repeats. */
interface Scenario {
  name: string;
  phrase: RegExp;
  /** A prompt with the phrase, for people. */
  example: string;
  /** What a prompt with the phrase does, for people. */
  does: string;
  turns(match: RegExpMatchArray, situation: Situation): readonly Turn[];
}

/** Scenarios in the order in which they are tried. The last one matches everything. */
export type Script = readonly Scenario[];

/** Stands at the start of each answer. */
export const MARK = "[offline]";
const NOBODY = "No model was asked; this is Runyard's offline script.";

const say = (text: string): Turn => ({ text: `${MARK} ${text}` });
const use = (name: string, input: unknown, text: string): Turn => ({
  ...say(text),
  tool: { name, input },
});
const bash = (input: { command: string; timeout?: number }, text: string): Turn =>
  use("Bash", { ...input, description: text }, text);

/**
 * Claude Code refuses a standalone `sleep`; this waits as long. Its own limit of a command is 10
 * minutes.
 */
function waitFor(seconds: number): Turn {
  const command = `timeout ${seconds} tail -f /dev/null; true`;
  return bash({ command, timeout: Math.min(600_000, seconds * 1000 + 10_000) }, "Waiting.");
}

function describePrompt(prompt: string): string {
  const bytes = Buffer.from(prompt);
  const start = JSON.stringify(bytes.subarray(0, 40).toString());
  return `The prompt has ${bytes.length} byte${bytes.length === 1 ? "" : "s"}, SHA-256 ${sha256(bytes)}, and begins with ${start}. ${NOBODY}`;
}

/** The start of a text, on one line. */
const startOf = (text: string): string => JSON.stringify(Array.from(text).slice(0, 200).join(""));

function recall({ earlierPrompts }: Situation): string {
  const asked = earlierPrompts.map(startOf);
  return asked.length === 0
    ? `You asked nothing before. ${NOBODY}`
    : `You asked before: ${asked.join(", then ")}. ${NOBODY}`;
}

/** `text`, or, when the tool before it failed, what it answered. */
function unlessFailed(text: string, { toolResults }: Situation): Turn {
  const last = toolResults.at(-1);
  return say(last?.isError ? `The tool answered with an error: ${last.text} ${NOBODY}` : text);
}

/** Claude Code offers the tools of MCP servers only once the model has asked for them by name. */
function searchFor(name: string, { tools }: Situation): Turn[] {
  if (!(name.startsWith("mcp__") && tools.some((tool) => tool.name === "ToolSearch"))) return [];
  return [use("ToolSearch", { query: `select:${name}`, max_results: 1 }, `Looking for ${name}.`)];
}

/** A call of any tool, its input as JSON text. */
function callOf(name: string, input: string): Turn {
  try {
    return use(name, JSON.parse(input), `Calling ${name}.`);
  } catch {
    return say(`I wanted to call ${name}, but its input is no JSON. ${NOBODY}`);
  }
}

/**
 * The command of a prompt, or, when checks are handed back, what the prompt before says to mend
 * them with.
 */
function mending(command: string | undefined, situation: Situation): Turn[] {
  const asked = situation.earlierPrompts.findLast((prompt) => /\nmend: /.test(prompt));
  const mend = asked?.slice(asked.lastIndexOf("\nmend: ") + "\nmend: ".length);
  const next = command ?? mend;
  if (next === undefined) return [say(`I do not know how to mend that. ${NOBODY}`)];
  return [
    bash({ command: next }, command === undefined ? "Mending it." : "Running the command."),
    unlessFailed(`The command answered:\n${situation.toolResults.at(-1)?.text}`, situation),
  ];
}

/** What the offline model does. People choose a scenario by a phrase in their prompt. */
export const DEFAULT_SCRIPT: Script = [
  {
    name: "mend",
    phrase: new RegExp(`^\\s*run: (.+)\\nmend: (.+)$|^${HANDED_BACK}`, "s"),
    example: "run: ls -la\\nmend: …",
    does: "the same, and the last line when checks did not pass and are handed back",
    turns: ([, command], situation) => mending(command, situation),
  },
  {
    name: "run",
    phrase: /^\s*run: (.+)$/ms,
    example: "run: ls -la",
    does: "runs the rest as a shell command, and answers with what it printed",
    turns: ([, command = ""], situation) => [
      bash({ command }, "Running the command of the prompt."),
      unlessFailed(`The command answered:\n${situation.toolResults.at(-1)?.text}`, situation),
    ],
  },
  {
    name: "run one after the other",
    phrase: /^\s*run each:\n(.+)$/s,
    example: "run each:\\n…",
    does: "the following lines as commands, a turn each",
    turns: ([, lines = ""], situation) => [
      ...lines.split("\n").map((command) => bash({ command }, `Running ${startOf(command)}.`)),
      unlessFailed(`The last command answered:\n${situation.toolResults.at(-1)?.text}`, situation),
    ],
  },
  {
    name: "fail",
    phrase:
      /\bfail with (400|401|403|404|413|429|500|529)\b(?:, retry after (\d{1,5}) seconds?\b)?/i,
    example: "fail with 429, retry after 9 seconds",
    does: "error 400, 401, 403, 404, 413, 429, 500 or 529 (Retry-After)",
    turns: ([, status, seconds]) => [
      {
        errorStatus: Number(status),
        ...(seconds !== undefined && { retryAfterSeconds: Number(seconds) }),
      },
    ],
  },
  {
    name: "overload a model",
    phrase: /\b(\S+) is overloaded\b/i,
    example: "opus is overloaded",
    does: "models with this in their name are overloaded (529); a fallback takes over",
    turns: ([, name = ""], { model }) => [
      model.includes(name) ? { errorStatus: 529 } : say(`${model} took over. ${NOBODY}`),
    ],
  },
  {
    name: "call",
    phrase: /^\s*call: (\S+) (\{.*\})\s*$/s,
    example: 'call: Read {"file_path": "hello.txt"}',
    does: "calls a tool, also one of an MCP server (mcp__SERVER__TOOL)",
    turns: ([, name = "", input = ""], situation) => [
      ...searchFor(name, situation),
      callOf(name, input),
      unlessFailed(`The tool answered: ${situation.toolResults.at(-1)?.text}`, situation),
    ],
  },
  {
    name: "say nothing",
    phrase: /\bsay nothing\b/i,
    example: "say nothing",
    does: "ends without an answer",
    turns: () => [{ text: "" }],
  },
  {
    name: "refuse",
    phrase: /^\s*refuse\b/i,
    example: "refuse",
    does: "the model refuses; must come first in the prompt",
    turns: () => [{ ...say("I refuse, as asked."), stopReason: "refusal" }],
  },
  {
    name: "recall",
    phrase: /\bwhat did I ask before\b/i,
    example: "what did I ask before",
    does: "answers with the earlier prompts of the conversation",
    turns: (_match, situation) => [say(recall(situation))],
  },
  {
    name: "echo",
    phrase: /\becho\b/i,
    example: "echo",
    does: "answers with size, SHA-256 and beginning of the prompt",
    turns: (_match, situation) => [say(describePrompt(situation.prompt))],
  },
  {
    name: "wait",
    phrase: /\bwait (\d{1,5}) seconds?\b/i,
    example: "wait 30 seconds",
    does: "a command that takes so long",
    turns: ([, seconds], situation) => [
      waitFor(Number(seconds)),
      unlessFailed(`I waited ${seconds} s. ${NOBODY}`, situation),
    ],
  },
  {
    name: "spend",
    phrase: /\bspend (\d{1,9}) tokens\b/i,
    example: "spend 1000 tokens",
    does: "an answer that counts as so many tokens, for budgets",
    turns: ([, tokens]) => [
      {
        ...say(`I report ${tokens === "1" ? "1 token" : `${tokens} tokens`}. ${NOBODY}`),
        outputTokens: Number(tokens),
      },
    ],
  },
  {
    name: "hello",
    phrase: /^/,
    example: "anything else",
    does: "writes hello.txt",
    turns: (_match, situation) => [
      use(
        "Write",
        { file_path: `${situation.workingDirectory}/hello.txt`, content: "Hello from Runyard.\n" },
        "I will write hello.txt.",
      ),
      unlessFailed(
        `I wrote hello.txt with one line. ${NOBODY} For a real one: npx runyard start --live`,
        situation,
      ),
    ],
  },
];

/**
 * The script's answer to a situation. A tool that is not offered is not called: the answer says so.
 * The last turn also answers through `StructuredOutput` where that tool is offered.
 */
export function nextTurn(script: Script, situation: Situation): Turn {
  for (const scenario of script) {
    const match = situation.prompt.match(scenario.phrase);
    if (match === null) continue;
    const turns = scenario.turns(match, situation);
    const turn = turns[Math.min(situation.turn, turns.length - 1)] ?? say(NOBODY);
    const isLast = situation.turn >= turns.length - 1;
    return offered(isLast ? withStructuredOutput(turn, situation) : turn, situation);
  }
  return say(NOBODY);
}

function offered(turn: Turn, { tools }: Situation): Turn {
  if ("errorStatus" in turn || turn.tool === undefined) return turn;
  const { name } = turn.tool;
  if (tools.some((tool) => tool.name === name)) return turn;
  return say(`I wanted to call ${name}, but that tool is not offered. ${NOBODY}`);
}

function withStructuredOutput(turn: Turn, { tools, toolResults }: Situation): Turn {
  const tool = tools.find(({ name }) => name === "StructuredOutput");
  if ("errorStatus" in turn || turn.text === "" || turn.tool || turn.stopReason) return turn;
  if (tool === undefined || toolResults.some(({ text }) => /structured output/i.test(text))) {
    return turn;
  }
  return { ...turn, tool: { name: tool.name, input: minimalInstance(tool.schema) } };
}
