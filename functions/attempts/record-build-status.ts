import { attemptOfTags, type TaggedAttempt } from "../../shared/attempt/build-plan.ts";
import { type BuildRef, buildRef, isOver } from "../../shared/attempt/build-view.ts";
import type { Slot } from "../../shared/capacity/slot.ts";
import { runPrefix } from "../../shared/documents/attempt.ts";
import type { RunState } from "../../shared/run/record.ts";
import type { Services } from "../services/services.ts";
import { admit, followBuild } from "./settle-attempt.ts";

/** The fields of a `cloud-builds` message that matter here. Anything may be missing or new. */
interface BuildMessage {
  id?: unknown;
  name?: unknown;
  tags?: unknown;
  status?: unknown;
}

/**
 * Who has created such a build is just about to store its name; should it have died, the next
 * message or the lease's end brings the run on.
 */
const BEFORE_WORK: readonly unknown[] = ["PENDING", "QUEUED"];

/** An id as Cloud Build makes them; what is none names no build. */
const ID = /^[\w-]{1,100}$/;
/** Messages have the project's number, where the names that we know have its id. */
const LOCATION = /^projects\/[^/]+\/(locations\/[a-z0-9-]{1,60})\/builds\//;

/**
 * Handles a message of `cloud-builds`. It may be late, repeated, out of order, about another
 * attempt or about a build of somebody else: it is a hint to go and look, nothing in it is
 * believed but that there is nothing to see yet.
 */
export async function recordBuildStatus(services: Services, message: unknown): Promise<void> {
  const { id, name, tags, status } = (message ?? {}) as BuildMessage;
  if (BEFORE_WORK.includes(status)) return;
  if (typeof id !== "string" || !ID.test(id) || !Array.isArray(tags)) return;
  const target = attemptOfTags(tags);
  if (target === undefined) return;
  const read = await services.runs.read(target.runId);
  const isCurrent = read && target.attempt === read.record.state.attempt && !read.record.run.done;
  const ref = refOf(services, { id, name, state: read?.record.state });
  if (isCurrent) await followBuild(services, read, ref);
  else await endStray(services, target, ref);
}

/** Where the build is: the run knows it, or where its builds are created, or the message says. */
function refOf(
  { builds }: Services,
  { id, name, state }: { id: string; name: unknown; state: RunState | undefined },
): BuildRef {
  if (state?.build?.id === id) return state.build;
  const [, location] = LOCATION.exec(typeof name === "string" ? name : "") ?? [];
  const project = builds.parent.replace(/\/locations\/.*$/, "");
  const told = location && `${project}/${location}`;
  return buildRef(state?.parent ?? told ?? builds.parent, id);
}

/** Whether a build is what came of a create without a known outcome. */
const isOfCreate = ({ state, id, holder }: Slot, tagged: TaggedAttempt): boolean =>
  state === "unknown" && id === tagged.slot && holder?.attempt === tagged.attempt;

/**
 * Superseded. Its claim is sealed or another's, so no agent runs in it; it only costs money and a
 * slot.
 */
async function endStray(services: Services, tagged: TaggedAttempt, ref: BuildRef): Promise<void> {
  const { runId } = tagged;
  const build = await services.builds.get(ref);
  if (build === undefined) return;
  if (!build.input.startsWith(services.artifacts.uriOf(runPrefix(runId)))) return;
  if (!isOver(build.status)) {
    await services.builds.cancel(ref);
    return;
  }
  for (const slot of await services.capacity.slotsOf(runId)) {
    const { id, holder, build: own, needed } = slot;
    if (holder === null || needed) continue;
    const isItsBuild = own === null ? isOfCreate(slot, tagged) : own.id === ref.id;
    if (!isItsBuild) continue;
    await services.capacity.changeSlot({ id, holder, event: { type: "over", build: ref } });
    await admit(services, slot.machineType);
  }
}
