import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { repositoriesOf } from "../../shared/agent/repository.ts";
import { textEvent } from "../../shared/documents/event.ts";
import type { AgentFacts } from "../../shared/documents/manifest.ts";
import { TIMING } from "../../shared/limits.ts";
import { type AgentOutcome, noOutcomeYet } from "./agent-outcome.ts";
import { StorageAway } from "./attempt/patient-objects.ts";
import { spendingStore } from "./attempt/spending-store.ts";
import type { AgentRun } from "./engines/claude-code/agent-run.ts";
import {
  claudeEnvironment,
  installedClaudeCode,
  sessionPaths,
} from "./engines/claude-code/command.ts";
import { factsOf, factsWithoutAgent } from "./engines/claude-code/facts.ts";
import { linesIn } from "./engines/claude-code/session-lines.ts";
import { agentEnvironment } from "./environment.ts";
import { type ModelAccess, openModelAccess } from "./model/access.ts";
import { stepPatienceOf } from "./patience.ts";
import { tokensFor } from "./repository/app-tokens.ts";
import { startEgressProxy } from "./sandbox/egress-proxy.ts";
import type { NotStarted } from "./sandbox/helper.ts";
import {
  type AgentCommand,
  type AgentProcess,
  launchSandboxed,
  launchUnconfined,
  socketsIn,
} from "./sandbox/launch.ts";
import { type Arrangement, arrange } from "./sandbox/place.ts";
import { probeSandbox } from "./sandbox/sandbox.ts";
import {
  type AgentWork,
  type Begun,
  letGoOn,
  letWork,
  type Supervision,
  wantsStructured,
} from "./supervision.ts";
import { isOfFullDisk, messageOf } from "./text.ts";
import { recordState } from "./workspace/git-states.ts";
import { type Beginning, prepareWorkspace } from "./workspace/prepare.ts";
import { runSetup } from "./workspace/setup.ts";

const PREPARING = { text: "preparing the workspace", turn: 0 };
/** Lets the agent work on the prompt. Never throws: what goes wrong is in the facts. */
export async function workWithAgent(work: AgentWork): Promise<AgentOutcome> {
  const outcome = noOutcomeYet(wantsStructured(work));
  try {
    const reason = await reasonNotToStart(work);
    if (reason !== undefined) {
      return { ...outcome, facts: factsWithoutAgent(reason, wantsStructured(work)) };
    }
    await startAgent(work, outcome);
  } catch (error) {
    const isDiskFull = isOfFullDisk(error);
    outcome.facts = {
      ...outcome.facts,
      // What was given up because nobody waits for it any more.
      ...(!outcome.facts.started && { stoppedBy: await stopOf(work) }),
      error: messageOf(error),
      ...(isDiskFull && { isDiskFull }),
      ...(error instanceof StorageAway && { isStorageAway: true }),
    };
  }
  return outcome;
}

/** What of the outside stops an attempt now. A storage that does not say so stops none. */
async function stopOf({ terminated, isCancelled }: AgentWork): Promise<AgentFacts["stoppedBy"]> {
  if (terminated.aborted) return "terminated";
  return (await isCancelled().catch(() => false)) ? "cancel" : null;
}

async function reasonNotToStart(
  work: AgentWork,
): Promise<Partial<Pick<AgentFacts, "error" | "stoppedBy">> | undefined> {
  const { input, apiKey } = work;
  const stoppedBy = await stopOf(work);
  if (stoppedBy !== null) return { stoppedBy };
  if (input.prompt.toString().trim() === "") return { error: "The prompt is empty." };
  if (apiKey === "") return { error: "ANTHROPIC_API_KEY is not set for the build." };
  return undefined;
}

/** Fills `outcome` step by step, so that what was reached is known when a step throws. */
async function startAgent(work: AgentWork, outcome: AgentOutcome): Promise<void> {
  const { folders, input, isolation, memoryBytes, path, log } = work;
  const { agent } = input;
  const installed = installedClaudeCode();
  outcome.agent = { name: installed.name, version: installed.version };
  const arrangement = await arrange(folders, {
    ...{ isolation, installed, agent, path, memoryBytes, log },
  });
  const { plan } = arrangement;
  const probing = plan && probeSandbox(plan, path);
  const { restore, files, tree } = input.attempt;
  const isBare = repositoriesOf(agent).length === 0 && !restore && !files && !tree;
  if (!isBare) {
    await probing;
    work.progress.report(PREPARING);
  }
  // An empty workspace is prepared without the sandbox.
  const preparing = prepare(work, arrangement, installed.name);
  await Promise.allSettled([probing, preparing]);
  await probing;
  const beginning = await preparing;
  if ("failedStep" in beginning) return notStarted(work, outcome, beginning);
  outcome.workplace = {
    arrangement,
    model: await openModel(work),
    deadlineAt: work.clock.now() + agent.timeoutSeconds * 1000,
  };
  await withWays(work, outcome, (supervision) => begin(work, outcome, { supervision, beginning }));
}

/** Has something done while the ways to the model and to the run's hosts are open. */
async function withWays(
  work: AgentWork,
  outcome: AgentOutcome,
  act: (supervision: Supervision) => Promise<void>,
): Promise<void> {
  if (outcome.workplace === undefined) throw new Error("there is no place to work");
  const { arrangement, model, deadlineAt } = outcome.workplace;
  const { egressSocket: socketPath } = socketsIn(work.folders.sockets);
  const { allowedHosts } = work.input.agent;
  const { place } = arrangement;
  const environment = agentEnvironment({
    given: work.environment,
    place,
    engine: claudeEnvironment(place, model.placeholderKey),
  });
  try {
    await using _egress = await startEgressProxy({ socketPath, allowedHosts });
    await using _model = await model.open();
    await act({
      arrangement,
      model,
      deadlineAt,
      launch: (command) => launch(work, arrangement, { ...command, environment }),
    });
  } finally {
    const retryAfterSeconds = model.retryAfterSeconds();
    const modelFault = model.fault();
    outcome.facts = {
      ...outcome.facts,
      spending: model.spending(),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      ...(modelFault !== undefined && { modelFault }),
    };
  }
}

async function begin(
  work: AgentWork,
  outcome: AgentOutcome,
  { supervision, beginning }: { supervision: Supervision; beginning: Beginning },
): Promise<void> {
  const { isolation, log } = work;
  const { arrangement, model } = supervision;
  if (model.budgetUsd <= 0) return;
  const failure = await setUp(work, outcome, supervision);
  if (failure !== undefined) return notStarted(work, outcome, failure);
  if (arrangement.setupFiles.length > 0) await recordState(beginning.states, "before");
  const begun = Object.assign(outcome, { beginning, passed: model.passed });
  if (beginning.session.origin === "restored") {
    const { file } = sessionPaths(beginning.session.id);
    outcome.restored = linesIn(await readFile(join(work.folders.home, file)));
  }
  work.phases.enter("agent");
  log(`starting ${outcome.agent.name} ${outcome.agent.version}, isolation ${isolation}`);
  outcome.logs.push("events.jsonl");
  await conclude(work, begun, await letWork(work, supervision, begun));
}

/** Takes what an agent's run came to into the outcome. */
async function conclude(work: AgentWork, outcome: Begun, run: AgentRun): Promise<void> {
  const { outputSchema, mcpServers = {} } = work.input.agent;
  const { passed } = outcome;
  if (passed === undefined) throw new Error("no way to the model was open");
  const servers = Object.keys(mcpServers);
  outcome.facts = await factsOf(run, { outputSchema, servers, passed });
  outcome.seen = run.seen;
  outcome.result = run.seen.result;
}

/**
 * Lets an agent that was done go on in its session and its workspace, with what it is told now.
 *
 * @returns whether it did; if not, the outcome is what it was.
 */
export async function goOnWithAgent(
  work: AgentWork,
  outcome: Begun,
  prompt: string,
): Promise<boolean> {
  let isTaken = false;
  await withWays(work, outcome, async (supervision) => {
    work.phases.enter("agent");
    const run = await letGoOn(work, supervision, { outcome, prompt });
    if (run !== undefined) await conclude(work, outcome, run);
    isTaken = run !== undefined;
  });
  return isTaken;
}

function notStarted(work: AgentWork, outcome: AgentOutcome, reason: NotStarted): void {
  work.phases.leave("failed");
  const { failedStep, stoppedBy, error } = reason;
  const isDiskFull = isOfFullDisk(error);
  outcome.facts = {
    ...factsWithoutAgent({ failedStep, stoppedBy, error }, wantsStructured(work)),
    ...(isDiskFull && { isDiskFull }),
  };
}

/** Prepares the workspace and the session. Git gets neither the agent's variables nor its hosts. */
function prepare(work: AgentWork, arrangement: Arrangement, engineName: string) {
  const { clock, path, repositories } = work;
  const { place } = arrangement;
  const deadlineAt = clock.now() + TIMING.restore * 1000;
  const helper = {
    ...work,
    patience: stepPatienceOf(work, deadlineAt),
    launch: (command: readonly string[], environment: Readonly<Record<string, string>>) =>
      launch(work, arrangement, { command, environment }),
    path: place.path,
    temporary: place.temporary,
  };
  const tell = (note: string) => work.progress.add(textEvent(note));
  const access = repositories;
  const appTokens = tokensFor(work);
  return prepareWorkspace({ ...work, engineName, path, helper, access, appTokens, tell });
}

/** The way to the model, with what the run's attempts may spend together. */
function openModel(work: AgentWork): Promise<ModelAccess> {
  const { attempt, agent } = work.input;
  return openModelAccess({
    socketPath: socketsIn(work.folders.sockets).modelSocket,
    baseUrl: work.apiBaseUrl,
    apiKey: work.apiKey,
    prices: work.prices,
    budgetUsd: agent.maxBudgetUsd,
    ownerBudgetUsd: attempt.ownerBudgetUsd,
    store: spendingStore(work.objectsIn(attempt.bucket), attempt),
    clock: work.clock,
    hide: work.hiding.text,
    onEvent: work.progress.add,
  });
}

/** Starts what it is given in the agent's sandbox, if there is one. */
export function launch(
  { inherited, path }: AgentWork,
  { directory, sockets, plan }: Arrangement,
  command: Pick<AgentCommand, "command" | "environment" | "mayLeave" | "mergesOutput">,
): AgentProcess {
  const placed = { ...command, directory, ...sockets };
  return plan ? launchSandboxed(placed, plan, path) : launchUnconfined(placed, inherited);
}

/** @returns why the agent cannot be started, if a setup command failed. */
async function setUp(
  work: AgentWork,
  outcome: AgentOutcome,
  { arrangement, launch, deadlineAt }: Supervision,
): Promise<NotStarted | undefined> {
  const { setupFiles: files } = arrangement;
  if (files.length === 0) return undefined;
  work.phases.enter("setup");
  outcome.logs.push("setup.log");
  return runSetup({
    ...work,
    files,
    launch: (command) => launch({ command, mergesOutput: true }),
    patience: () => ({
      ...stepPatienceOf(work, deadlineAt),
      // It may be silent all the time.
      idleMs: Number.POSITIVE_INFINITY,
    }),
    logFile: join(work.folders.outputs, "setup.log"),
    onProgress: work.progress.report,
  });
}
