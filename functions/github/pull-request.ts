import { setTimeout as wait } from "node:timers/promises";
import { descriptionOf, titleOf } from "../../shared/delivery/words.ts";
import type { PullRequestResult } from "../../shared/documents/deliver.ts";
import type { Delivery } from "../services/repository-host.ts";
import { faultOf, statusOf } from "./faults.ts";
import type { Repository } from "./repository.ts";

/** How often GitHub is asked whether a pull request can be merged, and how long in between. */
const LOOKS = { times: 4, pauseMs: 1000 };

/** A pull request as GitHub has it, as far as it counts here. */
interface Found {
  number: number;
  html_url: string;
  state: string;
  draft?: boolean;
  merged_at?: string | null;
  base: { ref: string };
}

/** The one from a branch that is open, or else the latest; undefined: there is none. */
export async function pullRequestOf(
  { at, request }: Repository,
  branch: string,
): Promise<PullRequestResult | undefined> {
  try {
    const head = `${at.owner}:${branch}`;
    const { data } = await request("GET /repos/{owner}/{repo}/pulls", {
      ...{ ...at, head, state: "all", sort: "created", direction: "desc", per_page: 10 },
    });
    const found = data.find(({ state }) => state === "open") ?? data[0];
    return found && resultOf(found);
  } catch (error) {
    throw faultOf(error, "list the pull requests");
  }
}

/** A pull request as a run's document has it. */
export function resultOf({ number, html_url: url, ...found }: Found): PullRequestResult {
  const base = found.base.ref;
  if (found.merged_at) return { number, url, state: "merged", base };
  if (found.state !== "open") return { number, url, state: "closed", base };
  return { number, url, state: found.draft ? "draft" : "open", base };
}

/**
 * Opens the pull request from the run's branch to the branch that the run began with, or else to
 * the repository's own.
 */
export async function openPullRequest(
  repository: Repository,
  { run, owed }: Delivery,
): Promise<PullRequestResult> {
  const { at, request } = repository;
  const base = await baseBranchOf(repository, owed.ref);
  const { draft = false } = owed.deliver.pullRequest ?? {};
  try {
    const { data } = await request("POST /repos/{owner}/{repo}/pulls", {
      ...{ ...at, base, head: owed.branch, draft },
      title: titleOf(run, owed.deliver),
      body: descriptionOf(run),
    });
    return resultOf(data);
  } catch (error) {
    // Somebody has opened it just now: itself, before this was asked for again.
    const found = statusOf(error) === 422 && (await pullRequestOf(repository, owed.branch));
    if (found) return found;
    throw faultOf(error, "open the pull request");
  }
}

async function baseBranchOf({ at, request }: Repository, ref: string | undefined): Promise<string> {
  try {
    if (ref !== undefined) {
      const route = "GET /repos/{owner}/{repo}/git/ref/{ref}";
      const found = await request(route, { ...at, ref: `heads/${ref}` }).catch((error: unknown) => {
        if (statusOf(error) !== 404) throw error;
      });
      if (found) return ref;
    }
    return (await request("GET /repos/{owner}/{repo}", at)).data.default_branch;
  } catch (error) {
    throw faultOf(error, "show the repository");
  }
}

/**
 * Asks for reviews and gives labels, as the request says.
 *
 * @returns what GitHub does not take of it, a sentence each
 */
export async function dressPullRequest(
  { at, request }: Repository,
  { owed: { deliver } }: Delivery,
  { number }: PullRequestResult,
): Promise<string[]> {
  const { reviewers = [], labels = [] } = deliver.pullRequest ?? {};
  const remarks: string[] = [];
  const trying = async (what: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      if (![403, 404, 422].includes(statusOf(error) ?? 0)) throw faultOf(error, what);
      remarks.push(`GitHub does not ${what}.`);
    }
  };
  if (reviewers.length > 0) {
    const route = "POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers";
    await trying(`ask ${reviewers.join(", ")} for a review`, () =>
      request(route, { ...at, pull_number: number, reviewers }),
    );
  }
  if (labels.length > 0) {
    const route = "POST /repos/{owner}/{repo}/issues/{issue_number}/labels";
    await trying("take the labels", () => request(route, { ...at, issue_number: number, labels }));
  }
  return remarks;
}

/** Whether its base has moved on so that it cannot be merged; null: GitHub does not know yet. */
export async function conflictOf(
  { at, request }: Repository,
  { number, state }: PullRequestResult,
  signal: AbortSignal,
): Promise<boolean | null> {
  if (state === "closed" || state === "merged") return null;
  for (let look = 1; ; look += 1) {
    try {
      const route = "GET /repos/{owner}/{repo}/pulls/{pull_number}";
      const { data } = await request(route, { ...at, pull_number: number });
      if (data.mergeable !== null) return !data.mergeable;
    } catch (error) {
      throw faultOf(error, "show the pull request");
    }
    // It is computed in the background, once it was asked for.
    if (look === LOOKS.times) return null;
    await wait(LOOKS.pauseMs, undefined, { signal }).catch(() => {});
  }
}
