import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../shared/clock.ts";
import type { AttemptPaths } from "../../shared/documents/attempt.ts";
import type { AgentFacts } from "../../shared/documents/manifest.ts";
import { TIMING } from "../../shared/limits.ts";
import type { AgentOutcome } from "./agent-outcome.ts";
import { startCheckpoints } from "./attempt/checkpoint-timer.ts";
import { type CheckpointOptions, checkpointing } from "./attempt/checkpoints.ts";
import type { Input } from "./attempt/input.ts";
import type { Objects } from "./attempt/objects.ts";
import { type AgentRun, seeThrough } from "./engines/claude-code/agent-run.ts";
import { claudeArguments, claudeInput, isSessionRefused } from "./engines/claude-code/command.ts";
import { factsSoFar } from "./engines/claude-code/facts.ts";
import type { Seen } from "./engines/claude-code/stream-json.ts";
import type { ProgressReporter } from "./engines/progress.ts";
import type { ModelAccess } from "./model/access.ts";
import type { Prices } from "./model/prices.ts";
import { patienceOf } from "./patience.ts";
import type { Phases } from "./phases.ts";
import type { RepositoryAccess } from "./repository/upstream.ts";
import type { AgentCommand, AgentProcess } from "./sandbox/launch.ts";
import type { Arrangement, Folders, Isolation } from "./sandbox/place.ts";
import type { Hiding } from "./secrets.ts";
import type { Mirrors } from "./workspace/mirrors.ts";
import { type Beginning, lostSession } from "./workspace/prepare.ts";

/** What the agent's part of an attempt needs. See `RunnerOptions` for the fields not explained. */
export interface AgentWork {
  input: Input;
  folders: Folders;
  buildId: string;
  apiKey: string;
  apiBaseUrl: string;
  prices: Prices;
  environment: Readonly<Record<string, string>>;
  hiding: Hiding;
  isolation: Isolation;
  memoryBytes: number;
  path: string;
  inherited: Readonly<Record<string, string>>;
  repositories: RepositoryAccess;
  objectsIn(bucket: string): Objects;
  /** Undefined: none are read, and none are left. */
  mirrors?: Mirrors | undefined;
  /** Where checkpoints go. */
  paths: AttemptPaths;
  /** RFC 3339. */
  startedAt: string;
  terminated: AbortSignal;
  isCancelled(): Promise<boolean>;
  isSuperseded(): Promise<boolean>;
  /** It looks as if the attempt were decided by others. */
  suspect(): void;
  clock: Clock;
  progress: ProgressReporter;
  phases: Phases;
  log(line: string): void;
}

/** What the agent and its setup commands have in common. */
export interface Supervision {
  arrangement: Arrangement;
  launch(command: Pick<AgentCommand, "command" | "mergesOutput" | "mayLeave">): AgentProcess;
  model: ModelAccess;
  /** Their common limit, in milliseconds since the epoch. */
  deadlineAt: number;
}

export const wantsStructured = ({ input }: AgentWork): boolean =>
  input.agent.outputSchema !== undefined;

/** An outcome whose agent begins. */
export type Begun = AgentOutcome & { beginning: Beginning };

/** One time that an agent works. */
interface Round {
  prompt: Buffer;
  /** Its session is there. */
  isRestored: boolean;
  /** What was seen of it in the rounds before. */
  before?: Seen | undefined;
}

/**
 * The agent's session at work. One that its command line does not know is replaced by a new one.
 */
export async function letWork(
  work: AgentWork,
  supervision: Supervision,
  outcome: Begun,
): Promise<AgentRun> {
  const { beginning } = outcome;
  const { session } = beginning;
  const isRestored = session.origin === "restored";
  const asked = promptOf(work, beginning);
  const prompt = beginning.isResumed && isRestored ? Buffer.from(GO_ON) : asked;
  const run = await superviseAgent(work, supervision, { outcome, prompt, isRestored });
  if (!(isRestored && isRefused(run, 0))) return run;
  work.log("the agent does not know the restored session; it starts with a new one");
  beginning.session = lostSession(session, "the agent does not know it");
  await rm(eventsFileOf(work));
  return superviseAgent(work, supervision, { outcome, prompt: asked, isRestored: false });
}

/** The run's prompt, and after it what the agent must know of its workspace. */
const promptOf = ({ input }: AgentWork, { told }: Beginning): Buffer =>
  told === undefined ? input.prompt : Buffer.concat([input.prompt, Buffer.from(`\n\n${told}`)]);

/**
 * The agent at work again, in its session, on what `prompt` says.
 *
 * @returns undefined if it could not take that up.
 */
export async function letGoOn(
  work: AgentWork,
  supervision: Supervision,
  { outcome, prompt }: { outcome: Begun; prompt: string },
): Promise<AgentRun | undefined> {
  const { seen: before } = outcome;
  const round = { outcome, prompt: Buffer.from(prompt), isRestored: true, before };
  const run = await superviseAgent(work, supervision, round);
  return "error" in run.end || isRefused(run, before?.turns ?? 0) ? undefined : run;
}

/** Whether an agent that has had so many turns before does not know its session. */
const isRefused = ({ seen, stderrTail }: AgentRun, turns: number): boolean =>
  seen.turns === turns && isSessionRefused(stderrTail);

const eventsFileOf = ({ folders }: AgentWork): string => join(folders.outputs, "events.jsonl");

/** What the agent is told in the place of the prompt when it goes on with what was broken off. */
const GO_ON =
  "Your machine was lost while you worked on this, and you are on a new one. Your files are as they were when they were last stored, at most a minute or so before. Look at what is there, and go on where you left off.";

async function superviseAgent(
  work: AgentWork,
  { arrangement: { place }, launch, model, deadlineAt }: Supervision,
  { outcome, prompt, isRestored, before }: Round & { outcome: Begun },
): Promise<AgentRun> {
  const { progress } = work;
  const { id } = outcome.beginning.session;
  const maxTurns = work.input.agent.maxTurns - (before?.turns ?? 0);
  const agent = { ...work.input.agent, maxTurns, maxBudgetUsd: model.budgetUsd };
  const args = claudeArguments(agent, { id, isRestored }, place);
  outcome.checkpoint ??= checkpointing(checkpointOf(work, outcome, () => soFar(work, model)));
  const checkpoints = startCheckpoints({
    ...work,
    intervalMs: TIMING.checkpointInterval * 1000,
    take: outcome.checkpoint,
  });
  model.passed.onAnswer = () => {
    checkpoints.noteTurn();
    progress.add(model.usage());
  };
  try {
    return await seeThrough(launch({ command: [place.program, ...args], mayLeave: true }), {
      ...work,
      input: claudeInput(prompt),
      eventsFile: eventsFileOf(work),
      patience: patienceOf(work, deadlineAt),
      apiHost: URL.parse(work.apiBaseUrl)?.host || "the model's API",
      costUsd: () => model.spending().costUsd,
      isSpent: () => model.spending().isExhausted,
      leftoverMs: TIMING.leftoverGrace * 1000,
      passed: model.passed,
      before,
      onProgress: progress.report,
      onEvent: progress.add,
    });
  } finally {
    await checkpoints.close();
  }
}

function soFar(work: AgentWork, { passed, spending }: ModelAccess): AgentFacts | undefined {
  if (passed.answers === 0) return undefined;
  return { ...factsSoFar(passed, wantsStructured(work)), spending: spending() };
}

/** What a checkpoint needs to know of an attempt whose agent is at work. */
function checkpointOf(
  work: AgentWork,
  outcome: Begun,
  facts: CheckpointOptions["facts"],
): CheckpointOptions {
  const { buildId, clock, input, isolation, objectsIn, progress, startedAt } = work;
  const { attempt, bucket, runId } = input.attempt;
  const { agent, passed } = outcome;
  if (passed === undefined) throw new Error("no way to the model is open");
  return {
    ...work,
    objects: objectsIn(bucket),
    beginning: outcome.beginning,
    against: () => ({ passed, restored: outcome.restored }),
    head: { schemaVersion: 1, by: "build", runId, attempt, buildId, agent, isolation, startedAt },
    facts,
    onChanges: (changes) => progress.add({ type: "changes", ...changes }),
    now: () => new Date(clock.now()),
  };
}
