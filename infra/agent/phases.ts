import type { Clock } from "../../shared/clock.ts";
import type { AgentEvent, PhaseTime } from "../../shared/documents/event.ts";

/** What an attempt goes through in its runner, one phase after the other. */
export interface Phases {
  /** Ends the phase that the attempt is in, and begins another; of the same one nothing. */
  enter(name: PhaseTime["name"]): void;
  /** Ends the phase that the attempt is in. */
  leave(state?: "done" | "failed"): void;
  /** Tells what has happened, and from now on what happens. */
  tell(add: (event: AgentEvent) => void): void;
  /** The phases that are over, in their order. */
  times(): PhaseTime[];
}

export function trackPhases(clock: Pick<Clock, "now">): Phases {
  const times: PhaseTime[] = [];
  const untold: AgentEvent[] = [];
  let add = (event: AgentEvent): void => void untold.push(event);
  let current: { name: PhaseTime["name"]; startedAt: number } | undefined;
  const leave = (state: "done" | "failed" = "done"): void => {
    if (current === undefined) return;
    const { name, startedAt } = current;
    const ms = Math.max(0, Math.round(clock.now() - startedAt));
    current = undefined;
    times.push({ name, ms });
    add({ type: "phase", name, state, ms });
  };
  return {
    enter(name) {
      if (current?.name === name) return;
      leave();
      current = { name, startedAt: clock.now() };
      add({ type: "phase", name, state: "started" });
    },
    leave,
    tell(listener) {
      add = listener;
      for (const event of untold.splice(0)) add(event);
    },
    times: () => [...times],
  };
}
