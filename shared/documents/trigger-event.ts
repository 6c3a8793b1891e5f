import type { Trigger } from "../triggers/trigger.ts";
import type { EventMessage } from "./status-event.ts";

/** The CloudEvent that says that a trigger paused itself; the same each time that it is told. */
export function pausedEvent(
  { id, owner, name, revision, pausedWhy }: Trigger,
  { source, at }: { source: string; at: Date },
): EventMessage {
  return {
    attributes: {
      "ce-specversion": "1.0",
      "ce-id": `${id}-${revision}-paused`,
      "ce-source": source,
      "ce-type": "runyard.trigger.paused.v1",
      "ce-subject": id,
      "ce-time": at.toISOString(),
      "content-type": "application/json",
    },
    json: { id, owner, name, revision, pausedWhy },
  };
}
