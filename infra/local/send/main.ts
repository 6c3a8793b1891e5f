import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { readKey, readServerAddress } from "../state/directory.ts";
import { complain, say } from "../terminal.ts";
import { followRun } from "./follow.ts";
import { sendRun } from "./send-run.ts";

// Google's clients would otherwise look for a metadata server and wait for it.
process.env["METADATA_SERVER_DETECTION"] = "none";

const HELP = `Sends a prompt to a running Runyard and follows the run.

  npm run send -- "prompt" [--state DIR]

  --state DIR   state directory of the server (default .runyard)
  --help        this text

Exit status: 0 if the run succeeded, 1 if it did not or could not be sent.
Ctrl-C stops following; the run goes on.`;

const OPTIONS = {
  state: { type: "string", default: ".runyard" },
  help: { type: "boolean" },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  if (values.help) {
    say(HELP);
    return 0;
  }
  const prompt = positionals.join(" ");
  if (prompt.trim() === "") {
    complain(`What shall the agent do?\n\n${HELP}`);
    return 1;
  }
  const directory = resolve(values.state);
  const server = readServerAddress(directory);
  const key = readKey(directory);
  if (server === undefined || key === undefined) {
    complain(`No server runs on ${directory}. Start one with: npm start`);
    return 1;
  }
  const run = await sendRun({ apiUrl: server.apiUrl, key }, { prompt });
  say(run.id);
  const ended = await followRun(server, run.id);
  return ended.status === "succeeded" ? 0 : 1;
}

process.exitCode = await main().catch((error: Error & { cause?: { code?: string } }) => {
  const refused = error.cause?.code === "ECONNREFUSED";
  complain(refused ? "The server does not answer. Start it with: npm start" : error.message);
  return 1;
});
