import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { roundsOf } from "../../shared/agent/checks.ts";
import { missedChecks } from "../../shared/attempt/checked.ts";
import { handedBack } from "../../shared/attempt/handed-back.ts";
import { COMMIT_FILE } from "../../shared/delivery/commit-file.ts";
import type { CheckFacts } from "../../shared/documents/check.ts";
import { textEvent } from "../../shared/documents/event.ts";
import { RUN_LIMITS } from "../../shared/limits.ts";
import type { AgentOutcome } from "./agent-outcome.ts";
import { goOnWithAgent } from "./agent-work.ts";
import { type Collected, fileIn } from "./attempt/upload.ts";
import { collectAndCheck } from "./checking.ts";
import { linesIn } from "./engines/claude-code/session-lines.ts";
import { takeBallast } from "./sandbox/place.ts";
import type { AgentWork, Begun } from "./supervision.ts";
import { messageOf } from "./text.ts";
import { collectArtifacts } from "./workspace/artifacts.ts";
import { recordChecked, withoutChecks } from "./workspace/checked-states.ts";
import { writeCommitFile } from "./workspace/commit-file.ts";
import { renewSession } from "./workspace/restore.ts";

/**
 * Collects and checks what an agent that is done left, and gives it back to the agent with the
 * checks that did not pass, as often as the run says and its time, turns and budget allow. What
 * counts is the last round. Nothing of the agent's work goes on afterwards.
 */
export async function checkInRounds(work: AgentWork, outcome: AgentOutcome): Promise<Collected> {
  try {
    const collected = await inRounds(work, outcome);
    await addArtifacts(work, outcome, collected);
    await addCommitFile(work, outcome, collected);
    return collected;
  } finally {
    work.phases.enter("upload");
  }
}

/** Adds the files that the run wants kept, as they are when all is done. */
async function addArtifacts(
  { input, folders, phases }: AgentWork,
  outcome: AgentOutcome,
  { files, problems }: Collected,
): Promise<void> {
  phases.enter("upload");
  const { artifacts: patterns = [] } = input.agent;
  if (patterns.length === 0 || !outcome.facts.started) return;
  try {
    const { workspace, outputs } = folders;
    const found = await collectArtifacts({ workspace, patterns, copies: join(outputs, "files") });
    files.push(...found.files);
    if (found.gaps) outcome.facts = { ...outcome.facts, artifactGaps: found.gaps };
  } catch (error) {
    problems.push(`artifacts: ${messageOf(error)}`);
  }
}

/** Adds what is to be delivered, if anything is, without what the checks have done. */
async function addCommitFile(
  { input, folders }: AgentWork,
  { facts, beginning }: AgentOutcome,
  { files, problems }: Collected,
): Promise<void> {
  const { isDelivered, deliveredFolders, files: placed = [] } = input.attempt;
  if (!(isDelivered && facts.started && beginning)) return;
  const { commit, commits = commit === null ? {} : { "": commit } } = beginning.session;
  const wanted = Object.entries(commits).filter(
    ([folder]) => folder === "" || deliveredFolders?.includes(folder),
  );
  if (wanted.length === 0) return;
  try {
    const prepared = fileIn(folders, COMMIT_FILE);
    const given = placed.map(({ path }) => path);
    const states = await withoutChecks(beginning.states);
    await writeCommitFile(states, {
      ...{ file: prepared.path, bases: Object.fromEntries(wanted), given },
    });
    files.push(prepared);
  } catch (error) {
    problems.push(`${COMMIT_FILE}: ${messageOf(error)}`);
  }
}

async function inRounds(work: AgentWork, outcome: AgentOutcome): Promise<Collected> {
  let collected = await collectAndCheck(work, outcome, 1);
  for (let round = 2; round <= roundsOf(work.input.agent); round += 1) {
    const missed = missedChecks(outcome.facts.checks ?? []);
    if (missed.length === 0 || !(await handBack(work, outcome, { missed, collected }))) break;
    outcome.facts = { ...outcome.facts, rounds: round };
    collected = await collectAndCheck(work, outcome, round);
  }
  return collected;
}

interface HandingBack {
  missed: readonly CheckFacts[];
  collected: Collected;
}

/** @returns whether the agent has gone on. */
async function handBack(
  work: AgentWork,
  outcome: AgentOutcome,
  { missed, collected }: HandingBack,
): Promise<boolean> {
  const { input, folders, progress, log } = work;
  const obstacle = obstacleTo(work, outcome);
  if (obstacle !== undefined) {
    progress.add(textEvent(`[The checks are not handed back to the agent: ${obstacle}.]`));
    return false;
  }
  try {
    const begun = begunOf(outcome);
    const { session, states } = begun.beginning;
    await recordChecked(states);
    const lines = await renewSession(folders, session.id, collected.files);
    if (lines === undefined) throw new Error("it left no session");
    outcome.restored = linesIn(lines);
    await takeBallast(folders);
    progress.add(textEvent("[Checks did not pass; they are handed back to the agent.]"));
    const mark = `checked-${randomBytes(8).toString("hex")}`;
    const { checks = [] } = input.agent;
    if (await goOnWithAgent(work, begun, handedBack(missed, { checks, mark }))) return true;
    throw new Error("it did not take up its session");
  } catch (error) {
    log(`the agent cannot go on: ${messageOf(error)}`);
    return false;
  }
}

function begunOf(outcome: AgentOutcome): Begun {
  const { beginning } = outcome;
  if (beginning === undefined) throw new Error("it never began");
  return Object.assign(outcome, { beginning });
}

/** Why an agent cannot go on, in words for the end of a sentence. */
function obstacleTo(
  { clock, input: { agent } }: AgentWork,
  { facts, workplace, seen }: AgentOutcome,
): string | undefined {
  const leftMs = (workplace?.deadlineAt ?? 0) - clock.now();
  if (leftMs < RUN_LIMITS.minTimeoutSeconds * 1000) return "its time is over";
  if ((seen?.turns ?? 0) >= agent.maxTurns) return "it has had all its turns";
  const { costUsd = 0, isExhausted = false } = facts.spending ?? {};
  if (isExhausted || costUsd >= (workplace?.model.budgetUsd ?? 0)) return "its budget is spent";
  return undefined;
}
