import { attemptOfTags } from "../../shared/attempt/build-plan.ts";
import { isOver, parseBuildStatus } from "../../shared/attempt/build-view.ts";
import type { Services } from "../services/services.ts";
import { followBuild } from "./settle-attempt.ts";

/** The fields of a `cloud-builds` message that matter here. Anything may be missing or new. */
interface BuildMessage {
  id?: unknown;
  status?: unknown;
  tags?: unknown;
}

/**
 * Handles a message of `cloud-builds`. It may be late, repeated, out of order, about another attempt or
 * about a build of somebody else: it is a hint to go and look, nothing in it is believed.
 */
export async function recordBuildStatus(services: Services, message: unknown): Promise<void> {
  const { id, status, tags } = (message ?? {}) as BuildMessage;
  if (typeof id !== "string" || !Array.isArray(tags)) return;
  const target = attemptOfTags(tags);
  if (target === undefined) return;
  const record = await services.runs.getRecord(target.runId);
  if (record === undefined) {
    services.log("WARNING", "a build of a run that does not exist", { ...target, buildId: id });
    return;
  }
  const ref = services.builds.refOf(id);
  if (target.attempt !== record.state.attempt || record.run.done) {
    // Superseded. Its claim is sealed or another's, so no agent runs in it; it only costs money.
    if (!isOver(parseBuildStatus(status))) await services.builds.cancel(ref);
    return;
  }
  await followBuild(services, record, ref);
}
