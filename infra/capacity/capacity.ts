import type { Firestore } from "@google-cloud/firestore";
import { say } from "../../cli/terminal.ts";
import { newTarget, type Target } from "../../shared/capacity/target.ts";
import { COLLECTIONS } from "../../shared/names.ts";
import { openPlace, type Place, placeOf } from "../local/state/place.ts";
import { type TargetFlags, type TargetOrder, targetOrder } from "./options.ts";

/** Below the quota of a project, as far as anybody has seen. */
const CREATES_PER_MINUTE = 60;
const LOCATION = "us-central1";

/** Where the targets are, as the command line says it. */
interface PlaceFlags {
  state?: string;
  project?: string;
}

/** Makes a target, or changes what is said of it. */
export function setTarget(
  id: string,
  counts: string[],
  flags: TargetFlags & PlaceFlags,
): Promise<void> {
  const place = placeOf(flags);
  const order = targetOrder(id, counts, flags);
  return withTargets(place, ({ firestore, projectId }) => set(firestore, projectId, order));
}

/** Says what targets there are, and who waits. */
export function listTargets(flags: PlaceFlags): Promise<void> {
  return withTargets(placeOf(flags), ({ firestore }) => list(firestore));
}

async function withTargets(
  place: Place,
  perform: (opened: ReturnType<typeof openPlace>) => Promise<void>,
): Promise<void> {
  const opened = openPlace(place);
  try {
    await perform(opened);
  } finally {
    await opened.firestore.terminate();
  }
}

/** What the handlers have written of the target stays. */
async function set(firestore: Firestore, projectId: string, order: TargetOrder): Promise<void> {
  const { id, slots, ...given } = order;
  const document = firestore.doc(`${COLLECTIONS.targets}/${id}`);
  const target = await firestore.runTransaction(async (transaction) => {
    const before = (await transaction.get(document)).data() as Target | undefined;
    const defaults = { location: LOCATION, createsPerMinute: CREATES_PER_MINUTE };
    const base = before ?? newTarget({ id, projectId, slots: {}, ...defaults });
    const changed = { ...base, ...given, slots: { ...base.slots, ...slots } };
    transaction.set(document, changed);
    return changed;
  });
  say(`${id}: ${describeSlots(target)}, ${target.createsPerMinute} creates a minute.`);
}

const describeSlots = ({ slots, location }: Target): string =>
  `${Object.entries(slots)
    .map(([machineType, n]) => `${n} × ${machineType}`)
    .join(", ")} in ${location}`;

async function list(firestore: Firestore): Promise<void> {
  const { docs } = await firestore.collection(COLLECTIONS.targets).get();
  const lines = await Promise.all(
    docs.map(async (document) => {
      const target = document.data() as Target & { pausedUntil: { toDate(): Date } | null };
      const slots = firestore.collection(COLLECTIONS.slots).where("target", "==", target.id);
      const free = (await slots.where("free", ">=", 0).count().get()).data().count;
      const all = (await slots.count().get()).data().count;
      const until = target.pausedUntil?.toDate();
      const pause = until && until > new Date() ? `, paused until ${until.toISOString()}` : "";
      return `${target.id}  ${describeSlots(target as Target)}: ${all - free} of ${all} slots held${pause}`;
    }),
  );
  const states = firestore.collection(COLLECTIONS.runStates);
  const waiting = (await states.where("line", ">", "").count().get()).data().count;
  say(
    lines.length === 0
      ? "There are no targets, so no run can start; set makes one."
      : lines.join("\n"),
  );
  say(`${waiting} ${waiting === 1 ? "run waits" : "runs wait"} for a slot.`);
}
