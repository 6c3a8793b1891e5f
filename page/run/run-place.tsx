import { useEffect } from "preact/hooks";
import { address, go, hrefOf, toList } from "../address.ts";
import { compose } from "../compose/draft.ts";
import { addKeys } from "../keys.ts";
import { goToNeighbour } from "../list/list-keys.ts";
import { setRead } from "../list/unread.ts";
import { onSight } from "../now.ts";
import { Ghosts } from "../parts/ghosts.tsx";
import { archive, askToCancel, rerun } from "../remedy.ts";
import { canContinue } from "../words/attention.ts";
import { followRun, missing, resetRun, run } from "./live-run.ts";
import { RunView } from "./run-view.tsx";
import { tabsOf } from "./tabs.ts";
import { togglePhases } from "./waterfall.tsx";

/** One run, live. */
export function RunPlace({ id }: { id: string }) {
  useEffect(() => follow(id), [id]);
  useEffect(() => addKeys(RUN_KEYS), []);
  const isDone = run.value?.done ?? false;
  useEffect(() => {
    if (isDone) setRead([id], true);
  }, [id, isDone]);
  if (missing.value !== null) return <Missing id={id} why={missing.value} />;
  const shown = run.value;
  if (shown === null || shown.id !== id) return <Loading />;
  return <RunView run={shown} />;
}

/** Follows it while the page can be seen. */
function follow(id: string): () => void {
  resetRun();
  let following: AbortController | undefined;
  const change = (isSeen: boolean) => {
    if (isSeen === (following !== undefined)) return;
    following?.abort();
    following = isSeen ? new AbortController() : undefined;
    if (following) void followRun(id, following.signal);
  };
  change(!document.hidden);
  const stop = onSight(change);
  return () => {
    stop();
    following?.abort();
  };
}

const Loading = () => (
  <main class="page" aria-busy="true">
    <Ghosts />
  </main>
);

const withRun = (action: (shown: NonNullable<typeof run.value>) => void) => () => {
  if (run.value !== null) action(run.value);
};

const toTab = (index: number) =>
  withRun((shown) => {
    const tab = tabsOf(shown)[index];
    if (tab) go(hrefOf({ ...address.value, tab: tab.name }), { replaces: true });
  });

const RUN_KEYS = {
  Escape: toList,
  x: withRun((shown) => !shown.done && askToCancel(shown)),
  r: withRun((shown) => {
    if (shown.done) void compose({ kind: canContinue(shown) ? "continue" : "rerun", run: shown });
    else void rerun(shown);
  }),
  e: withRun((shown) => shown.done && void archive(shown)),
  p: togglePhases,
  j: withRun(({ id }) => goToNeighbour(id, 1)),
  k: withRun(({ id }) => goToNeighbour(id, -1)),
  f: () => document.getElementById("follow-up")?.focus(),
  ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((i) => [String(i + 1), toTab(i)])),
};

function Missing({ id, why }: { id: string; why: string }) {
  return (
    <main class="page">
      <div class="mid">
        <h1>There is no such run</h1>
        <p class="ink2">
          <code>{id}</code> was deleted, or belongs to another owner.
        </p>
        <p class="small ink3">{why}</p>
        <a class="button" href={hrefOf({ filter: address.value.filter })}>
          All runs
        </a>
      </div>
    </main>
  );
}
