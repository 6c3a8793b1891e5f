import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../shared/clock.ts";
import type { AgentFacts, BuildManifest } from "../../shared/documents/manifest.ts";
import { TIMING } from "../../shared/limits.ts";
import type { Input } from "./attempt/input.ts";
import type { Objects } from "./attempt/objects.ts";
import { type AgentRun, seeThrough } from "./engines/claude-code/agent-run.ts";
import {
  claudeArguments,
  claudeEnvironment,
  claudeInput,
  installedClaudeCode,
  isSessionRefused,
} from "./engines/claude-code/command.ts";
import { factsOf, factsWithoutAgent } from "./engines/claude-code/facts.ts";
import { type ProgressReporter, STARTING, startProgress } from "./engines/progress.ts";
import { agentEnvironment } from "./environment.ts";
import { startEgressProxy } from "./sandbox/egress-proxy.ts";
import type { NotStarted } from "./sandbox/helper.ts";
import {
  type AgentCommand,
  type AgentProcess,
  launchSandboxed,
  launchUnconfined,
  socketsIn,
} from "./sandbox/launch.ts";
import { startModelProxy } from "./sandbox/model-proxy.ts";
import { type Arrangement, arrange, type Folders, type Isolation } from "./sandbox/place.ts";
import { probeSandbox } from "./sandbox/sandbox.ts";
import type { Patience } from "./sandbox/watch.ts";
import type { Hiding } from "./secrets.ts";
import { messageOf } from "./text.ts";
import type { RepositoryAccess } from "./workspace/checkout.ts";
import { recordState } from "./workspace/git-states.ts";
import {
  type AgentSession,
  type Beginning,
  lostSession,
  prepareWorkspace,
} from "./workspace/prepare.ts";
import { runSetup } from "./workspace/setup.ts";

/** What the agent's part of an attempt needs. See `RunnerOptions` for the fields not explained. */
export interface AgentWork {
  input: Input;
  folders: Folders;
  buildId: string;
  apiKey: string;
  apiBaseUrl: string;
  environment: Readonly<Record<string, string>>;
  hiding: Hiding;
  isolation: Isolation;
  memoryBytes: number;
  path: string;
  inherited: Readonly<Record<string, string>>;
  repositories: RepositoryAccess;
  objectsIn(bucket: string): Objects;
  terminated: AbortSignal;
  isCancelled(): Promise<boolean>;
  clock: Clock;
  log(line: string): void;
}

/** What came out of it. */
export interface AgentOutcome {
  agent: BuildManifest["agent"];
  facts: AgentFacts;
  /** The whole result line, if there was one. */
  result: Record<string, unknown> | undefined;
  /** The session and the workspace that the agent began with; absent if it never came so far. */
  beginning: Beginning | undefined;
  /** Names of the logs among the outputs' files. */
  logs: string[];
}

const PREPARING = { text: "preparing the workspace", turn: 0 };
/** From a result line to exiting. */
const LINGER_MS = 5_000;
/** From interrupting git, or a setup command, to killing it: a shell passes nothing on. */
const STEP_GRACE_MS = 2_000;
const MAX_PROCESSES = 2_000;

/** Lets the agent work on the prompt. Never throws: what goes wrong is in the facts. */
export async function workWithAgent(work: AgentWork): Promise<AgentOutcome> {
  const outcome: AgentOutcome = {
    agent: { name: "claude-code", version: "unknown" },
    facts: factsWithoutAgent({}, wantsStructured(work)),
    result: undefined,
    beginning: undefined,
    logs: [],
  };
  try {
    const reason = await reasonNotToStart(work);
    if (reason !== undefined) {
      return { ...outcome, facts: factsWithoutAgent(reason, wantsStructured(work)) };
    }
    await startAgent(work, outcome);
  } catch (error) {
    outcome.facts = { ...outcome.facts, error: messageOf(error) };
  }
  return outcome;
}

const wantsStructured = ({ input }: AgentWork): boolean => input.agent.outputSchema !== undefined;

async function reasonNotToStart({
  input,
  apiKey,
  terminated,
  isCancelled,
}: AgentWork): Promise<Partial<Pick<AgentFacts, "error" | "stoppedBy">> | undefined> {
  if (terminated.aborted) return { stoppedBy: "terminated" };
  if (await isCancelled()) return { stoppedBy: "cancel" };
  if (input.prompt.toString().trim() === "") return { error: "The prompt is empty." };
  if (apiKey === "") return { error: "ANTHROPIC_API_KEY is not set for the build." };
  return undefined;
}

/** Fills `outcome` step by step, so that what was reached is known when a step throws. */
async function startAgent(work: AgentWork, outcome: AgentOutcome): Promise<void> {
  const { clock, folders, input, isolation, log, path } = work;
  const { agent } = input;
  const installed = installedClaudeCode();
  outcome.agent = { name: installed.name, version: installed.version };
  const arrangement = await arrange(folders, { isolation, installed, agent, path });
  if (arrangement.plan) await probeSandbox(arrangement.plan, path);
  await using progress = startReporting(work);
  if (agent.repository || input.attempt.restore) progress.report(PREPARING);
  const beginning = await prepare(work, arrangement, installed.name);
  if ("failedStep" in beginning) return notStarted(work, outcome, beginning);
  await using proxies = await startProxies(work);
  const { place } = arrangement;
  const environment = agentEnvironment({
    given: work.environment,
    place,
    engine: claudeEnvironment(place, proxies.placeholderKey),
  });
  const supervision: Supervision = {
    arrangement,
    launch: (command) => launch(work, arrangement, { ...command, environment }),
    progress,
    deadlineAt: clock.now() + agent.timeoutSeconds * 1000,
  };
  const failure = await setUp(work, outcome, supervision);
  if (failure !== undefined) return notStarted(work, outcome, failure);
  if (arrangement.setupFiles.length > 0) await recordState(beginning.states, "before");
  outcome.beginning = beginning;
  log(`starting ${installed.name} ${installed.version}, isolation ${isolation}`);
  outcome.logs.push("events.jsonl");
  const run = await letWork(work, supervision, beginning);
  outcome.facts = factsOf(run, work.input.agent.outputSchema);
  outcome.result = run.seen.result;
}

function notStarted(work: AgentWork, outcome: AgentOutcome, reason: NotStarted): void {
  const { failedStep, stoppedBy, error } = reason;
  outcome.facts = factsWithoutAgent({ failedStep, stoppedBy, error }, wantsStructured(work));
}

/** Prepares the workspace and the session. Git gets neither the agent's variables nor its hosts. */
function prepare(work: AgentWork, arrangement: Arrangement, engineName: string) {
  const { clock, path, repositories } = work;
  const { place } = arrangement;
  const deadlineAt = clock.now() + TIMING.checkout * 1000;
  const helper = {
    ...work,
    patience: { ...patienceOf(work, deadlineAt), graceMs: STEP_GRACE_MS },
    launch: (command: readonly string[], environment: Readonly<Record<string, string>>) =>
      launch(work, arrangement, { command, environment }),
    path: place.path,
    temporary: place.temporary,
  };
  return prepareWorkspace({ ...work, engineName, path, helper, access: repositories });
}

/** The agent's session at work. One that its command line does not know is replaced by a new one. */
async function letWork(
  work: AgentWork,
  supervision: Supervision,
  beginning: Beginning,
): Promise<AgentRun> {
  const run = await superviseAgent(work, supervision, beginning.session);
  const isRefused = run.seen.turns === 0 && isSessionRefused(run.stderrTail);
  if (beginning.session.origin !== "restored" || !isRefused) return run;
  work.log("the agent does not know the restored session; it starts with a new one");
  beginning.session = lostSession(beginning.session, "the agent does not know it");
  await rm(eventsFileOf(work));
  return superviseAgent(work, supervision, beginning.session);
}

const eventsFileOf = ({ folders }: AgentWork): string => join(folders.outputs, "events.jsonl");

/** What the agent and its setup commands have in common. */
interface Supervision {
  arrangement: Arrangement;
  launch(command: Pick<AgentCommand, "command" | "mergesOutput">): AgentProcess;
  progress: ProgressReporter;
  /** Their common limit, in milliseconds since the epoch. */
  deadlineAt: number;
}

async function startProxies({ apiBaseUrl, apiKey, folders, input }: AgentWork) {
  const placeholderKey = `runyard-${randomBytes(24).toString("hex")}`;
  const { modelSocket, egressSocket } = socketsIn(folders.sockets);
  const model = await startModelProxy({
    socketPath: modelSocket,
    baseUrl: apiBaseUrl,
    apiKey,
    placeholderKey,
  });
  const { allowedHosts } = input.agent;
  const egress = await startEgressProxy({ socketPath: egressSocket, allowedHosts });
  return {
    placeholderKey,
    [Symbol.asyncDispose]: async () => void (await Promise.all([model.close(), egress.close()])),
  };
}

/** Reports to the API, beginning with the sign that the run is at work. */
function startReporting({ buildId, clock, input, log }: AgentWork) {
  const progress = startProgress({
    ...input.attempt.progress,
    attempt: input.attempt.attempt,
    buildId,
    intervalMs: TIMING.progressInterval * 1000,
    clock,
    log,
  });
  progress.report(STARTING);
  return { ...progress, [Symbol.asyncDispose]: progress.close };
}

/** Starts what it is given in the agent's sandbox, if there is one. */
function launch(
  { inherited, path }: AgentWork,
  { directory, sockets, plan }: Arrangement,
  command: Pick<AgentCommand, "command" | "environment" | "mergesOutput">,
): AgentProcess {
  const placed = { ...command, directory, ...sockets };
  return plan ? launchSandboxed(placed, plan, path) : launchUnconfined(placed, inherited);
}

/** @returns why the agent cannot be started, if a setup command failed. */
async function setUp(
  work: AgentWork,
  outcome: AgentOutcome,
  { arrangement, launch, progress, deadlineAt }: Supervision,
): Promise<NotStarted | undefined> {
  const { setupFiles: files } = arrangement;
  if (files.length === 0) return undefined;
  outcome.logs.push("setup.log");
  return runSetup({
    ...work,
    files,
    launch: (command) => launch({ command, mergesOutput: true }),
    patience: () => ({
      ...patienceOf(work, deadlineAt),
      graceMs: STEP_GRACE_MS,
      // It may be silent all the time.
      idleMs: Number.POSITIVE_INFINITY,
    }),
    logFile: join(work.folders.outputs, "setup.log"),
    onProgress: progress.report,
  });
}

function superviseAgent(
  work: AgentWork,
  { arrangement: { place }, launch, progress, deadlineAt }: Supervision,
  session: AgentSession,
): Promise<AgentRun> {
  const { agent, attempt, prompt } = work.input;
  const isRestored = session.origin === "restored";
  const costBefore = isRestored ? (attempt.restore?.totalCostUsd ?? 0) : 0;
  const args = claudeArguments(agent, { id: session.id, isRestored }, place);
  return seeThrough(launch({ command: [place.program, ...args] }), {
    ...work,
    input: claudeInput(prompt),
    eventsFile: eventsFileOf(work),
    patience: patienceOf(work, deadlineAt),
    costBefore,
    onProgress: progress.report,
    onEvent: progress.add,
  });
}

function patienceOf({ clock, memoryBytes }: AgentWork, deadlineAt: number): Patience {
  return {
    deadlineMs: Math.max(0, deadlineAt - clock.now()),
    idleMs: TIMING.agentIdle * 1000,
    graceMs: TIMING.agentInterruptGrace * 1000,
    lingerMs: LINGER_MS,
    cancelPollMs: TIMING.cancelPoll * 1000,
    memoryBytes,
    processes: MAX_PROCESSES,
  };
}
