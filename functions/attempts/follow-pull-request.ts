import type { PullRequestMessage } from "../../shared/delivery/github-hook.ts";
import { deliveryFault, repositoryNameOf } from "../../shared/delivery/repository-name.ts";
import { resultsOf } from "../../shared/delivery/results.ts";
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
  const found = await services.runs.ofPullRequest(url);
  const runs = found.filter((run) => placeOf(services, run, url));
  const [run] = runs;
  const place = run && placeOf(services, run, url);
  if (run === undefined || place === undefined) return;
  if (mention !== undefined) return takeMention(services, { mention, run, url, place });
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
  run: Run,
  url: string,
): PullRequestPlace | undefined {
  const result = resultsOf(run).find(({ pullRequest }) => pullRequest?.url === url);
  if (!(result?.pullRequest && rule.host)) return undefined;
  const name = repositoryNameOf(result.url, rule.host);
  if (!name || deliveryFault(result, run.owner, rule)) return undefined;
  const signal = AbortSignal.any([AbortSignal.timeout(TIMING.handlerBudget * 1000), closing]);
  return { repository: name, number: result.pullRequest.number, signal };
}
