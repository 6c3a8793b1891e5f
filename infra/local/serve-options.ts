import { usageFault } from "../../cli/failure.ts";
import { DEFAULT_STATE } from "../../cli/typed.ts";
import { DEFAULT_SCRIPT } from "./offline-model/script.ts";

/**
 * What the sample asks for unless it is said; the offline model's script for it executes no
 * command.
 */
export const SAMPLE_PROMPT = "Create hello.txt and explain it";

/** What the help says beside the options. */
export const MORE_HELP = `
DIR/secrets.json (chmod 600) stands for Secret Manager, for agents with an environment:
  {"runyard-token": "its value"}

Without --live a script plays the model. A phrase in the prompt has it do what one wants to see happen:

${phraseList()}`;

/** The phrases of the offline model, a line each. */
function phraseList(): string {
  const width = Math.max(...DEFAULT_SCRIPT.map(({ example }) => example.length));
  return DEFAULT_SCRIPT.map(({ example, does }) => `  ${example.padEnd(width)}  ${does}`).join(
    "\n",
  );
}

/** The options of the command, as it was typed. */
export interface ServeFlags {
  prompt?: string;
  live?: boolean;
  sample?: boolean;
  once?: boolean;
  port?: string;
  state?: string;
  sandbox?: string;
  bundled?: boolean;
  iam?: boolean;
  trace?: boolean;
}

/** What they ask for. */
export interface ServeOptions {
  prompt: string;
  live: boolean;
  /** Whether to send the sample; undefined: at the first start on a state directory. */
  sample: boolean | undefined;
  once: boolean;
  /** Undefined: the default port or the next free one. */
  port: number | undefined;
  state: string;
  sandbox: "bubblewrap" | "none" | undefined;
  /** Whether what serves is built as it is deployed. */
  bundled: boolean;
  /** Whether functions and builds may call only what a deployment would let them. */
  iam: boolean;
  /** Whether each run leaves a waterfall. */
  trace: boolean;
}

/**
 * Reads what was typed.
 *
 * @throws {Failure} that names the option that is wrong
 */
export function serveOptions(flags: ServeFlags): ServeOptions {
  const { sandbox, once = false, prompt, live = false } = flags;
  const { state = DEFAULT_STATE } = flags;
  if (sandbox !== undefined && sandbox !== "bubblewrap" && sandbox !== "none") {
    throw usageFault(`--sandbox ${sandbox} is not known; use bubblewrap or none`);
  }
  const { sample = once || prompt !== undefined ? true : undefined } = flags;
  if (once && !sample) throw usageFault("--once without a sample has nothing to do");
  const port = portOf(flags.port);
  const { bundled = false, iam = false, trace = false } = flags;
  const sent = prompt ?? SAMPLE_PROMPT;
  return { once, live, state, sample, prompt: sent, port, sandbox, bundled, iam, trace };
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw usageFault(`--port ${text} is not a port; use a number from 1 to 65535`);
}
