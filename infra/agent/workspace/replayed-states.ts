import { changesBetween, commandsOf, commit, refOf } from "./git.ts";
import type { States } from "./git-states.ts";

/**
 * Remembers the state as the one that the run's turn began with; what is recorded later adds to
 * that.
 */
export async function keepAsTurn(states: States): Promise<void> {
  await commit(states, { name: TURN, parent: states.refs.restored }, []);
  states.turn = refOf(TURN);
}

const TURN = "turn";

/**
 * What the agent found, had its attempt not gone on from another's: the state before it, without
 * what the run's attempts before have changed.
 *
 * @returns its ref.
 */
export async function withoutAttempts(states: States): Promise<string> {
  const { before = "", restored = "" } = states.refs;
  if (states.turn === undefined) return before;
  return replay(states, { from: restored, to: states.turn, onto: before, name: "found" });
}

/**
 * What the agent changed, on top of `restored`: the state without what the setup commands did,
 * since they run again in the next turn.
 *
 * @returns its ref.
 */
export async function withoutSetup(states: States): Promise<string> {
  const { before = "", restored = "", after = "" } = states.refs;
  if (before === restored) return after;
  return replay(states, { from: before, to: after, onto: restored, name: "kept" });
}

/** A state with what lies between two others. @returns its ref. */
async function replay(
  states: States,
  { from, to, onto, name }: Record<"from" | "to" | "onto" | "name", string>,
): Promise<string> {
  const changes = await changesBetween(states, from, to);
  await commit(states, { name, parent: onto }, commandsOf(changes));
  return refOf(name);
}
