import { endTurn, type Turns } from "../documents/conversation.ts";
import type { Session } from "../documents/session.ts";
import type { Changed, Effect, RunRecord } from "./record.ts";
import { next } from "./run.ts";

/** What the end of a run does to those whose turn it is, of a conversation or a lane. */
export interface PassedTurn<T extends Turns> {
  turns: T;
  /** The run whose turn it now is, to be written with it; undefined: nobody waits. */
  woken: Changed | undefined;
  /** What is owed after the commit. */
  effects: Effect[];
}

interface World {
  now: Date;
  restore: Session | null;
  read(runId: string): Promise<RunRecord | undefined>;
}

/**
 * Passes the turn of a run that has ended to the next that waits, with what it goes on from. A
 * run in the queue that is gone, or that waits no longer, is passed over.
 *
 * @param before as the ended run's transaction read it
 * @param world.restore what the next one begins with
 * @param world.now the transaction's read time
 * @param world.read a run as that transaction reads it; undefined: there is none
 */
export async function passTurn<T extends Turns>(
  before: T,
  ended: RunRecord,
  { now, restore, read }: World,
): Promise<PassedTurn<T>> {
  let turns = endTurn(before, ended.run.id, now);
  while (turns.activeRun !== before.activeRun && turns.activeRun !== null) {
    const waiting = await read(turns.activeRun);
    const woken = waiting && next(waiting, { type: "turn", restore }, now);
    if (woken?.changed) {
      const { run, state } = woken.record;
      const effects: Effect[] = [{ type: "publishTurn", runId: run.id, trace: state.trace }];
      return { turns, woken, effects };
    }
    turns = endTurn(turns, turns.activeRun, now);
  }
  return { turns, woken: undefined, effects: [] };
}
