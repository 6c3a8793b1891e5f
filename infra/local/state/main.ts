import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { complain, say } from "../terminal.ts";
import { clearState, isClearable } from "./clear.ts";
import { StateInUse } from "./directory.ts";
import { exportState } from "./export.ts";
import { importState } from "./import.ts";
import { infoText, stateInfo } from "./info.ts";
import { bytes, counted } from "./text.ts";

const HELP = `Looks after the state directory of a local Runyard: its runs, messages, objects and builds.

  npm run state -- info [--json]
  npm run state -- export FILE.tar.gz|- [--with-key]
  npm run state -- import FILE.tar.gz|-
  npm run state -- clear [--yes]

  info     what is in it, and where its server is; changes nothing, and may be asked while a server runs
  export   writes all of it to a file that does not exist yet, or to standard output (-); no server may run
  import   makes a state directory from such a file, all or nothing; the directory must be new or empty
  clear    removes the directory for good; no server may run

  --state DIR   the state directory (default .runyard)
  --json        the info as JSON
  --with-key    the API key goes along; without it the next start on the import makes a new one
  --yes         do not ask
  --help        this text

Exit status: 0 if it was done, 1 if not.`;

const OPTIONS = {
  state: { type: "string", default: ".runyard" },
  json: { type: "boolean" },
  "with-key": { type: "boolean" },
  yes: { type: "boolean" },
  help: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parseState>["values"];
type CommandName = "info" | "export" | "import" | "clear";

/** Which options and how many arguments each command takes; all take `--state`. */
const COMMANDS: Record<CommandName, { options: (keyof Values)[]; file: boolean }> = {
  info: { options: ["json"], file: false },
  export: { options: ["with-key"], file: true },
  import: { options: [], file: true },
  clear: { options: ["yes"], file: false },
};

const parseState = (args: string[]) =>
  parseArgs({ args, options: OPTIONS, allowPositionals: true });

async function main(): Promise<number> {
  const { values, positionals } = parseState(process.argv.slice(2));
  if (values.help) {
    say(HELP);
    return 0;
  }
  const [command, file = ""] = checked(positionals, values);
  const path = resolve(values.state);
  switch (command) {
    case "info":
      return info(path, values);
    case "export":
      return exportTo(path, file, values);
    case "import":
      return importFrom(path, file);
    case "clear":
      return clear(path, values);
  }
}

/** @throws {Error} that names the argument that is wrong */
function checked(positionals: string[], values: Values): [CommandName, string?] {
  const [command = "", ...rest] = positionals;
  if (!isCommand(command)) {
    const given = command === "" ? "no command is given" : `the command ${command} is not known`;
    throw new Error(`${given}; use info, export, import or clear (--help says more)`);
  }
  const { options, file } = COMMANDS[command];
  for (const name of Object.keys(values) as (keyof Values)[]) {
    if (name === "state" || options.includes(name)) continue;
    throw new Error(`${command} has no option --${name}`);
  }
  if (file && !rest[0]) throw new Error(`${command} needs a file, or - (--help says more)`);
  const surplus = rest[file ? 1 : 0];
  if (surplus !== undefined) throw new Error(`${command} does not know what to do with ${surplus}`);
  return file ? [command, rest[0] ?? ""] : [command];
}

function isCommand(text: string): text is CommandName {
  return Object.hasOwn(COMMANDS, text);
}

function info(path: string, { json }: Values): number {
  const found = stateInfo(path);
  say(json ? JSON.stringify(found, null, 2) : infoText(found));
  return 0;
}

async function exportTo(path: string, file: string, values: Values): Promise<number> {
  if (file === "-" && process.stdout.isTTY) {
    throw new Error(
      "an archive is nothing for a terminal: name a file, or send it somewhere with |",
    );
  }
  const target = file === "-" ? process.stdout : resolve(file);
  const withKey = values["with-key"] ?? false;
  const { files, sizeBytes } = await exportState({ path, target, withKey, signal: interruption() });
  const key = withKey ? "the API key is in it" : "without the API key";
  // Not to standard output, where the archive may be.
  complain(`Exported ${counted(files, "file")}, ${bytes(sizeBytes)}, to ${file}; ${key}.`);
  return 0;
}

async function importFrom(path: string, file: string): Promise<number> {
  const source = file === "-" ? process.stdin : resolve(file);
  const { files } = await importState({ path, source, signal: interruption() });
  say(`Imported ${counted(files, "file")} to ${path}.`);
  return 0;
}

async function clear(path: string, { yes }: Values): Promise<number> {
  if (!isClearable(path)) {
    say(`There is nothing to clear: ${path} does not exist.`);
    return 0;
  }
  if (!yes && !(await isConfirmed(path))) {
    complain("Nothing was removed.");
    return 1;
  }
  await clearState(path);
  say(`Removed ${path}.`);
  return 0;
}

async function isConfirmed(path: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error("clear needs --yes where nobody can be asked");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = `Remove ${path} with all its runs, messages, objects and builds? Type yes: `;
    return (await terminal.question(question)).trim() === "yes";
  } finally {
    terminal.close();
  }
}

/** Aborts on Ctrl-C, SIGTERM or SIGHUP, so that what is half made is taken away again. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => controller.abort());
  }
  return controller.signal;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof StateInUse) {
    const where = error.server ? `: a server runs at ${error.server.apiUrl}` : "";
    return `${error.message}${where}. Stop it first, or name another directory with --state DIR.`;
  }
  if (error.name === "AbortError") return "Broken off; nothing was made.";
  return error.message;
}

process.exitCode = await main().catch((error: unknown) => {
  complain(explain(error));
  return 1;
});
