import type { IncomingEvent } from "./incoming-event.ts";

/**
 * A message of `trigger-fires`, to which our own functions alone publish: an event and the triggers
 * that are asked whether it starts a run, at most fifty.
 */
export type Fires = EventFires | TickFires;

interface EventFires {
  triggerIds: string[];
  /** The event, if it is at most 256 KiB as JSON. */
  event?: IncomingEvent;
  /** The object `events/{sha256}` that has it else. */
  object?: string;
  /** The dedupe key of triggers that name none, if it is not the event's source and id. */
  key?: string;
}

/** A tick of a schedule. */
interface TickFires {
  triggerId: string;
  /** RFC 3339. */
  tick: string;
}
