import type { BuildView } from "../../shared/attempt/build-view.ts";
import { isOver, parentOfBuild } from "../../shared/attempt/build-view.ts";
import type { Slot, SlotEvent } from "../../shared/capacity/slot.ts";
import { parentOf } from "../../shared/capacity/target.ts";
import { after } from "../../shared/clock.ts";
import { CAPACITY } from "../../shared/limits.ts";
import type { LiveBuild } from "../services/builds.ts";
import type { Services } from "../services/services.ts";
import { targetOf } from "./admit.ts";
import { followBuild } from "./settle-attempt.ts";

/** Live builds by the parent that they are in, listed once for all slots that are looked at. */
type Lists = (parent: string) => Promise<LiveBuild[]>;

/** Lists each parent once. */
export function listsOf({ builds }: Services): Lists {
  const lists = new Map<string, Promise<LiveBuild[]>>();
  return (parent) => {
    const list = lists.get(parent) ?? builds.listLive(parent);
    lists.set(parent, list);
    return list;
  };
}

/**
 * Looks at a slot that is held: whether its build is still live, and whether it should be. What
 * nobody needs is cancelled until it is over.
 *
 * @param of.now by the database's clock
 */
export async function visitSlot(
  services: Services,
  slot: Slot,
  { now, lists }: { now: Date; lists: Lists },
): Promise<void> {
  if (slot.build === null) return visitBuildless(services, slot, { now, lists });
  const live = await lists(parentOfBuild(slot.build));
  const isListed = live.some(({ ref }) => ref.id === slot.build?.id);
  if (isListed && slot.needed) return looked(services, slot, after(now, CAPACITY.look));
  const build = isListed ? undefined : await services.builds.get(slot.build);
  const isLive = isListed || (build !== undefined && !isOver(build.status));
  if (isLive) return endUnneeded(services, slot, now);
  // Of a build that Cloud Build does not know nothing is believed before its hard limit.
  if (build === undefined && !isPast(slot, now)) {
    return looked(services, slot, after(now, CAPACITY.cancelStep));
  }
  await settleHolder(services, slot, { build, now });
}

async function endUnneeded(services: Services, slot: Slot, now: Date): Promise<void> {
  if (slot.build === null || slot.needed) return looked(services, slot, after(now, CAPACITY.look));
  await looked(services, slot, after(now, CAPACITY.cancelStep));
  await services.builds.cancel(slot.build);
}

/** The build is over; its run may not know. */
async function settleHolder(
  services: Services,
  slot: Slot,
  { build, now }: { build: BuildView | undefined; now: Date },
): Promise<void> {
  const { holder, build: ref } = slot;
  const read = holder && (await services.runs.read(holder.runId));
  const isCurrent = read?.record.state.slot === slot.id && !read.record.run.done;
  if (read && ref && isCurrent)
    await followBuild(services, { ...read, isPast: isPast(slot, now) }, ref);
  const current = await services.capacity.slot(slot.id);
  const isSettled = current?.holder?.runId !== holder?.runId || current?.state === "free";
  // Freed with its run, or its run goes on in another build.
  if (isSettled || current?.build?.name !== ref?.name) return;
  if (build !== undefined || isPast(slot, now))
    await changed(services, slot, { type: "over", build: slot.build });
}

/** Its holder has not come to create the build, or nobody knows whether it has. */
async function visitBuildless(
  services: Services,
  slot: Slot,
  { now, lists }: { now: Date; lists: Lists },
): Promise<void> {
  const { holder } = slot;
  const target = await targetOf(services, slot);
  if (holder === null) return;
  const stray = (target ? await lists(parentOf(target)) : []).find(
    ({ runId, attempt, slot: held }) =>
      runId === holder.runId && attempt === holder.attempt && (held ?? slot.id) === slot.id,
  );
  if (slot.state === "unknown") {
    if (stray !== undefined) {
      const overAt = slot.overAt ?? after(now, CAPACITY.waiting);
      await changed(services, slot, { type: "unneeded", build: stray.ref, overAt });
      await services.builds.cancel(stray.ref);
      return;
    }
    if (isPast(slot, now)) {
      await changed(services, slot, { type: "over", build: slot.build });
      return;
    }
  }
  await looked(services, slot, after(now, CAPACITY.cancelStep));
}

const isPast = ({ overAt }: Slot, now: Date): boolean => overAt !== null && now >= overAt;

async function looked(services: Services, slot: Slot, dueAt: Date): Promise<void> {
  await changed(services, slot, { type: "looked", dueAt });
}

async function changed({ capacity }: Services, { id, holder }: Slot, event: SlotEvent) {
  if (holder !== null) await capacity.changeSlot({ id, holder, event });
}
