import { createHash } from "node:crypto";
import type { Mention } from "../../shared/delivery/github-hook.ts";
import { resultsOf } from "../../shared/delivery/results.ts";
import { mentionPrompt } from "../../shared/delivery/words.ts";
import type { Run } from "../../shared/documents/run.ts";
import { AppError } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import { newNonce, newUuid, runId } from "../../shared/ids.ts";
import { acceptTurn } from "../../shared/run/accept.ts";
import { retentionOf } from "../../shared/run/retention.ts";
import { refuseTooMuch } from "../api/accept/accept-order.ts";
import { agentOfLatest, refuseFull } from "../api/runs/conversations.ts";
import { describeError } from "../log.ts";
import { DeliveryFault, type PullRequestPlace } from "../services/repository-host.ts";
import type { Services } from "../services/services.ts";

/** A comment that is meant for the conversation of a run. */
export interface Mentioned {
  mention: Mention;
  /** One of the conversation, whose pull request it is. */
  run: Run;
  /** Of the pull request. */
  url: string;
  place: PullRequestPlace;
}

/**
 * Goes on with a conversation as a comment asks for: one turn for each comment, whoever repeats it.
 * The conversation's owner must have said that comments may, and who wrote it must have write
 * access.
 *
 * @throws {AppError} what may pass: the message comes again
 */
export async function takeMention(services: Services, mentioned: Mentioned): Promise<void> {
  const { mention, run, place } = mentioned;
  const fields = { runId: run.id, comment: mention.url };
  try {
    const why = await turnOf(services, mentioned);
    services.log("INFO", `comment: ${why}`, fields);
  } catch (error) {
    const passes =
      error instanceof DeliveryFault
        ? error.retryAfterSeconds !== undefined
        : !(error instanceof AppError) || error.retry;
    services.log("WARNING", `comment: ${describeError(error)}`, fields);
    if (!passes) return;
    if (!(error instanceof DeliveryFault)) throw error;
    const { owner, name } = place.repository;
    const detail = `${owner}/${name} cannot be asked about a comment now`;
    throw new AppError("unavailable", { detail, cause: error });
  }
}

/** Makes the turn. @returns what became of the comment */
async function turnOf(
  services: Services,
  { mention, run, url, place }: Mentioned,
): Promise<string> {
  const { owner } = run;
  const { conversations, random, now, retention, publisher } = services;
  const result = resultsOf(run).find(({ pullRequest }) => pullRequest?.url === url);
  if (result?.pullRequest?.state === "merged") return "the pull request is merged";
  const conversation = await conversations.get(run.conversation.id);
  if (conversation?.owner !== owner) return "its conversation is gone";
  const chosen = await agentOfLatest(services, conversation);
  if (!chosen.deliver?.pullRequest?.mentions) return "deliver.pullRequest.mentions is not said";
  if (!(await services.repositoryHost.mayWrite(place, mention.login))) {
    return `${mention.login} has no write access`;
  }
  const order = { ...chosen, prompt: mentionPrompt(mention), parentRunId: null };
  await refuseTooMuch(services, owner, order);
  const id = runId(createHash("sha256").update(`${run.conversation.id} ${mention.id}`).digest());
  const acceptance = {
    ...{ id, owner, nonce: newNonce(random), sessionId: newUuid(random), now: now() },
    ...{ requestHash: sha256(mention.id), writer: newNonce(random) },
    retention: retentionOf(retention, owner),
  };
  const record = await conversations.createTurn(conversation.id, {
    ...{ id, owner },
    accept(before) {
      refuseFull(before.conversation);
      return acceptTurn(order, acceptance, before);
    },
  });
  if (record === undefined) return "its conversation is gone";
  const { phase, waitsForTurn, attempt, trace, writer } = record.state;
  const isNew = writer === acceptance.writer;
  if (isNew) services.telemetry.accepted();
  if (phase === "pending" && !waitsForTurn)
    await publisher.publishAttempt({ runId: id, attempt }, trace);
  return `${isNew ? "is" : "was"} taken as run ${id}`;
}
