import { isPaused, newTarget, type Target } from "../../../shared/capacity/target.ts";
import type { MemoryDatabase } from "../clients/firestore-database.ts";
import { decoded, fieldsFrom } from "./fields.ts";

/** Below the quota of a project, which is 75 as far as anybody has seen. */
const CREATES_PER_MINUTE = 60;

/** Writes what whoever deploys writes: the one target. */
export function deployTarget(
  database: MemoryDatabase,
  {
    projectId,
    slots,
    createsPerMinute = CREATES_PER_MINUTE,
  }: { projectId: string; slots: number; createsPerMinute?: number | undefined },
): void {
  const target = newTarget({
    id: "here",
    projectId,
    location: "us-central1",
    slots: { E2_STANDARD_2: slots },
    createsPerMinute,
  });
  const name = `projects/${projectId}/databases/(default)/documents/targets/${target.id}`;
  database.commit([{ update: { name, fields: fieldsFrom(target) } } as never]);
}

/** Whether nothing is created in it for the time being. */
export function isTargetPaused(database: MemoryDatabase, nowMs: number): boolean {
  const targets = database.collection("targets").map((document) => decoded(document) as Target);
  return targets.some((target) => isPaused(target, new Date(nowMs)));
}
