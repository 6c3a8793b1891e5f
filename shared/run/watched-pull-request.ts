import { after } from "../clock.ts";
import { PULL_REQUEST_LOOKS } from "../delivery/limits.ts";
import type { PullRequestResult } from "../documents/deliver.ts";

/**
 * What of a run's state says when its pull request is looked at again, should its host tell nothing
 * of it.
 */
export interface PullRequestWatch {
  dueAt: Date;
  /** From one look to the next. */
  pauseSeconds: number;
  /** The last look is before this instant. */
  until: Date;
}

/** A pull request as its host has it now. */
export interface SeenPullRequest {
  state: PullRequestResult["state"];
  /** The branch that it is to be merged into. */
  base?: string | undefined;
  /** See `RepositoryResult`. */
  conflict: boolean | null;
}

/** What happens to the pull request of a run that was delivered. */
export type PullRequestEvent =
  /** The sweep has asked for a look. */
  | { type: "pullRequestAsked" }
  /** The host does not say now. `retryAfterSeconds`: it said when. */
  | { type: "pullRequestPutOff"; retryAfterSeconds: number }
  | { type: "pullRequestSeen"; url: string; seen: SeenPullRequest };

/** Whether it may still be merged. */
export const isOpen = ({ state }: Pick<PullRequestResult, "state">): boolean =>
  state === "open" || state === "draft";

/** The watch over a pull request that was just delivered or opened again; null: it is closed. */
export function watchOver(
  pullRequest: Pick<PullRequestResult, "state"> | null | undefined,
  now: Date,
): PullRequestWatch | null {
  if (!pullRequest || !isOpen(pullRequest)) return null;
  const { firstPause: pauseSeconds, patience } = PULL_REQUEST_LOOKS;
  return { dueAt: after(now, pauseSeconds), pauseSeconds, until: after(now, patience) };
}
