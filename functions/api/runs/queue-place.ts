import type { QueuePlace } from "../../../shared/capacity/place.ts";
import type { Services } from "../../services/services.ts";

/**
 * A run's place in its line for a build slot, now. It is stored nowhere: each slot that is given
 * away would change it for all who wait. Undefined: the run waits for none.
 */
export async function queuePlaceOf(
  { runs, capacity }: Services,
  { id, status }: { id: string; status: string },
): Promise<QueuePlace | undefined> {
  if (status !== "pending") return undefined;
  const read = await runs.read(id);
  return read && capacity.placeOf(read);
}
