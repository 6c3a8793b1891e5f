import { after } from "../clock.ts";
import { withConflict } from "../delivery/conflict.ts";
import { PULL_REQUEST_LOOKS } from "../delivery/limits.ts";
import { resultsOf, withResults } from "../delivery/results.ts";
import type { RunRecord, Transition } from "./record.ts";
import { refused, stay } from "./transition.ts";
import { isOpen, type PullRequestEvent, watchOver } from "./watched-pull-request.ts";

/** The next look is set before the one that is asked for: a lost message costs one look. */
export function onPullRequest(record: RunRecord, event: PullRequestEvent, now: Date): Transition {
  const { watch = null } = record.state;
  if (event.type === "pullRequestSeen") return onSeen(record, event, now);
  if (watch === null) return refused("its pull request is not looked at");
  if (event.type === "pullRequestAsked") {
    const pauseSeconds = Math.min(watch.pauseSeconds * 2, PULL_REQUEST_LOOKS.maxPause);
    const dueAt = after(now, pauseSeconds);
    const later = dueAt > watch.until ? null : { ...watch, dueAt, pauseSeconds };
    return stay(record, { now, state: { failedVisits: 0, watch: later } });
  }
  const dueAt = after(now, Math.max(event.retryAfterSeconds, PULL_REQUEST_LOOKS.minPause));
  return stay(record, { now, state: { watch: { ...watch, dueAt } } });
}

function onSeen(
  record: RunRecord,
  { url, seen }: Extract<PullRequestEvent, { type: "pullRequestSeen" }>,
  now: Date,
): Transition {
  const { watch = null } = record.state;
  const before = resultsOf(record.run).find(({ pullRequest }) => pullRequest?.url === url);
  if (!before?.pullRequest) return refused("it is not the run's pull request");
  const conflict = isOpen(seen) ? (seen.conflict ?? before.conflict) : null;
  const { base = before.pullRequest.base } = seen;
  const pullRequest = {
    ...before.pullRequest,
    state: seen.state,
    ...(base !== undefined && { base }),
  };
  const isNew = pullRequest.state !== before.pullRequest.state;
  const isSame = conflict === before.conflict && base === before.pullRequest.base;
  if (!isNew && isSame) return refused("nothing of it is new");
  const run = withResults(record.run, (each) =>
    each.folder === before.folder ? { ...withConflict(each, conflict), pullRequest } : each,
  );
  const open = resultsOf(run).find((each) => each.pullRequest && isOpen(each.pullRequest));
  const over = isNew ? watchOver(open?.pullRequest, now) : watch;
  return stay(record, { now, run, state: { watch: over } });
}
