import type { Run } from "../../client/types.ts";
import { address, go, hrefOf } from "../address.ts";
import type { KeyMap } from "../keys.ts";
import { archive, askToCancel, rerun } from "../remedy.ts";
import { arranged } from "./arranged.ts";
import { isPossible } from "./bulk.ts";
import { current, toggleSelected } from "./selection.ts";
import { isUnread, setRead } from "./unread.ts";

const listed = (): Run[] => arranged.value.flatMap(({ runs }) => runs);

/** The run that keys act on: one that somebody went to. */
const currentRun = (): Run | undefined => listed().find(({ id }) => id === current.value);

/** @param show brings a run into sight and gives it the focus */
export function listKeys(show: (id: string) => void): KeyMap {
  const move = (by: number) => () => {
    const all = listed();
    const index = all.findIndex(({ id }) => id === current.value);
    const next = all[Math.min(all.length - 1, Math.max(0, index + by))];
    if (next === undefined) return;
    current.value = next.id;
    show(next.id);
  };
  const withRun = (action: (run: Run) => void) => () => {
    const run = currentRun();
    if (run !== undefined) action(run);
  };
  return {
    j: move(1),
    k: move(-1),
    "/": () => document.getElementById("search-runs")?.focus(),
    Enter: withRun(({ id }) => go(hrefOf({ run: id, filter: address.value.filter }))),
    " ": withRun(({ id }) => toggleSelected(id)),
    x: withRun((run) => isPossible("cancel", run) && askToCancel(run)),
    r: withRun((run) => void rerun(run)),
    e: withRun((run) => isPossible("archive", run) && void archive(run)),
    u: withRun((run) => run.done && setRead([run.id], isUnread(run))),
  };
}

/** Opens a run beside another one of the list, as it was arranged last. */
export function goToNeighbour(id: string, by: number): void {
  const all = listed();
  const index = all.findIndex((run) => run.id === id);
  const next = index < 0 ? undefined : all[index + by];
  if (next === undefined) return;
  current.value = next.id;
  go(hrefOf({ run: next.id, filter: address.value.filter }), { replaces: true });
}
