import {
  commentOf,
  conclusionOf,
  markerOf,
  type Remarks,
  resultOf,
  summaryOf,
} from "../../shared/delivery/words.ts";
import type { Run } from "../../shared/documents/run.ts";
import { faultOf } from "./faults.ts";
import type { Repository } from "./repository.ts";

const NAME = "Runyard";

/** Leaves the run's one check run on its commit, found again by the run's id. */
export async function leaveCheckRun(
  { at, request, appId }: Repository,
  { run, head }: { run: Run; head: string },
): Promise<void> {
  try {
    const { data } = await request("GET /repos/{owner}/{repo}/commits/{ref}/check-runs", {
      ...{ ...at, ref: head, check_name: NAME, app_id: appId, filter: "all", per_page: 100 },
    });
    if (data.check_runs.some((one) => one.external_id === run.id)) return;
    await request("POST /repos/{owner}/{repo}/check-runs", {
      ...{ ...at, name: NAME, head_sha: head, external_id: run.id },
      status: "completed",
      conclusion: conclusionOf(run),
      ...(run.finishedAt && { completed_at: run.finishedAt.toISOString() }),
      output: { title: resultOf(run), summary: summaryOf(run) },
    });
  } catch (error) {
    throw faultOf(error, "take the check run");
  }
}

/** Pages of a pull request's comments that are looked at, of 100 each. */
const PAGES = 10;

/**
 * Leaves the one comment of the conversation on its pull request, or brings it up to date. It is
 * known by its first line and by the App that wrote it: anybody else may write that line.
 */
export async function leaveComment(
  repository: Repository,
  { run, head, number, remarks }: { run: Run; head: string; number: number; remarks: Remarks },
): Promise<void> {
  const { at, request } = repository;
  const body = commentOf(run, { head, remarks });
  try {
    const before = await ownComment(repository, { number, marker: markerOf(run) });
    if (before?.body === body) return;
    if (before === undefined) {
      const route = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments";
      await request(route, { ...at, issue_number: number, body });
    } else {
      const route = "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}";
      await request(route, { ...at, comment_id: before.id, body });
    }
  } catch (error) {
    throw faultOf(error, "take the comment");
  }
}

async function ownComment(
  { at, request, appId }: Repository,
  { number, marker }: { number: number; marker: string },
): Promise<{ id: number | bigint; body?: string } | undefined> {
  for (let page = 1; page <= PAGES; page += 1) {
    const route = "GET /repos/{owner}/{repo}/issues/{issue_number}/comments";
    const { data } = await request(route, { ...at, issue_number: number, per_page: 100, page });
    const own = data.find(
      ({ body, performed_via_github_app: app }) =>
        Number(app?.id) === appId && body?.split("\n", 1)[0] === marker,
    );
    if (own !== undefined || data.length < 100) return own;
  }
  return undefined;
}
