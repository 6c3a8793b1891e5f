import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { Command } from "commander";
import { createClient } from "../../client/client.ts";
import { table } from "../columns.ts";
import { apiUrl } from "../config/connection.ts";
import { configFile, readConfig, writeConfig } from "../config/file.ts";
import { EXIT } from "../exit-codes.ts";
import { usageFault } from "../failure.ts";
import { type CliContext, explained } from "../session.ts";
import { fileText } from "../settings-flags.ts";
import { complain, oneLine, printable, say, widthOf } from "../terminal.ts";
import { typed } from "../typed.ts";

const USUAL_NAME = "default";
const NAME = /^[\w.-]{1,64}$/;

/** `runyard login` and `profile`: servers that are known by name. */
export function addProfiles(program: Command, context: CliContext): void {
  addLogin(program, context);
  const profile = program
    .command("profile")
    .description("The servers that you have logged in to, and which of them is used.");
  profile
    .command("list")
    .description("Lists them, without their keys; the current one has a *.")
    .action(() => list(context));
  profile
    .command("use")
    .description("Makes one the current one.")
    .argument("<name>")
    .action((name: string) => use(name, context));
  profile
    .command("remove")
    .description("Forgets one, with its key.")
    .argument("<name>")
    .action((name: string) => remove(name, context));
}

interface LoginFlags {
  profile: string;
  keyFile?: string;
}

function addLogin(program: Command, context: CliContext): void {
  program
    .command("login")
    .summary("Keeps a server's address and key.")
    .description(
      "Asks for a key, tries it, and keeps it with the server's address in the file of settings, which only you can read.",
    )
    .argument("<url>", "the server's address")
    .option("--profile <NAME>", "what it is called here", USUAL_NAME)
    .option("--key-file <FILE>", "a file that holds the key, or - (default: it is asked for)")
    .action((url: string, flags: LoginFlags) => login(url, flags, context));
}

async function login(address: string, flags: LoginFlags, { env, finish }: CliContext) {
  const { profile, keyFile } = flags;
  if (!NAME.test(profile)) {
    throw usageFault(`--profile ${oneLine(profile)}: a name has letters, digits, "_", "." and "-"`);
  }
  const url = apiUrl(address, "login");
  const file = configFile(env);
  const config = readConfig(file);
  const key = (keyFile === undefined ? await askedKey() : fileText("--key-file", keyFile)).trim();
  if (!/^[\x21-\x7e]+$/.test(key))
    throw usageFault("That is no key: one looks like ry_… and is one word");
  await tryKey(url, key, keyFile === undefined ? "what was typed" : `--key-file ${keyFile}`);
  const profiles = { ...config.profiles, [profile]: { url, key } };
  writeConfig(file, { current: profile, profiles });
  complain(
    `Logged in to ${url} as the profile ${profile}, which is the current one now (${file}).`,
  );
  finish(EXIT.done);
}

async function tryKey(url: string, key: string, keyFrom: string): Promise<void> {
  const client = createClient({ url, key, retries: 1 });
  try {
    for await (const _ of client.runs.list({ pageSize: 1 })) break;
  } catch (error) {
    throw explained(error, { url, key, urlFrom: "the command line", keyFrom });
  }
}

/** Asks at the terminal, which does not show it. */
function askedKey(): Promise<string> {
  if (!process.stdin.isTTY) return Promise.resolve(fileText("The key:", "-"));
  process.stderr.write("Key: ");
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      terminal.close();
      process.stderr.write("\n");
      settle();
    };
    terminal.once("line", (line) => end(() => resolve(line)));
    terminal.once("SIGINT", () => end(() => reject(usageFault("No key was given"))));
  });
}

function list({ env, finish }: CliContext): void {
  const { current, profiles } = readConfig(configFile(env));
  const rows = Object.entries(profiles).map(([name, { url }]) => [
    name === current ? "*" : " ",
    printable(oneLine(name)),
    printable(oneLine(url)),
  ]);
  for (const line of table(rows, widthOf(process.stdout))) say(line);
  if (rows.length === 0) complain(`There are none; ${typed(["login", "URL"])} makes one.`);
  finish(EXIT.done);
}

function known(name: string, { env }: CliContext) {
  const file = configFile(env);
  const config = readConfig(file);
  if (Object.hasOwn(config.profiles, name)) return { file, config };
  const names = Object.keys(config.profiles).map(oneLine).join(", ") || "none";
  throw usageFault(`There is no profile ${oneLine(name)} in ${file}; there is: ${names}`);
}

function use(name: string, context: CliContext): void {
  const { file, config } = known(name, context);
  writeConfig(file, { ...config, current: name });
  complain(`The profile ${name} is used from now on.`);
  context.finish(EXIT.done);
}

function remove(name: string, context: CliContext): void {
  const { file, config } = known(name, context);
  const { [name]: _, ...profiles } = config.profiles;
  const { current } = config;
  const rest = current === undefined || current === name ? {} : { current };
  writeConfig(file, { ...rest, profiles });
  complain(`Forgot the profile ${name}.`);
  context.finish(EXIT.done);
}
