import { inOrder } from "../../shared/capacity/line.ts";
import type { Slot } from "../../shared/capacity/slot.ts";
import { isPaused, type Target } from "../../shared/capacity/target.ts";
import { after } from "../../shared/clock.ts";
import { CAPACITY } from "../../shared/limits.ts";
import type { RunEvent, RunRecord } from "../../shared/run/record.ts";
import type { Services } from "../services/services.ts";

/** Applies an event to a run, and does what it asks for. */
type Apply = (record: RunRecord, event: RunEvent) => Promise<unknown>;

/**
 * Gives the free slots of a machine type to those who wait: each to the owner who holds the fewest
 * for the own weight, there to the run that was accepted first. It goes on until nothing is free or
 * nobody waits; after {@link CAPACITY.admitting} seconds another handler goes on. Any number of
 * these may be at work at once.
 */
export async function admitWaiting(
  services: Services,
  machineType: string,
  apply: Apply,
): Promise<void> {
  const { capacity } = services;
  const until = after(services.now(), CAPACITY.admitting);
  // Mostly nobody does, and a line that waits costs one read to find.
  if (!(await capacity.someWait(machineType))) return;
  for (;;) {
    const slot = await findSlot(services, machineType);
    if (slot === undefined) return;
    const lines = await capacity.waitingLines(machineType, CAPACITY.lines);
    if (lines.length === 0) return;
    const first = inOrder(lines)[0];
    const runId = first && (await capacity.firstOf(first.line));
    // A slot or a run that somebody else has taken meanwhile is left to them: the next round sees
    // what is.
    const record = runId === undefined ? undefined : await services.runs.getRecord(runId);
    if (record !== undefined) {
      const { attempt } = record.state;
      await apply(record, { type: "admit", attempt, slot: slot.id });
    }
    if (services.now() >= until) {
      await services.publisher.publishAdmission({ admit: machineType });
      return;
    }
  }
}

/** A slot, and the target that its build is created in. */
export interface FoundSlot {
  id: string;
  target: Target;
}

/** A slot that is free now; undefined: none is. */
export async function findSlot(
  services: Services,
  machineType: string,
): Promise<FoundSlot | undefined> {
  const targets = await usableTargets(services, machineType);
  const slot = await services.capacity.freeSlot(machineType, targets);
  const target = targets.find(({ id }) => id === slot?.target);
  return slot && target && { id: slot.id, target };
}

/** A slot that a run has already; undefined: it is gone. */
export async function ownSlot({ capacity }: Services, id: string): Promise<FoundSlot | undefined> {
  const slot = await capacity.slot(id);
  const target = slot && (await targetOf({ capacity }, slot));
  return target && { id, target };
}

/** The target of a slot; undefined: it is gone. */
export async function targetOf(
  { capacity }: Pick<Services, "capacity">,
  slot: Pick<Slot, "target">,
): Promise<Target | undefined> {
  return (await capacity.targets()).find(({ id }) => id === slot.target);
}

/** The targets that may be given something, with every slot that they shall have. */
async function usableTargets(services: Services, machineType: string): Promise<Target[]> {
  const { capacity } = services;
  const targets = await capacity.targets();
  const unmade = targets.filter(
    ({ slots, made }) => (slots[machineType] ?? 0) > (made[machineType] ?? 0),
  );
  await Promise.all(unmade.map((target) => capacity.makeSlots(target, machineType)));
  // The lease looks again, at the database's time.
  return targets.filter((target) => !isPaused(target, services.now()));
}
