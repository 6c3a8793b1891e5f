import { OUTCOMES } from "../../shared/attempt/outcomes.ts";
import { verdict } from "../../shared/attempt/verdict.ts";
import type { CheckFacts } from "../../shared/documents/check.ts";
import type { AgentFacts } from "../../shared/documents/manifest.ts";
import type { AgentOutcome } from "./agent-outcome.ts";
import { launch } from "./agent-work.ts";
import { type Collected, collectOutcome, fileIn } from "./attempt/upload.ts";
import { agentEnvironment } from "./environment.ts";
import { stepPatienceOf } from "./patience.ts";
import { startEgressProxy } from "./sandbox/egress-proxy.ts";
import { socketsIn } from "./sandbox/launch.ts";
import type { AgentWork } from "./supervision.ts";
import { messageOf } from "./text.ts";
import { checksNotRun, runChecks } from "./workspace/checks.ts";

const LOG = "checks.log";

/**
 * Collects what the agent left, and then runs the run's checks, if it would succeed without them:
 * they write where the agent worked. What they came to is in the facts, what they said in a file
 * among those collected.
 *
 * @param round how often the agent has worked
 */
export async function collectAndCheck(
  work: AgentWork,
  outcome: AgentOutcome,
  round: number,
): Promise<Collected> {
  const { phases, input } = work;
  const { checks = [] } = input.agent;
  const isTried = checks.length > 0 && isDone(outcome.facts);
  phases.enter(isTried ? "checks" : "upload");
  const collected = await collectOutcome(work, outcome);
  if (checks.length === 0) return collected;
  const wanted = { checks, changedPaths: collected.changes?.paths ?? [], round };
  outcome.facts = { ...outcome.facts, checks: checksNotRun(wanted) };
  if (!isTried) return collected;
  if (collected.problems.length === 0) await check(work, outcome, { wanted, collected });
  if (!outcome.facts.checks?.every(isPassed)) phases.leave("failed");
  return collected;
}

/** Whether nothing but its checks can keep the run from succeeding. */
const isDone = (facts: AgentFacts): boolean =>
  OUTCOMES[verdict(facts).outcome].status === "succeeded";

const isPassed = ({ required, exitCode, stoppedBy }: CheckFacts): boolean =>
  !required || (exitCode === 0 && stoppedBy === null);

type Wanted = Parameters<typeof checksNotRun>[0] & { round: number };

async function check(
  work: AgentWork,
  outcome: AgentOutcome,
  { wanted, collected }: { wanted: Wanted; collected: Collected },
): Promise<void> {
  if (outcome.workplace === undefined) return;
  try {
    // They may take long: what the agent has done holds, should the machine be lost meanwhile.
    await outcome.checkpoint?.();
  } catch (error) {
    work.log(`no checkpoint: ${messageOf(error)}`);
  }
  try {
    const all = { ...wanted, ...outcome.workplace };
    outcome.facts = { ...outcome.facts, checks: await inSurroundings(work, outcome, all) };
    collected.files.push(fileIn(work.folders, LOG));
  } catch (error) {
    work.log(`the checks could not be run: ${messageOf(error)}`);
  }
}

/** Without a way to the model. */
async function inSurroundings(
  work: AgentWork,
  { facts: { turns } }: AgentOutcome,
  { arrangement, model: _, ...wanted }: Wanted & NonNullable<AgentOutcome["workplace"]>,
): Promise<CheckFacts[]> {
  const { folders, input, progress } = work;
  const { allowedHosts } = input.agent;
  const { egressSocket: socketPath } = socketsIn(folders.sockets);
  await using _egress = await startEgressProxy({ socketPath, allowedHosts });
  const { place, checkFiles: files } = arrangement;
  const environment = agentEnvironment({ given: work.environment, place, engine: {} });
  return runChecks({
    ...work,
    ...wanted,
    files,
    launch: (command) => launch(work, arrangement, { command, environment, mergesOutput: true }),
    patienceUntil: (deadlineAt) => ({
      ...stepPatienceOf(work, deadlineAt),
      // It may be silent all the time.
      idleMs: Number.POSITIVE_INFINITY,
    }),
    logFile: fileIn(folders, LOG).path,
    onCheck: (number) =>
      progress.report({ text: `check ${number} of ${wanted.checks.length}`, turn: turns }),
  });
}
