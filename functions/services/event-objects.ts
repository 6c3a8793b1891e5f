import type { IncomingEvent } from "../../shared/triggers/incoming-event.ts";

/** Events as objects, each kept for 30 days. */
export interface EventObjects {
  /**
   * Keeps an event, once however often it is asked to.
   *
   * @returns the object's name, which its content decides
   */
  keep(event: IncomingEvent): Promise<string>;
  /** The event of an object; undefined: it is not kept any more. */
  read(object: string): Promise<IncomingEvent | undefined>;
}
