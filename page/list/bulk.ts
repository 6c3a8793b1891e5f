import { signal } from "@preact/signals";
import type { Run } from "../../client/types.ts";
import { api, endedSession, faultOf } from "../session.ts";
import { selected } from "./selection.ts";

/** What can be done to many runs at once. */
export type BulkAction = "cancel" | "rerun" | "archive" | "delete";

/** How far it is; null: nothing is being done. */
export interface BulkProgress {
  action: BulkAction;
  total: number;
  done: number;
  /** What was not done, and why. */
  faults: { id: string; why: string }[];
}

export const bulk = signal<BulkProgress | null>(null);

/** Requests at a time: the API has a limit a minute, and says itself when to come again. */
const AT_ONCE = 4;

/** Whether an action is possible with a run: what the API would refuse is not offered. */
export function isPossible(action: BulkAction, { done, status }: Run): boolean {
  if (action === "cancel") return !done && status !== "cancelling";
  return action === "rerun" || done;
}

/** Does it to each of these runs; what fails stays selected. */
export async function doToAll(action: BulkAction, runs: readonly Run[]): Promise<void> {
  const left = runs.filter((run) => isPossible(action, run));
  bulk.value = { action, total: left.length, done: 0, faults: [] };
  await Promise.all(Array.from({ length: AT_ONCE }, () => doNext(action, left)));
  selected.value = new Set(bulk.value?.faults.map(({ id }) => id));
}

async function doNext(action: BulkAction, left: Run[]): Promise<void> {
  for (let run = left.shift(); run !== undefined; run = left.shift()) {
    const { id } = run;
    const fault = await doTo(action, id).then(
      () => undefined,
      (error: unknown) => (endedSession(error) ? undefined : faultOf(error)),
    );
    const before = bulk.value;
    if (before === null) return;
    bulk.value = {
      ...before,
      done: before.done + (fault === undefined ? 1 : 0),
      faults: fault === undefined ? before.faults : [...before.faults, { id, why: fault }],
    };
  }
}

async function doTo(action: BulkAction, id: string): Promise<void> {
  const { runs } = api();
  if (action === "cancel") await runs.cancel(id);
  else if (action === "rerun") await runs.rerun(id);
  else if (action === "archive") await runs.archive(id);
  else await runs.delete(id);
}
