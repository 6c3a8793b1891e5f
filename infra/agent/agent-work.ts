import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { TIMING } from "../../shared/limits.ts";
import type { AgentFacts, BuildManifest } from "../../shared/manifest.ts";
import { type Patience, seeThrough } from "./agent-run.ts";
import {
  claudeArguments,
  claudeEnvironment,
  claudeInput,
  installedClaudeCode,
} from "./claude-code.ts";
import type { Clock } from "./clock.ts";
import { startEgressProxy } from "./egress-proxy.ts";
import { factsOf, factsWithoutAgent } from "./facts.ts";
import type { Input } from "./input.ts";
import { type AgentCommand, launchSandboxed, launchUnconfined, socketsIn } from "./launch.ts";
import { startModelProxy } from "./model-proxy.ts";
import { type Baseline, recordBaseline } from "./patch.ts";
import { type Arrangement, arrange, type Folders, type Isolation } from "./place.ts";
import { STARTING, startProgress } from "./progress.ts";
import { probeSandbox } from "./sandbox.ts";
import { messageOf } from "./text.ts";

/** What the agent's part of an attempt needs. See `RunnerOptions` for the fields not explained. */
export interface AgentWork {
  input: Input;
  folders: Folders;
  buildId: string;
  apiKey: string;
  apiBaseUrl: string;
  isolation: Isolation;
  memoryBytes: number;
  path: string;
  inherited: Readonly<Record<string, string>>;
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
  /** The workspace's state before the agent; absent if it never came so far. */
  baseline: Baseline | undefined;
  /** Whether `events.jsonl` is among the outputs' files. */
  hasEvents: boolean;
}

/** From a result line to exiting. */
const LINGER_MS = 5_000;
const MAX_PROCESSES = 2_000;

/** Lets the agent work on the prompt. Never throws: what goes wrong is in the facts. */
export async function workWithAgent(work: AgentWork): Promise<AgentOutcome> {
  const outcome: AgentOutcome = {
    agent: { name: "claude-code", version: "unknown" },
    facts: factsWithoutAgent({}, wantsStructured(work)),
    result: undefined,
    baseline: undefined,
    hasEvents: false,
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
  const { folders, input, isolation, log, path } = work;
  const installed = installedClaudeCode();
  outcome.agent = { name: installed.name, version: installed.version };
  const { instructions } = input.agent;
  const arrangement = await arrange(folders, { isolation, installed, instructions, path });
  if (arrangement.plan) await probeSandbox(arrangement.plan, path);
  const { git: gitFolder, workspace } = folders;
  outcome.baseline = await recordBaseline({ gitFolder, workspace }, path);
  await using proxies = await startProxies(work);
  log(`starting ${installed.name} ${installed.version}, isolation ${isolation}`);
  outcome.hasEvents = true;
  const run = await superviseAgent(work, arrangement, proxies.placeholderKey);
  outcome.facts = factsOf(run, wantsStructured(work));
  outcome.result = run.seen.result;
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

async function superviseAgent(
  work: AgentWork,
  { place, directory, sockets, plan }: Arrangement,
  placeholderKey: string,
) {
  const { clock, folders, input, log, path } = work;
  const command: AgentCommand = {
    command: [place.program, ...claudeArguments(input.agent, input.attempt.sessionId, place)],
    directory,
    environment: claudeEnvironment(place, placeholderKey),
    ...sockets,
  };
  const progress = startProgress({
    ...input.attempt.progress,
    attempt: input.attempt.attempt,
    buildId: work.buildId,
    intervalMs: TIMING.progressInterval * 1000,
    clock,
    log,
  });
  progress.report(STARTING);
  const agent = plan
    ? launchSandboxed(command, plan, path)
    : launchUnconfined(command, work.inherited);
  try {
    return await seeThrough(agent, {
      ...work,
      input: claudeInput(input.prompt),
      eventsFile: join(folders.outputs, "events.jsonl"),
      patience: patienceOf(work),
      onProgress: progress.report,
    });
  } finally {
    await progress.close();
  }
}

function patienceOf({ input, memoryBytes }: AgentWork): Patience {
  return {
    deadlineMs: input.agent.timeoutSeconds * 1000,
    idleMs: TIMING.agentIdle * 1000,
    graceMs: TIMING.agentInterruptGrace * 1000,
    lingerMs: LINGER_MS,
    cancelPollMs: TIMING.cancelPoll * 1000,
    memoryBytes,
    processes: MAX_PROCESSES,
  };
}
