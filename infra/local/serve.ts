import { randomInt, randomUUID } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { Failure, usageFault } from "../../cli/failure.ts";
import { keyFile } from "../../cli/local-server.ts";
import { complain, say } from "../../cli/terminal.ts";
import { typed } from "../../cli/typed.ts";
import { unlessDiskFull } from "../emulators/wire/disk.ts";
import { faultText } from "./fault.ts";
import { aborted, Interrupted, interruption, outliveReaders } from "./interruption.ts";
import { LOCAL_ACCOUNTS, localGrants } from "./local-grants.ts";
import type { LocalOptions } from "./local-options.ts";
import { startOfflineModel } from "./offline-model/start.ts";
import { knownPorts } from "./ports.ts";
import type { Programs } from "./programs.ts";
import { recordedCallers } from "./recorded-callers.ts";
import { SAMPLE_CAP_USD, sendSample } from "./sample.ts";
import { chooseSandbox, type SandboxChoice } from "./sandbox-choice.ts";
import { SAMPLE_PROMPT, type ServeOptions } from "./serve-options.ts";
import { type Local, startLocal } from "./start.ts";
import { readFormat } from "./state/format.ts";
import { type Traces, writeTraces } from "./trace/traces.ts";

const require = createRequire(import.meta.url);
const LIVE_API = "https://api.anthropic.com";
/** Spending cap of a run that names none. */
const DEFAULT_CAP_USD = 5;

interface ModelChoice {
  url: string;
  key: string;
  remark: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Starts Runyard on this machine and serves until Ctrl-C.
 *
 * @returns false if it was to end after the sample, and that did not succeed
 * @throws {Failure} with what is wrong and what to do
 */
export async function serve(options: ServeOptions, env: Variables): Promise<boolean> {
  // Google's clients would otherwise look for a metadata server and wait for it.
  process.env["METADATA_SERVER_DETECTION"] = "none";
  outliveReaders();
  try {
    return await serveUntilStopped(options, env);
  } catch (error) {
    if (error instanceof Interrupted) return true;
    if (error instanceof Failure) throw error;
    throw new Failure(faultText(error), { cause: error });
  }
}

async function serveUntilStopped(options: ServeOptions, env: Variables): Promise<boolean> {
  await using cleanup = new AsyncDisposableStack();
  const { sandbox: asked, live } = options;
  const sandbox = chooseSandbox({ asked, live, samplePrompt: SAMPLE_PROMPT });
  const model = options.live ? liveModel(options, env) : await offlineModel(cleanup, options);
  const programs = await builtPrograms(options);
  const isFirst = isNew(resolve(options.state));
  const signal = interruption();
  signal.addEventListener("abort", () => sayStopping(options));
  const traces = options.trace ? cleanup.use(await openTraces(options)) : undefined;
  const settings = { ...ownVariables(env), ...traces?.variables };
  const local = cleanup.use(await start(options, { model, sandbox, signal, settings, programs }));
  sayWhere(local, options, { model, sandbox });
  if (options.sample ?? isFirst) {
    const release = traces?.hold();
    const ok = await sampleIfAllowed(local, options, { sandbox, signal });
    release?.();
    if (options.once) return ok;
  }
  if (signal.aborted) return true;
  const run = typed(["run", "…"], options);
  say(`\nServing. Send a run with: ${run}     Stop with Ctrl-C.`);
  await aborted(signal);
  return true;
}

/**
 * Builds what serves, as far as it is to be built: in a checkout the page, at each start; the
 * package has it.
 *
 * @returns the bundles, if they are asked for
 */
async function builtPrograms({ bundled }: ServeOptions): Promise<Programs | undefined> {
  const isCheckout = existsSync(new URL("../../page/main.tsx", import.meta.url));
  if (bundled) {
    if (!isCheckout) throw usageFault("--bundled is for a checkout of Runyard; leave it out");
    const { buildBundles } = await import("../bundle/build-bundles.ts");
    return buildBundles();
  }
  if (!isCheckout) return undefined;
  const { buildPage } = await import("../page/build-page.ts");
  buildPage();
  return undefined;
}

function openTraces({ state }: ServeOptions): Promise<Traces> {
  return writeTraces(resolve(state), (runId, path) => say(`Trace of ${runId}: ${shortPath(path)}`));
}

/** Whether there is no state yet, so that whoever starts on it may want to see a sample. */
function isNew(directory: string): boolean {
  return ["absent", "blank"].includes(readFormat(directory).kind);
}

function sayStopping({ state }: ServeOptions): void {
  say("\nStopping. Whatever is not done goes on with the next start:");
  say(`  ${typed(["start"], { state })}`);
}

/** Sends the sample and shows it, if it may run here; true if it succeeded. */
async function sampleIfAllowed(
  local: Local,
  options: ServeOptions,
  { sandbox, signal }: { sandbox: SandboxChoice; signal: AbortSignal },
): Promise<boolean> {
  const { onlyPrompt = options.prompt } = sandbox;
  if (options.prompt === onlyPrompt) return sendSample(local, options, signal);
  complain(`\nThe sample was not sent: without a sandbox only ${JSON.stringify(onlyPrompt)} runs.`);
  return false;
}

async function offlineModel(
  cleanup: AsyncDisposableStack,
  { state }: ServeOptions,
): Promise<ModelChoice> {
  const { url } = cleanup.use(await startOfflineModel());
  // Nothing that an agent could say by chance: the runner hides its key wherever people read.
  return {
    url,
    key: `offline-${randomUUID()}`,
    remark: `OFFLINE, scripted (real: ${typed(["start", "--live"], { state })})`,
  };
}

function liveModel({ state }: ServeOptions, env: Variables): ModelChoice {
  const key = env["ANTHROPIC_API_KEY"];
  if (!key) {
    const command = typed(["start", "--live"], { state });
    throw usageFault(`--live needs a key: ANTHROPIC_API_KEY=… ${command}`);
  }
  const url = env["ANTHROPIC_BASE_URL"] ?? LIVE_API;
  const caps = `at most $${SAMPLE_CAP_USD.toFixed(2)} for the sample, $${DEFAULT_CAP_USD} for a run that names no cap`;
  return { url, key, remark: `LIVE at ${url}; ${caps}` };
}

interface StartOptions {
  model: ModelChoice;
  sandbox: SandboxChoice;
  signal: AbortSignal;
  settings: Record<string, string>;
  programs: Programs | undefined;
}

async function start(
  options: ServeOptions,
  { model, sandbox, signal, settings, programs }: StartOptions,
): Promise<Local> {
  const directory = resolve(options.state);
  if (options.live) say(`Spending cap: ${model.remark}`);
  for (let tries = 1; ; tries += 1) {
    try {
      return await startLocal({
        directory,
        ports: await knownPorts(options.port),
        model,
        sandbox: sandbox.mode,
        ...(sandbox.onlyPrompt !== undefined && { onlyPrompt: sandbox.onlyPrompt }),
        settings,
        programs,
        ...(options.iam && { callers: recordedCallers(LOCAL_ACCOUNTS, localGrants()) }),
        onLog: functionLog(join(directory, "functions.log")),
        signal,
      });
    } catch (error) {
      // Another server that starts now may take a port between the look at it and its use.
      const isTaken = inspect(error).includes("EADDRINUSE");
      const isGiven =
        options.port !== undefined && (error as { port?: number }).port === options.port;
      if (!isTaken || isGiven) throw error;
      if (tries === STARTS) throw error;
      // So that those who met once do not go on meeting.
      await sleep(randomInt(100 * tries));
    }
  }
}

/** How often the ports are looked for anew. */
const STARTS = 10;

/** What says to whom commands talk: nothing of the functions', and one of them is a key. */
const OF_COMMANDS = ["RUNYARD_URL", "RUNYARD_KEY", "RUNYARD_PROFILE"];

/**
 * What is set of the functions' own variables, and of OpenTelemetry's; those that say where things
 * are, the start sets by itself.
 */
function ownVariables(env: Variables): Record<string, string> {
  const own = Object.entries(env).filter(
    ([name]) => /^(RUNYARD|OTEL)_/.test(name) && !OF_COMMANDS.includes(name),
  );
  return Object.fromEntries(own) as Record<string, string>;
}

/**
 * Appends what the functions print to a file; it is made when the directory is known to be ours.
 */
function functionLog(file: string): Required<LocalOptions>["onLog"] {
  return (target, line) => {
    // A line that finds no room on the disk is lost.
    unlessDiskFull(() => appendFileSync(file, `${new Date().toISOString()} ${target} ${line}\n`));
  };
}

function sayWhere(
  { address, key }: Local,
  options: ServeOptions,
  { model, sandbox }: { model: ModelChoice; sandbox: SandboxChoice },
): void {
  const row = (name: string, text: string) => say(`  ${name.padEnd(10)} ${text}`);
  const directory = shortPath(resolve(options.state));
  const node = process.versions.node.replace(/\.\d+$/, "");
  const version = versionOf("../../package.json");
  say(`Runyard ${version} · Node ${node} · Claude Code ${claudeVersion()}`);
  row("API", `${address.apiUrl}          key in ${keyFile(directory)}`);
  row("Page", new URL(`/#key=${key}`, address.apiUrl).href);
  row("Docs", new URL("/docs", address.apiUrl).href);
  if (options.port === undefined && !address.apiUrl.includes(":8080/")) {
    row("", "port 8080 is taken, so the next free one");
  }
  for (const [name, value] of Object.entries(address.clients)) {
    row(name === "FIRESTORE_EMULATOR_HOST" ? "Clients" : "", `${name}=${value}`);
  }
  row("State", `${directory}/  (kept between starts; functions.log is in it)`);
  row("Sandbox", sandbox.remark);
  row("Model", model.remark);
  if (options.trace) row("Traces", `${directory}/traces/RUN.html, for a browser`);
  if (options.iam) row("IAM", "functions and builds may call what infra/deploy grants, no more");
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
