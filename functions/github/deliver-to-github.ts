import { conflictText } from "../../shared/delivery/conflict.ts";
import { missingOf } from "../../shared/delivery/missing.ts";
import type { Delivered } from "../../shared/run/owed-delivery.ts";
import { type Delivery, DeliveryFault } from "../services/repository-host.ts";
import { bringToBranch } from "./branch.ts";
import { conflictOf, dressPullRequest, openPullRequest, pullRequestOf } from "./pull-request.ts";
import { leaveCheckRun, leaveComment } from "./reports.ts";
import type { Repository } from "./repository.ts";

/**
 * Hands back what a run changed: a commit on a branch, a pull request if one is wanted, a check run
 * and a comment. Each is looked for before it is made, by a name that comes of the run, so whoever
 * died in between is gone on from.
 *
 * @throws {DeliveryFault}
 */
export async function deliverTo(repository: Repository, delivery: Delivery): Promise<Delivered> {
  const { run, owed, commit } = delivery;
  const { branch, deliver } = owed;
  const before = await pullRequestOf(repository, branch);
  if (before?.state === "merged") {
    throw new DeliveryFault(
      `Pull request #${before.number} of the branch ${branch} is merged: send a run of its own, on what is there now.`,
    );
  }
  const head = await bringToBranch(repository, delivery);
  if (head === undefined) {
    const nothing = "The run changed nothing that could be delivered.";
    const why = sentenceOf([nothing, ...missingOf(run, commit)]);
    return { delivery: "unchanged", why, baseCommit: commit.base };
  }
  const made = { baseCommit: commit.base, headCommit: head };
  const wanted = deliver.pullRequest !== undefined;
  const pullRequest = before ?? (wanted ? await openPullRequest(repository, delivery) : undefined);
  const remarks = missingOf(run, commit);
  if (pullRequest && wanted) {
    remarks.push(...(await dressPullRequest(repository, delivery, pullRequest)));
  }
  await leaveCheckRun(repository, { run, head });
  if (pullRequest === undefined) {
    const why = sentenceOf([`Delivered to the branch ${branch}.`, ...remarks]);
    return { ...made, delivery: "done", why };
  }
  const conflict = await conflictOf(repository, pullRequest, delivery.signal);
  if (conflict) remarks.push(conflictText(owed));
  const { number } = pullRequest;
  await leaveComment(repository, { run, head, number, remarks });
  const why = sentenceOf([
    `Delivered to the branch ${branch}, pull request #${number}.`,
    ...remarks,
  ]);
  return { ...made, pullRequest, conflict, delivery: "done", why };
}

const sentenceOf = (sentences: readonly string[]): string => sentences.join(" ");
