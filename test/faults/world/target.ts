import { newSlot } from "../../../shared/capacity/slot.ts";
import { isPaused, newTarget, type Target } from "../../../shared/capacity/target.ts";
import { shardOf } from "../../../shared/shard.ts";
import type { MemoryDatabase } from "../clients/firestore-database.ts";
import { decoded, fieldsFrom } from "./fields.ts";

/** Below the quota of a project, which is 75 as far as anybody has seen. */
const CREATES_PER_MINUTE = 60;

const MACHINE_TYPE = "E2_STANDARD_2";

interface Deployed {
  projectId: string;
  slots: number;
  /** Whether it was used before, so that its slots are there. */
  areSlotsMade?: boolean;
  createsPerMinute?: number | undefined;
}

/** Writes what whoever deploys writes: the one target. */
export function deployTarget(
  database: MemoryDatabase,
  { projectId, slots, areSlotsMade = false, createsPerMinute = CREATES_PER_MINUTE }: Deployed,
): void {
  const target = newTarget({
    id: "here",
    projectId,
    location: "us-central1",
    slots: { [MACHINE_TYPE]: slots },
    createsPerMinute,
  });
  const root = `projects/${projectId}/databases/(default)/documents`;
  const put = (path: string, document: object) =>
    database.commit([{ update: { name: `${root}/${path}`, fields: fieldsFrom(document) } }]);
  put(`targets/${target.id}`, {
    ...target,
    made: areSlotsMade ? { [MACHINE_TYPE]: slots } : target.made,
  });
  if (!areSlotsMade) return;
  for (let n = 0; n < slots; n += 1) {
    const slot = newSlot(target, { machineType: MACHINE_TYPE, n }, n / slots);
    put(`slots/${slot.id}`, { ...slot, shard: shardOf(slot.id) });
  }
}

/** Whether nothing is created in it for the time being. */
export function isTargetPaused(database: MemoryDatabase, nowMs: number): boolean {
  const targets = database.collection("targets").map((document) => decoded(document) as Target);
  return targets.some((target) => isPaused(target, new Date(nowMs)));
}
