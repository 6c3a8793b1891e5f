import type { Command } from "commander";
import { type Client, createClient } from "../client/client.ts";
import { ProblemError } from "../client/problem-error.ts";
import { type Connection, type Context, connectionOf } from "./config/connection.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { unreachable, usageFault } from "./failure.ts";
import { askWhetherThere, sayLost } from "./follow/answering.ts";
import { whyLost } from "./follow/follow.ts";
import { isUnanswered } from "./follow/unanswered.ts";
import { runningServer } from "./local-server.ts";
import { complain, oneLine } from "./terminal.ts";
import { type PlaceFlags, typed } from "./typed.ts";

/** Somebody waits for the answer: one more try is enough. */
const RETRIES = 1;

/** A command at work with a server. */
export interface Session {
  client: Client;
  connection: Connection;
  /** The variables that the command was started with. */
  env: Context["env"];
  /** As they were typed, for the commands that are proposed. */
  place: PlaceFlags;
  /** What to do when the server is lost: a local one can be started. */
  remedy: string | undefined;
  /**
   * A client that tells of a lost server at once; a local server is looked for anew, since it may
   * be back at another port.
   */
  reopen(): Client;
  /**
   * Sends a request that the client has none for, with the key.
   *
   * @param path beside the API's version: `mcp`
   */
  send(path: string, init: RequestInit): Promise<Response>;
}

/** Options that every command has which talks to a server. */
export interface RemoteOptions extends PlaceFlags {
  json?: string;
}

/** What a command was given. */
export interface Given<Options, Args extends unknown[]> {
  /** Looked for when it is asked for: words that are wrong are said before. */
  readonly session: Session;
  args: Args;
  options: Options & RemoteOptions;
}

/** Ends the process with this, unless something else fails. */
type Finish = (code: ExitCode) => void;

export interface CliContext extends Context {
  /** The words of the command line. */
  words: readonly string[];
  finish: Finish;
}

/** Gives a command the options that say where its server is, and has it performed with that. */
export function remote<Options, Args extends unknown[]>(
  command: Command,
  context: CliContext,
  perform: (given: Given<Options, Args>) => Promise<ExitCode> | Promise<void>,
): Command {
  return withPlace(command).action(async () => {
    const options = command.opts<Options & RemoteOptions>();
    let opened: Session | undefined;
    const given = {
      get session() {
        opened ??= openSession(options, context);
        return opened;
      },
      args: command.processedArgs as Args,
      options,
    };
    try {
      const code: unknown = await perform(given);
      context.finish(code === undefined ? EXIT.done : (code as ExitCode));
    } catch (error) {
      throw opened === undefined ? error : explained(error, opened.connection);
    }
  });
}

const WHERE = "Which server:";

function withPlace(command: Command): Command {
  return command
    .optionsGroup(WHERE)
    .option("--url <URL>", "the server's address (default: RUNYARD_URL)")
    .option("--profile <NAME>", "a server that you have logged in to (default: RUNYARD_PROFILE)")
    .option("--state <DIR>", "the local server of this state directory (default: .runyard)")
    .option("--key-file <FILE>", "a file that holds the key, or - (default: RUNYARD_KEY)");
}

function openSession(flags: PlaceFlags, context: Context): Session {
  const connection = connectionOf(flags, context);
  const { directory } = connection;
  const { url, profile, state, keyFile } = flags;
  const { key } = connection;
  const fetchAt = (address: string) =>
    directory === undefined ? fetch : fetchingFrom(address, directory);
  const opened = (address: string, retries: number, fetchThere = fetchAt(address)) =>
    createClient({ url: address, key, retries, fetch: fetchThere });
  const address = () => (directory && runningServer(directory)?.apiUrl) ?? connection.url;
  const remedy =
    directory === undefined
      ? undefined
      : `If it was stopped, start it: ${typed(["start"], { state })}`;
  const asked = opened(connection.url, 0);
  return {
    client: opened(
      connection.url,
      RETRIES,
      tellingOfSilence(fetchAt(connection.url), { asked, remedy }),
    ),
    connection,
    env: context.env,
    place: { url, profile, state, keyFile },
    remedy,
    reopen: () => opened(address(), 0),
    send(path, init) {
      const now = address();
      const headers = new Headers(init.headers);
      headers.set("authorization", `Bearer ${key}`);
      return fetchAt(now)(new URL(path, now), { ...init, headers });
    },
  };
}

/**
 * Asks a local server only while it is there: the port of one that was killed may be somebody
 * else's, who must not get its key.
 */
const fetchingFrom =
  (apiUrl: string, directory: string): typeof fetch =>
  async (...request) => {
    const server = runningServer(directory);
    if (server?.apiUrl === apiUrl) return await fetch(...request);
    throw unreachable(
      server === undefined
        ? `No server runs on ${directory} any longer`
        : `The server of ${directory} has another address now`,
    );
  };

/** Requests whose server is away while they wait are told of, and wait on. */
function tellingOfSilence(
  fetchThere: typeof fetch,
  { asked, remedy }: { asked: Client; remedy: string | undefined },
): typeof fetch {
  let isLost = false;
  const told = {
    answered() {
      if (isLost) complain("The server is back.");
      isLost = false;
    },
    silent() {
      if (!isLost) sayLost(remedy);
      isLost = true;
    },
  };
  return async (...request) => {
    using _asking = askWhetherThere(asked, told);
    return await fetchThere(...request);
  };
}

/** An error in words for a person; where the key is refused, they say where it came from. */
export function explained(error: unknown, { url, urlFrom, keyFrom }: Connection): unknown {
  if (error instanceof ProblemError) {
    const faults = error.errors.map(
      ({ pointer, detail }) => `\n  ${oneLine(pointer) || "/"}: ${oneLine(detail)}`,
    );
    const isListed = error.errors.every(({ detail }) => error.detail.includes(detail));
    const isOfKey = error.status === 401 || error.code === "forbidden" || error.code === "unknown";
    const used = isOfKey
      ? `\nThe key is from ${oneLine(keyFrom)}, the address ${url} from ${oneLine(urlFrom)}.`
      : "";
    return unreachable(`${oneLine(error.detail)}${isListed ? "" : faults.join("")}${used}`, error);
  }
  if (!isUnanswered(error)) return error;
  const start = urlFrom.endsWith("server.json") ? ` Start it: ${typed(["start"])}` : "";
  return unreachable(
    `The server at ${url} (from ${oneLine(urlFrom)}) does not answer: ${oneLine(whyLost(error))}.${start}`,
    error,
  );
}

const RUN_ID = /^run_[0-9A-Za-z]{22}$/;

/** @throws {Failure} if it is none */
export function runId(text: string): string {
  if (RUN_ID.test(text)) return text;
  throw usageFault(`${oneLine(text)} is no id of a run; one looks like run_2MApo7WXve5lCHoJCSaJKN`);
}

/** The same for an argument that may be said several times; each run is meant once. */
export function runIds(text: string, before: string[] = []): string[] {
  return [...new Set([...before, runId(text)])];
}
