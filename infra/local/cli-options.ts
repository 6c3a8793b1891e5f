import { parseArgs } from "node:util";

export const HELP = `Starts Runyard on this machine: the functions and a stand-in of the four Google services
that they use. Sends a sample run, shows it, then serves until Ctrl-C.

  npm start -- [options]

  --prompt TEXT    what the sample asks for
  --live           use the real model; needs ANTHROPIC_API_KEY (and honours ANTHROPIC_BASE_URL)
  --no-sample      only serve
  --once           end after the sample; exit status 1 if it did not succeed
  --port N         port of the API (default 8080, or the next that is free)
  --state DIR      where everything is kept (default .runyard)
  --sandbox MODE   bubblewrap, or none: agents then run as you, with all that you may do
  --help           this text

DIR/secrets.json (chmod 600) stands for Secret Manager, for agents with an environment:
  {"runyard-token": "its value"}`;

/** What the command line asks for. */
export interface CliOptions {
  help: boolean;
  prompt: string;
  live: boolean;
  sample: boolean;
  once: boolean;
  /** Undefined: the default port or the next free one. */
  port: number | undefined;
  state: string;
  sandbox: "bubblewrap" | "none" | undefined;
}

/**
 * Reads the command line.
 *
 * @throws {Error} that names the argument that is wrong
 */
export function parseCli(args: string[]): CliOptions {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      prompt: { type: "string", default: "Create hello.txt and explain it" },
      live: { type: "boolean", default: false },
      sample: { type: "boolean", default: true },
      once: { type: "boolean", default: false },
      port: { type: "string" },
      state: { type: "string", default: ".runyard" },
      sandbox: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const { sandbox } = values;
  if (sandbox !== undefined && sandbox !== "bubblewrap" && sandbox !== "none") {
    throw new Error(`--sandbox ${sandbox} is not known; use bubblewrap or none`);
  }
  if (values.once && !values.sample) throw new Error("--once without a sample has nothing to do");
  return { ...values, port: portOf(values.port), sandbox };
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new Error(`--port ${text} is not a port; use a number from 1 to 65535`);
}
