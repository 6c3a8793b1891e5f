import { Readable } from "node:stream";
import type { Command } from "commander";
import type { RunEvent } from "../../client/types.ts";
import { writeContent } from "../content.ts";
import { untilDetached } from "../follow/detach.ts";
import { reopened } from "../follow/reopened.ts";
import { EVENT_FIELDS, jsonPrinter } from "../json.ts";
import { type CliContext, remote, runId, type Session } from "../session.ts";
import { withJson } from "../settings-flags.ts";
import { indented, oneLine, say } from "../terminal.ts";
import { usd } from "../text.ts";

/** `runyard logs` and `transcript`: what a run said. */
export function addTexts(program: Command, context: CliContext): void {
  const logs = program
    .command("logs")
    .description("Prints the log of a run's builds.")
    .argument("<run>", "the run's id", runId)
    .option("-f, --follow", "stay until the run is over");
  remote<{ follow?: boolean }, [string]>(logs, context, ({ session, args, options }) =>
    untilDetached({ ...session, words: ["logs", "-f", args[0]] }, async (signal) => {
      const pieces = options.follow
        ? followedLog(session, args[0], signal)
        : logPieces(await session.client.runs.logs(args[0], { signal }));
      await writeContent(pieces);
    }),
  );
  const transcript = program
    .command("transcript")
    .description(
      "Prints what an agent said and did, from its events; of a run at work it goes on until that is over.",
    )
    .argument("<run>", "the run's id", runId);
  withJson(transcript, "the events");
  remote<object, [string]>(transcript, context, ({ session, args, options }) =>
    untilDetached({ ...session, words: ["transcript", args[0]] }, async (signal) => {
      const print = jsonPrinter(options.json, EVENT_FIELDS);
      for await (const event of events(session, args[0], signal)) {
        if (print) print(event);
        else sayEvent(event);
      }
    }),
  );
}

type Pieces = AsyncGenerator<Uint8Array, void>;

async function* logPieces({ body }: Response): Pieces {
  if (body !== null) yield* Readable.fromWeb(body) as AsyncIterable<Uint8Array>;
}

/** A run's log until it is over, each byte once, also when the server is lost in between. */
async function* followedLog(session: Session, id: string, signal: AbortSignal): Pieces {
  let given = 0;
  const pieces = reopened(session, signal, async function* (client, open) {
    const answer = await client.runs.logs(id, { follow: true, signal: open });
    // That there is an answer, for a log that has nothing yet.
    yield new Uint8Array();
    let known = given;
    for await (const piece of logPieces(answer)) {
      yield piece.subarray(known);
      known = Math.max(0, known - piece.length);
    }
  });
  for await (const piece of pieces) {
    given += piece.length;
    yield piece;
  }
}

/** The events of a run, each once, also when the server is lost in between. */
async function* events(session: Session, id: string, signal: AbortSignal) {
  let after: string | undefined;
  for await (const event of reopened(session, signal, (client, open) =>
    client.follow(id, { after, signal: open }),
  )) {
    after = event.id;
    yield event;
  }
}

function sayEvent(event: RunEvent): void {
  const text = transcriptText(event);
  if (text !== undefined) say(text);
}

/**
 * An event for a person; one that is not known here, as a newer server may send, by its name.
 * Undefined: it says nothing that others do not.
 */
export function transcriptText({ event }: RunEvent): string | undefined {
  switch (event.type) {
    case "text":
      return `\n${event.text.trimEnd()}\n`;
    case "tool":
      return `  ${oneLine(event.tool)}  ${indented(event.input, 4)}`;
    case "tool_result":
      return `    ${event.isError ? "failed" : "gave"} after ${event.ms} ms: ${indented(beginning(event.preview), 6)}`;
    case "denied":
      return `  denied: ${oneLine([event.tool, event.input].filter(Boolean).join("  "))}`;
    case "phase":
      return event.state === "started" ? undefined : phaseText(event);
    case "changes":
      return `  changed: ${event.files} files, +${event.added} -${event.removed}`;
    case "usage":
      return undefined;
    case "retry":
      return `  again: ${oneLine(event.text)}`;
    case "refused":
      return `  refused: ${oneLine(event.text)}`;
    case "cost":
      return `  cost: ${usd(event.costUsd)} in ${event.turns} turns`;
    case "status":
      return `[${oneLine(event.status)}] ${oneLine(event.why)}`;
    default:
      return `  (${oneLine((event as { type: string }).type)})`;
  }
}

const SHOWN_LINES = 5;

/** The first lines of a text, and whether there are more. */
function beginning(text: string): string {
  const lines = text.trimEnd().split("\n");
  return lines.length <= SHOWN_LINES
    ? lines.join("\n")
    : [...lines.slice(0, SHOWN_LINES), "…"].join("\n");
}

function phaseText({ name, state, ms }: { name: string; state: string; ms?: number }): string {
  const time = ms === undefined ? "" : `, ${ms} ms`;
  return `(${oneLine(name)} ${oneLine(state)}${time})`;
}
