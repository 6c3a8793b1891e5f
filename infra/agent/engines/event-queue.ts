import type { Clock } from "../../../shared/clock.ts";
import type { AgentEvent, ReportedEvent } from "../../../shared/documents/event.ts";
import { textEvent } from "../../../shared/documents/event.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { counted } from "../../../shared/text.ts";

/** The events that are not reported yet, in their order. */
export interface EventQueue {
  add(event: AgentEvent): void;
  isEmpty(): boolean;
  /** Whether there are as many as one report takes. */
  fillsReport(): boolean;
  /** The oldest ones, as many as one report takes. They stay until they are removed. */
  batch(): ReportedEvent[];
  /** Removes what {@link EventQueue.batch} gave. */
  remove(batch: readonly ReportedEvent[]): void;
}

const MAX_EVENTS = 5_000;
/** Bytes of a batch as JSON; one event has at most some 24 KiB. */
const BATCH_BYTES = 256 * 1024;

/** An event and when it happened, in milliseconds since the epoch. */
interface Waiting {
  number: number;
  at: number;
  event: AgentEvent;
}

/**
 * A queue of at most `maxEvents`. While it is full, what comes is left out, and its last event says
 * how much that was. A phase that is over before its beginning was reported is one event: its end.
 */
export function openEventQueue(clock: Pick<Clock, "now">, maxEvents = MAX_EVENTS): EventQueue {
  let waiting: Waiting[] = [];
  let count = 0;
  /** Number of the last event that was given out. */
  let given = 0;
  let gap: { last: Waiting; leftOut: number } | undefined;
  const push = (event: AgentEvent): Waiting => {
    count += 1;
    const numbered = { number: count, at: clock.now(), event };
    waiting.push(numbered);
    return numbered;
  };
  return {
    add(event) {
      const last = waiting.at(-1);
      if (last && last.number > given && isEndOf(event, last.event)) {
        Object.assign(last, { at: clock.now(), event });
        return;
      }
      if (waiting.length < maxEvents - 1) {
        gap = undefined;
        push(event);
        return;
      }
      const leftOut = (gap?.leftOut ?? 0) + 1;
      const told = textEvent(
        `[${counted(leftOut, "event")} ${leftOut === 1 ? "is" : "are"} left out here: they came too fast.]`,
      );
      gap = { last: gap?.last ?? push(told), leftOut };
      gap.last.event = told;
    },
    isEmpty: () => waiting.length === 0,
    fillsReport: () => waiting.length >= RUN_LIMITS.reportedEvents,
    batch() {
      let left = BATCH_BYTES;
      const now = clock.now();
      const most = waiting.slice(0, RUN_LIMITS.reportedEvents).map(({ number, at, event }) => ({
        number,
        agoMs: Math.max(0, Math.round(now - at)),
        event,
      }));
      const end = most.findIndex((numbered, index) => {
        left -= Buffer.byteLength(JSON.stringify(numbered)) + 1;
        return left < 0 && index > 0;
      });
      const batch = end === -1 ? most : most.slice(0, end);
      given = Math.max(given, batch.at(-1)?.number ?? 0);
      return batch;
    },
    remove(batch) {
      const last = batch.at(-1)?.number ?? 0;
      waiting = waiting.filter(({ number }) => number > last);
    },
  };
}

const isEndOf = (event: AgentEvent, begun: AgentEvent): boolean =>
  event.type === "phase" &&
  begun.type === "phase" &&
  begun.state === "started" &&
  event.name === begun.name;
