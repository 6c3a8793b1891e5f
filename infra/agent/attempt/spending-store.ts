import { type AttemptInput, spendingObjects } from "../../../shared/documents/attempt.ts";
import type { SpendingStore } from "../model/spending.ts";
import type { Objects } from "./objects.ts";

/**
 * Spending as objects that are each created once, as builds may: the bounds that an attempt has
 * raised in turn. What one has spent that ended in order its manifest says, and the input of those
 * after it; one that vanished counts with its last bound.
 */
export function spendingStore(
  objects: Objects,
  { runId, attempt, spentBefore = [] }: Pick<AttemptInput, "runId" | "attempt" | "spentBefore">,
): SpendingStore {
  const own = spendingObjects(runId, attempt);
  return {
    async earlierUsd() {
      let sum = 0;
      for (let earlier = 1; earlier < attempt; earlier += 1) {
        const told = spentBefore.find((spent) => spent.attempt === earlier)?.spentUsd;
        sum += told ?? (await spentBy(objects, spendingObjects(runId, earlier)));
      }
      return sum;
    },
    async raise(step, upToUsd) {
      await objects.createOnce(own.step(step), JSON.stringify({ upToUsd }));
    },
  };
}

async function spentBy(
  objects: Objects,
  paths: ReturnType<typeof spendingObjects>,
): Promise<number> {
  const settled = await objects.find(paths.settled);
  if (settled) return Number(JSON.parse(settled.toString()).spentUsd);
  let upToUsd = 0;
  for (let step = 0; ; step += 1) {
    const raised = await objects.find(paths.step(step));
    if (raised === undefined) return upToUsd;
    upToUsd = Number(JSON.parse(raised.toString()).upToUsd);
  }
}
