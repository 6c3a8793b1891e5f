import type { DocumentData, Timestamp } from "@google-cloud/firestore";
import { COLLECTIONS } from "../../../shared/names.ts";
import { direct } from "../clients/caller.ts";
import { memoryFirestore } from "../clients/firestore.ts";
import * as invariants from "../world/invariants.ts";
import type { Violation } from "../world/witness.ts";
import type { World } from "../world/world.ts";
import { Stage } from "./stage.ts";

const SLOTS = 4;
/** Of one owner, behind the runs that hold all slots. */
const WAITING = 10_000;
/** Admissions that are looked at. */
const SERVED = 6;
const TASK = { seconds: 300, turns: 1 };

/** Ten thousand runs of one owner wait; what another sends then is one slot away. */
export async function playLongLine(): Promise<Violation[]> {
  const stage = new Stage({ weather: { places: SLOTS }, slots: SLOTS });
  const { world, callers } = stage;
  const admitted: string[] = [];
  const look = () => {
    for (const { run, state } of world.witness.records.values()) {
      if (state.slot !== null && !admitted.includes(run.id)) admitted.push(run.id);
    }
  };
  const others: string[] = [];
  await stage.play(async () => {
    for (let nth = 0; nth < SLOTS; nth += 1) await stage.post(`holds-${nth}`, TASK);
    const { id } = await stage.post("waits", TASK);
    await stage.until(() => typeof world.witness.records.get(id)?.state.line === "string");
    await repeat(world, id, WAITING - 1);
    look();
    for (const key of ["bob-1", "bob-2"]) {
      const run = await callers.post({ key, owner: "bob", task: TASK });
      others.push(run?.id ?? "");
    }
    const isEnough = () => {
      look();
      return admitted.length >= SLOTS + SERVED;
    };
    await stage.until(isEnough, 900);
  }, 0.25);
  const { witness } = world;
  // The line is meant to be there still.
  witness.violations.length = 0;
  const served = admitted.slice(SLOTS).flatMap((id) => witness.records.get(id) ?? []);
  witness.hold("fewestIsNext", "", invariants.fewestIsNext(served, others));
  const line = served.filter(({ run }) => !others.includes(run.id));
  witness.hold("lineKeepsItsOrder", "", invariants.lineKeepsItsOrder(line));
  return witness.violations;
}

/** The same run again and again, each accepted a millisecond after the one before. */
async function repeat(world: World, id: string, count: number): Promise<void> {
  const firestore = memoryFirestore(world.database, direct, { projectId: "proof" });
  const suffix = id.slice("run_".length);
  const { runs, runStates, runRequests, conversations } = COLLECTIONS;
  const ofRun = [runs, runStates, runRequests].map((name) => `${name}/${id}`);
  const paths = [...ofRun, `${conversations}/conv_${suffix}`];
  const found = await Promise.all(paths.map((path) => firestore.doc(path).get()));
  for (let nth = 1; nth <= count; nth += 1) {
    const other = String(nth).padStart(suffix.length, "0");
    const batch = firestore.batch();
    for (const document of found) {
      const again = withText(document.data(), suffix, other) as DocumentData;
      const acceptedAt = again["acceptedAt"] as Timestamp | undefined;
      const later = acceptedAt && new Date(acceptedAt.toMillis() + nth);
      const to = firestore.doc(document.ref.path.replace(suffix, other));
      batch.set(to, { ...again, ...(later && { acceptedAt: later }) });
    }
    await batch.commit();
  }
}

/** A value with one text in place of another in all that it holds. */
function withText(value: unknown, from: string, to: string): unknown {
  if (typeof value === "string") return value.replaceAll(from, to);
  if (Array.isArray(value)) return value.map((one) => withText(one, from, to));
  if (typeof value !== "object" || value?.constructor !== Object) return value;
  const entries = Object.entries(value).map(([name, one]) => [name, withText(one, from, to)]);
  return Object.fromEntries(entries);
}
