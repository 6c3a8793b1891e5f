import type { AgentEvent, ReportedEvent } from "../../../shared/documents/event.ts";
import { textEvent } from "../../../shared/documents/event.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";

/** The events that are not reported yet, in their order. */
export interface EventQueue {
  add(event: AgentEvent): void;
  isEmpty(): boolean;
  /** The oldest ones, as many as one report takes. They stay until they are removed. */
  batch(): ReportedEvent[];
  /** Removes what {@link EventQueue.batch} gave. */
  remove(batch: readonly ReportedEvent[]): void;
}

const MAX_EVENTS = 5_000;
/** Bytes of a batch as JSON; one event has at most some 24 KiB. */
const BATCH_BYTES = 256 * 1024;

/**
 * A queue of at most `maxEvents`. While it is full, what comes is left out, and its last event says how
 * much that was.
 */
export function openEventQueue(maxEvents = MAX_EVENTS): EventQueue {
  let waiting: ReportedEvent[] = [];
  let count = 0;
  let gap: { last: ReportedEvent; leftOut: number } | undefined;
  const push = (event: AgentEvent): ReportedEvent => {
    count += 1;
    const numbered = { number: count, event };
    waiting.push(numbered);
    return numbered;
  };
  return {
    add(event) {
      if (waiting.length < maxEvents - 1) {
        gap = undefined;
        push(event);
        return;
      }
      const leftOut = (gap?.leftOut ?? 0) + 1;
      const told = textEvent(`[${leftOut} events are left out here: they came too fast.]`);
      gap = { last: gap?.last ?? push(told), leftOut };
      gap.last.event = told;
    },
    isEmpty: () => waiting.length === 0,
    batch() {
      let left = BATCH_BYTES;
      const most = waiting.slice(0, RUN_LIMITS.reportedEvents);
      const end = most.findIndex((numbered, index) => {
        left -= Buffer.byteLength(JSON.stringify(numbered)) + 1;
        return left < 0 && index > 0;
      });
      return end === -1 ? most : most.slice(0, end);
    },
    remove(batch) {
      const last = batch.at(-1)?.number ?? 0;
      waiting = waiting.filter(({ number }) => number > last);
    },
  };
}
