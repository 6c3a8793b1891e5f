import type { Clock } from "../../../shared/clock.ts";
import type { AgentFacts } from "../../../shared/documents/manifest.ts";
import { oneLine } from "../text.ts";
import type { AgentProcess } from "./launch.ts";

/** Processes that an agent left at work and that were ended, as people read of them. */
export type LeftProcesses = NonNullable<AgentFacts["leftProcesses"]>;

/** How long what an agent left may go on. */
interface LeftoverTime {
  graceMs: number;
  clock: Clock;
  /** It has to end at once. */
  isOver(): boolean;
}

const FIRST_POLL_MS = 10;
const MAX_POLL_MS = 200;

/**
 * Waits until nothing is left of an agent that has ended, or the time of what is left is over.
 *
 * Looks from outside: nothing in a sandbox is asked what it is. Where nothing is left it does not
 * wait.
 *
 * @returns whether something is still at work
 */
export async function awaitLeftovers(
  agent: Pick<AgentProcess, "left">,
  { graceMs, clock, isOver }: LeftoverTime,
): Promise<boolean> {
  const endsAt = clock.now() + graceMs;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(2 * pollMs, MAX_POLL_MS)) {
    if (agent.left().length === 0) return false;
    const leftMs = endsAt - clock.now();
    if (leftMs <= 0 || isOver()) return true;
    await new Promise<void>((resolve) => clock.after(Math.min(pollMs, leftMs), resolve));
  }
}

/** Processes that are named; of others the number is told. */
const MAX_NAMED = 10;
const COMMAND_LENGTH = 100;

/** What is at work now, by its commands. `hide` puts out of a text what nobody may see. */
export function namesOfLeft(
  agent: Pick<AgentProcess, "left">,
  hide: (text: string) => string,
): LeftProcesses {
  const left = agent.left();
  const named = left.slice(0, MAX_NAMED);
  return {
    commands: named.map((one) => oneLine(hide(one.command()), COMMAND_LENGTH)),
    more: left.length - named.length,
  };
}
