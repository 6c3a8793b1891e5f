import { type Conversation, endTurn } from "../documents/conversation.ts";
import type { Changed, Effect, RunRecord } from "./record.ts";
import { next } from "./run.ts";

/** What the end of a run does to its conversation. */
export interface PassedTurn {
  conversation: Conversation;
  /** The run whose turn it now is, to be written with it; undefined: nobody waits. */
  woken: Changed | undefined;
  /** What is owed after the commit. */
  effects: Effect[];
}

/**
 * Passes the turn of a run that has ended to the next that waits, with what the ended one left. A
 * run in the queue that is gone, or that waits no longer, is passed over.
 *
 * @param before the conversation as the ended run's transaction read it
 * @param world.now the transaction's read time
 * @param world.read a run as that transaction reads it; undefined: there is none
 */
export async function passTurn(
  before: Conversation,
  ended: RunRecord,
  { now, read }: { now: Date; read(runId: string): Promise<RunRecord | undefined> },
): Promise<PassedTurn> {
  const restore = ended.state.session;
  let conversation = endTurn(before, ended.run.id, now);
  while (conversation.activeRun !== before.activeRun && conversation.activeRun !== null) {
    const waiting = await read(conversation.activeRun);
    const woken = waiting && next(waiting, { type: "turn", restore }, now);
    if (woken?.changed) {
      const { run, state } = woken.record;
      const effects: Effect[] = [{ type: "publishTurn", runId: run.id, trace: state.trace }];
      return { conversation, woken, effects };
    }
    conversation = endTurn(conversation, conversation.activeRun, now);
  }
  return { conversation, woken: undefined, effects: [] };
}
