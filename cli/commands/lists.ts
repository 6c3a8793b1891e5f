import type { Command } from "commander";
import type { Client } from "../../client/client.ts";
import type { Conversation, Run } from "../../client/types.ts";
import { fitted, padded, table } from "../columns.ts";
import { EXIT } from "../exit-codes.ts";
import { usageFault } from "../failure.ts";
import { untilDetached } from "../follow/detach.ts";
import { reopened } from "../follow/reopened.ts";
import { CONVERSATION_FIELDS, type JsonPrinter, jsonPrinter, RUN_FIELDS } from "../json.ts";
import { type CliContext, remote, type Session } from "../session.ts";
import { count, withJson } from "../settings-flags.ts";
import { complain, jsonLine, oneLine, printable, say, widthOf } from "../terminal.ts";
import { clockOf, usd } from "../text.ts";

/** `runyard list` and `conversations`. */
export function addLists(program: Command, context: CliContext): void {
  addList(program, context);
  addConversations(program, context);
}

interface ListFlags {
  status?: NonNullable<Parameters<Client["runs"]["list"]>[0]>["status"];
  agent?: string;
  conversation?: string;
  label?: string;
  from?: string;
  to?: string;
  archived?: boolean;
  follow?: boolean;
  limit: string;
}

function addList(program: Command, context: CliContext): void {
  const command = program
    .command("list")
    .description("Lists runs, newest first.")
    .option("--status <STATUS>", "runs in this status")
    .option("--agent <ID>", "runs of this agent, by id or name")
    .option("--conversation <ID>", "turns of this conversation")
    .option("--label <KEY=VALUE>", "runs with this label")
    .option("--from <WHEN>", "accepted then or later: 2027-01-31, or 2027-01-31T12:00:00Z")
    .option("--to <WHEN>", "accepted before")
    .option("--archived", "archived ones too")
    .option("--follow", "oldest first, and then each that is new or changes, until Ctrl-C");
  limitOption(command);
  withJson(command, "runs");
  remote<ListFlags, []>(command, context, async ({ session, options }) => {
    const limit = count("--limit", options.limit);
    const print = jsonPrinter(options.json, RUN_FIELDS);
    const given = Object.entries(filterOf(options)).filter(([, value]) => value !== undefined);
    const filter: Filter = Object.fromEntries(given);
    if (options.follow) {
      const back = { words: context.words, place: {} };
      return untilDetached(back, (signal) => followList(session, { filter, limit, print }, signal));
    }
    const runs = await firstOf(session.client.runs.list(pageOf(filter, limit)), limit, print);
    if (!print) sayTable(HEAD, runs.map(rowOf), "There are no such runs.");
    return EXIT.done;
  });
}

type Filter = NonNullable<Parameters<Client["runs"]["list"]>[0]>;

const limitOption = (command: Command): Command =>
  command.option("--limit <N>", "at most so many", "20");

function filterOf({ status, agent, conversation, label, from, to, archived }: ListFlags) {
  return {
    ...{ status, agent, conversation, label: label?.replace("=", ":") },
    ...{ from: instantOf("--from", from), to: instantOf("--to", to) },
    archived: archived ? "true" : undefined,
  };
}

/** An instant as the API takes it; a day is its beginning, in UTC. */
function instantOf(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const isOne = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text);
  const ms = isOne ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw usageFault(
    `${flag} ${oneLine(text)} is no instant; say 2027-01-31, or 2027-01-31T12:00:00Z`,
  );
}

const MOST_OF_A_PAGE = 100;

const pageOf = <T extends object>(filter: T, limit: number): T & { pageSize: number } => ({
  ...filter,
  pageSize: Math.max(1, Math.min(limit, MOST_OF_A_PAGE)),
});

/** The first of a list, each printed as it comes. */
async function firstOf<T extends object>(
  list: AsyncIterable<T>,
  limit: number,
  print?: JsonPrinter,
): Promise<T[]> {
  const items: T[] = [];
  if (limit === 0) return items;
  for await (const item of list) {
    print?.(item);
    items.push(item);
    if (items.length >= limit) break;
  }
  return items;
}

const HEAD = ["ID", "STATUS", "TIME", "COST", "CREATED", "PROMPT"];
/** Columns of what comes one by one, whose widths are not known before. */
const WIDTHS = [26, 10, 7, 9, 16];

const shown = (row: string[]): string[] => row.map((cell) => printable(oneLine(cell)));

function sayTable(head: string[], rows: string[][], none: string): void {
  // A pipe gets what there is to take apart, and a note that there is nothing is not that.
  if (rows.length === 0) complain(none);
  else for (const line of table([head, ...rows.map(shown)], widthOf(process.stdout))) say(line);
}

const sayRow = (row: string[]): void => {
  const cells = shown(row).map((cell, column) => padded(cell, WIDTHS[column] ?? 0));
  say(fitted(cells.join("  ").trimEnd(), widthOf(process.stdout)));
};

function rowOf({ id, status, usage, createdAt, finishedAt, promptPreview }: Run): string[] {
  const end = finishedAt === null ? Date.now() : Date.parse(finishedAt);
  const cost = usage?.costUsd ?? null;
  return [
    id,
    status,
    clockOf(end - Date.parse(createdAt)),
    cost === null ? "-" : usd(cost),
    minuteOf(createdAt),
    promptPreview.replace(/\s+/g, " ").trim(),
  ];
}

const minuteOf = (at: string): string => at.slice(0, 16).replace("T", " ");

interface Followed {
  filter: Filter;
  limit: number;
  print: JsonPrinter | undefined;
}

/** A list as it is, and its changes, also when the server is lost in between. */
async function followList(
  session: Session,
  { filter, limit, print }: Followed,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map<string, string>();
  const tell = (run: Run): void => {
    if (known.get(run.id) === run.updatedAt) return;
    known.set(run.id, run.updatedAt);
    if (print) print(run);
    else sayRow(rowOf(run));
  };
  let after: string | undefined;
  const changes = reopened(session, signal, (client, open) =>
    client.runs.follow({ ...filter, after, signal: open }),
  );
  if (!print) sayRow(HEAD);
  for await (const change of changes) {
    if (after === undefined) {
      const list = session.client.runs.list({ ...pageOf(filter, limit), signal });
      for (const run of (await firstOf(list, limit)).reverse()) tell(run);
    }
    after = change.position;
    if (change.type === "run") tell(change.run);
    if (change.type === "gone" && known.delete(change.id)) sayGone(change.id, print);
  }
}

/** The fields that `--json` names are a run's; this is what is left of one. */
function sayGone(id: string, print: JsonPrinter | undefined): void {
  if (print) process.stdout.write(`${jsonLine({ id, gone: true })}\n`);
  else sayRow([id, "gone"]);
}

function addConversations(program: Command, context: CliContext): void {
  const command = limitOption(
    program.command("conversations").description("Lists conversations, newest first."),
  );
  withJson(command, "conversations");
  remote<{ limit: string }, []>(command, context, async ({ session, options }) => {
    const limit = count("--limit", options.limit);
    const print = jsonPrinter(options.json, CONVERSATION_FIELDS);
    const list = session.client.conversations.list(pageOf({}, limit));
    const found = await firstOf(list, limit, print);
    if (!print) sayTable(TURNS_HEAD, found.map(turnsRowOf), "There are no conversations.");
  });
}

const TURNS_HEAD = ["ID", "TURNS", "AT WORK", "CHANGED"];

function turnsRowOf(conversation: Omit<Conversation, "items">): string[] {
  const { id, turns, activeRun, updatedAt } = conversation;
  return [id, String(turns), activeRun ?? "-", minuteOf(updatedAt)];
}
