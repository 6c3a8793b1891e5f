import { statusEvent } from "../../shared/documents/status-event.ts";
import type { RunEvent, RunRecord } from "../../shared/run/record.ts";
import { untold } from "../../shared/run/telling.ts";
import type { Services } from "../services/services.ts";

/**
 * Tells `run-events` of a run's changes of status that it was not told of, oldest first, and has
 * that noted in the run. Whoever dies between the two leaves both to be done again.
 *
 * @param note applies an event to the run
 */
export async function tellChanges(
  { publisher, eventSource }: Services,
  record: RunRecord,
  note: (event: RunEvent) => Promise<unknown>,
): Promise<void> {
  const changes = untold(record);
  const told = { source: eventSource, depth: record.state.origin?.depth };
  for (const change of changes) {
    const event = statusEvent(record.run, change, told);
    const { webhook } = record.state;
    const attributes = { ...event.attributes, ...(webhook !== undefined && { webhook }) };
    await publisher.publishEvent({ ...event, attributes });
  }
  const last = changes.at(-1);
  if (last !== undefined) await note({ type: "told", version: last.version });
}
