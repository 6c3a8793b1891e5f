import type { PullRequestMessage } from "../../shared/delivery/github-hook.ts";
import { deliveryFault, repositoryNameOf } from "../../shared/delivery/repository-name.ts";
import type { PullRequestResult } from "../../shared/documents/deliver.ts";
import type { Run } from "../../shared/documents/run.ts";
import { TIMING } from "../../shared/limits.ts";
import { DeliveryFault, type PullRequestPlace } from "../services/repository-host.ts";
import type { Services } from "../services/services.ts";
import { applyEvent } from "./settle-attempt.ts";
import { takeMention } from "./take-mention.ts";

/**
 * Has the runs of a pull request say how it is now, which its host is asked: what a message says of
 * it may be old. A host that does not answer is asked again by the sweep. A comment that is meant
 * for them is another message.
 */
export async function followPullRequest(
  services: Services,
  { pullRequest: url, mention }: PullRequestMessage,
): Promise<void> {
  const runs = (await services.runs.ofPullRequest(url)).filter((run) => placeOf(services, run));
  const [run] = runs;
  const place = run && placeOf(services, run);
  if (run === undefined || place === undefined) return;
  if (mention !== undefined) return takeMention(services, { mention, run, place });
  try {
    const seen = await services.repositoryHost.look(place);
    const event = { type: "pullRequestSeen", url, seen } as const;
    for (const { id } of runs) await applyEvent(services, id, event);
  } catch (error) {
    if (!(error instanceof DeliveryFault)) throw error;
    const { message, retryAfterSeconds } = error;
    services.log("WARNING", `not looked at: ${message}`, { runId: run.id });
    if (retryAfterSeconds === undefined) return;
    const putOff = { type: "pullRequestPutOff", retryAfterSeconds } as const;
    for (const { id } of runs) await applyEvent(services, id, putOff);
  }
}

/** Where a run's pull request is; undefined: it has none, or may have none there any more. */
function placeOf(
  { repositoryHost: { rule }, closing }: Services,
  { repository, owner }: Run,
): PullRequestPlace | undefined {
  const { url, pullRequest }: { url?: string; pullRequest?: PullRequestResult | null } =
    repository ?? {};
  const name = url !== undefined && rule.host && repositoryNameOf(url, rule.host);
  if (!name || !pullRequest || deliveryFault({ repository: { url } }, owner, rule)) {
    return undefined;
  }
  const signal = AbortSignal.any([AbortSignal.timeout(TIMING.handlerBudget * 1000), closing]);
  return { repository: name, number: pullRequest.number, signal };
}
