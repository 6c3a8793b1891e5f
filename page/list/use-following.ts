import { useEffect } from "preact/hooks";
import type { Filter } from "../address.ts";
import { onSight } from "../now.ts";
import { api, key } from "../session.ts";
import { followRuns } from "./live-runs.ts";

/** Follows the runs of a filter while the page can be seen; see {@link followRuns}. */
export function useFollowing(filter: Filter): void {
  const { q: _q, ...asked } = filter;
  const signedIn = key.value;
  useEffect(() => {
    if (signedIn === null) return undefined;
    let following: AbortController | undefined;
    const follow = (isSeen: boolean) => {
      if (isSeen === (following !== undefined)) return;
      following?.abort();
      following = isSeen ? new AbortController() : undefined;
      if (following) void followRuns(api(), filter, following.signal);
    };
    follow(!document.hidden);
    const stop = onSight(follow);
    return () => {
      stop();
      following?.abort();
    };
  }, [JSON.stringify(asked), signedIn]);
}
