import type { Conversation, Run } from "../../client/types.ts";
import { counted, usdText } from "../words/amounts.ts";
import { markOf } from "../words/status.ts";

/**
 * The turns in their order: those that were asked for, each in its latest state, and those that
 * came since.
 */
export function turnsOf({ id, items }: Conversation, live: Iterable<Run>): Run[] {
  const turns = new Map(items.map((run) => [run.id, run]));
  for (const run of live) {
    if (run.conversation.id !== id) continue;
    const known = turns.get(run.id);
    if (known === undefined || versionOf(run) >= versionOf(known)) turns.set(run.id, run);
  }
  return [...turns.values()].sort((one, other) => one.conversation.turn - other.conversation.turn);
}

const versionOf = ({ history }: Run): number => history.at(-1)?.version ?? 0;

/** The turn at work; undefined: none is. A later one that is pending waits for it. */
export const turnAtWork = (turns: readonly Run[]): Run | undefined =>
  turns.find(({ done }) => !done);

/** The head of a conversation, without a full stop. */
export function conversationHead(turns: readonly Run[]): string {
  const atWork = turnAtWork(turns);
  const last = turns.at(-1);
  if (last === undefined) return "No turn is left";
  if (atWork === undefined) {
    const word = markOf(last, false).word.toLowerCase();
    return turns.length === 1 ? `One turn: ${word}` : `${turns.length} turns; the last: ${word}`;
  }
  const { turn } = atWork.conversation;
  const waiting = turns.filter(({ done }) => !done).length - 1;
  const waits = waiting === 0 ? "" : `, ${waiting} ${waiting === 1 ? "waits" : "wait"}`;
  const does =
    atWork.status === "running" || atWork.status === "cancelling" ? "is at work" : "waits";
  return `Turn ${turn} ${does}${waits}`;
}

/** What all turns have cost; undefined: that is not known of any. */
export function costOf(turns: readonly Run[]): string | undefined {
  const known = turns.flatMap(({ usage }) => usage?.costUsd ?? []);
  if (known.length === 0) return undefined;
  const sum = known.reduce((all, cost) => all + cost, 0);
  return `${usdText(sum)} in ${counted(known.length, "turn")}`;
}

/** A file that turns have changed, with what each of them added and removed. */
export interface TouchedFile {
  path: string;
  added: number;
  removed: number;
}

/** The files that turns have changed, in the order in which they first did. */
export function touchedFiles(turns: readonly Run[]): TouchedFile[] {
  const files = new Map<string, TouchedFile>();
  for (const { path, added, removed } of turns.flatMap(
    ({ output }) => output?.changedFiles ?? [],
  )) {
    const before = files.get(path) ?? { path, added: 0, removed: 0 };
    const sum = { added: before.added + (added ?? 0), removed: before.removed + (removed ?? 0) };
    files.set(path, { path, ...sum });
  }
  return [...files.values()];
}
