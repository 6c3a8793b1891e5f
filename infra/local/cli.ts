import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative, resolve } from "node:path";
import { asDiskFull, unlessDiskFull } from "../emulators/wire/disk.ts";
import { type CliOptions, HELP, parseCli } from "./cli-options.ts";
import { startOfflineModel } from "./offline-model/start.ts";
import { chooseSandbox, type SandboxChoice } from "./sandbox-choice.ts";
import { followRun } from "./send/follow.ts";
import { sendRun } from "./send/send-run.ts";
import { knownPorts, type Local, type LocalOptions, startLocal } from "./start.ts";
import { keyFile, StateInUse } from "./state/directory.ts";
import { UnusableState } from "./state/format.ts";
import { complain, say } from "./terminal.ts";

// Google's clients would otherwise look for a metadata server and wait for it.
process.env["METADATA_SERVER_DETECTION"] = "none";

const require = createRequire(import.meta.url);
const LIVE_API = "https://api.anthropic.com";
/** Spending cap of the sample with a real model, and of a run that names none. */
const SAMPLE_CAP_USD = 0.5;
const DEFAULT_CAP_USD = 5;

interface ModelChoice {
  url: string;
  key: string;
  remark: string;
}

async function main(): Promise<number> {
  const options = parseCli(process.argv.slice(2));
  if (options.help) {
    say(HELP);
    return 0;
  }
  await using cleanup = new AsyncDisposableStack();
  const sandbox = chooseSandbox(options.sandbox, options.live);
  const model = options.live ? liveModel() : await offlineModel(cleanup);
  const interrupted = interruption();
  const local = cleanup.use(await start(options, model, sandbox));
  sayWhere(local, options, { model, sandbox });
  if (options.sample) {
    const ok = await Promise.race([sample(local, options), interrupted]);
    if (options.once) return ok === true ? 0 : 1;
  }
  say(`\nServing. Send another with: npm run send -- "…"     Stop with Ctrl-C.`);
  await interrupted;
  say("\nStopping.");
  return 0;
}

/** One Ctrl-C can arrive twice: from the terminal and from the launcher. */
const SAME_INTERRUPT_MS = 1000;

/** Resolves on the first Ctrl-C, SIGTERM or SIGHUP; a later one ends the process at once. */
function interruption(): Promise<"interrupted"> {
  let first: number | undefined;
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        first ??= Date.now();
        resolve("interrupted");
        if (Date.now() - first > SAME_INTERRUPT_MS) process.exit(130);
      });
    }
  });
}

async function offlineModel(cleanup: AsyncDisposableStack): Promise<ModelChoice> {
  const { url } = cleanup.use(await startOfflineModel());
  // Nothing that an agent could say by chance: the runner hides its key wherever people read.
  return {
    url,
    key: `offline-${randomUUID()}`,
    remark: "OFFLINE, scripted (real: npm start -- --live)",
  };
}

function liveModel(): ModelChoice {
  const key = process.env["ANTHROPIC_API_KEY"];
  if (!key) throw new Error("--live needs a key: set ANTHROPIC_API_KEY and start again");
  const url = process.env["ANTHROPIC_BASE_URL"] ?? LIVE_API;
  const caps = `at most $${SAMPLE_CAP_USD.toFixed(2)} for the sample, $${DEFAULT_CAP_USD} for a run that names no cap`;
  return { url, key, remark: `LIVE at ${url}; ${caps}` };
}

async function start(
  options: CliOptions,
  model: ModelChoice,
  sandbox: SandboxChoice,
): Promise<Local> {
  const directory = resolve(options.state);
  if (options.live) say(`Spending cap: ${model.remark}`);
  return startLocal({
    directory,
    ports: await knownPorts(options.port),
    model,
    sandbox: sandbox.mode,
    settings: ownVariables(),
    onLog: functionLog(join(directory, "functions.log")),
  });
}

/** What is set of the functions' own variables; those that say where things are, the start sets by itself. */
function ownVariables(): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => name.startsWith("RUNYARD_"));
  return Object.fromEntries(own) as Record<string, string>;
}

/** Appends what the functions print to a file; it is made when the directory is known to be ours. */
function functionLog(file: string): Required<LocalOptions>["onLog"] {
  return (target, line) => {
    // A line that finds no room on the disk is lost.
    unlessDiskFull(() => appendFileSync(file, `${new Date().toISOString()} ${target} ${line}\n`));
  };
}

function sayWhere(
  { address }: Local,
  options: CliOptions,
  { model, sandbox }: { model: ModelChoice; sandbox: SandboxChoice },
): void {
  const row = (name: string, text: string) => say(`  ${name.padEnd(10)} ${text}`);
  const directory = shortPath(resolve(options.state));
  const node = process.versions.node.replace(/\.\d+$/, "");
  const version = versionOf("../../package.json");
  say(`Runyard ${version} · Node ${node} · Claude Code ${claudeVersion()}`);
  row("API", `${address.apiUrl}          key in ${keyFile(directory)}`);
  if (options.port === undefined && !address.apiUrl.includes(":8080/")) {
    row("", "port 8080 is taken, so the next free one");
  }
  for (const [name, value] of Object.entries(address.clients)) {
    row(name === "FIRESTORE_EMULATOR_HOST" ? "Clients" : "", `${name}=${value}`);
  }
  row("State", `${directory}/  (kept between starts; functions.log is in it)`);
  row("Sandbox", sandbox.remark);
  row("Model", model.remark);
}

/** As seen from here, or whole if it lies elsewhere. */
function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short || ".";
}

function claudeVersion(): string {
  return versionOf("@anthropic-ai/claude-code/package.json");
}

function versionOf(packageJson: string): string {
  return JSON.parse(readFileSync(require.resolve(packageJson), "utf8")).version;
}

/** Sends the sample through HTTP as anybody would, and shows it; true if it succeeded. */
async function sample({ address, key }: Local, { prompt, live }: CliOptions): Promise<boolean> {
  const settings = live ? { maxBudgetUsd: SAMPLE_CAP_USD } : {};
  const run = await sendRun({ apiUrl: address.apiUrl, key }, { prompt, agent: { settings } });
  say(`\nSample ${run.id} ${JSON.stringify(prompt)}`);
  const ended = await followRun(address, run.id);
  return ended.status === "succeeded";
}

function explain(error: unknown): string {
  if (error instanceof StateInUse) {
    const where = error.server ? `: a server runs at ${error.server.apiUrl}` : "; it is starting";
    return `${error.message}${where}. Use it, stop it, or start with --state DIR.`;
  }
  if (error instanceof UnusableState) return error.message;
  const full = asDiskFull(error);
  if (full !== undefined) return full.message;
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "EADDRINUSE") {
    return `${error.message}. Choose another port with --port N.`;
  }
  return "code" in error || error.constructor === Error
    ? error.message
    : (error.stack ?? error.message);
}

// A server outlives who reads what it prints, and ends in order when its terminal is closed.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
process.exitCode = await main().catch((error: unknown) => {
  complain(explain(error));
  return 1;
});
