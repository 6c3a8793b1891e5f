import { AggregateField, type Query } from "@google-cloud/firestore";
import type { Line } from "../../../shared/capacity/line.ts";
import type { QueuePlace } from "../../../shared/capacity/place.ts";
import { queuePlace } from "../../../shared/capacity/place.ts";
import type { Target } from "../../../shared/capacity/target.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import type { WaitingRuns } from "../../services/capacity.ts";
import { type Database, fromDocument } from "./client.ts";

/** Lines whose weights are added up; beyond them an estimate is none. */
const LINES = 100;

/** The runs that wait in a line. */
export const waitingRuns = ({ firestore }: Database, lineId: string): Query =>
  firestore.collection(COLLECTIONS.runStates).where("line", "==", lineId);

export async function countOf({ call }: Database, query: Query): Promise<number> {
  return (await call(() => query.count().get())).data().count;
}

/**
 * What {@link CapacityStore.waitingRuns} says, of counts that cost a read for a thousand runs.
 *
 * @param types machine types that have slots
 */
export async function countWaiting(
  database: Database,
  types: Iterable<string>,
): Promise<WaitingRuns> {
  const { firestore } = database;
  const states = firestore.collection(COLLECTIONS.runStates);
  const runs = firestore.collection(COLLECTIONS.runs);
  // A line's id is `TYPE.OWNER`, and "/" comes after ".".
  const ofTypes = Array.from(types, (type) =>
    countOf(database, states.where("line", ">=", `${type}.`).where("line", "<", `${type}/`)),
  );
  const [inLines, pending, queued, ...ofType] = await Promise.all([
    countOf(database, states.where("line", ">", "")),
    countOf(database, runs.where("status", "==", "pending")),
    countOf(database, runs.where("status", "==", "queued")),
    ...ofTypes,
  ]);
  const slot = ofType.reduce((sum, count) => sum + count, 0);
  // The counts are not of the same instant.
  const rest = (whole: number, part: number) => Math.max(0, whole - part);
  return {
    slot,
    no_slots: rest(inLines, slot),
    cloud_build: queued,
    other: rest(pending, inLines),
  };
}

/** What {@link CapacityStore.placeOf} says. */
export async function readPlace(
  database: Database,
  { record: { state }, now }: { record: RunRecord; now: Date },
  targets: () => Promise<Target[]>,
): Promise<QueuePlace | undefined> {
  const { line: lineId, machineType, acceptedAt } = state;
  if (lineId === null) return undefined;
  const before = waitingRuns(database, lineId).where("acceptedAt", "<", acceptedAt);
  return placeAfter(database, { before, lineId, machineType, now }, targets);
}

/** The place in a line of a run that comes after those that `before` finds. */
export async function placeAfter(
  database: Database,
  {
    before,
    lineId,
    machineType,
    now,
  }: { before: Query; lineId: string; machineType: string; now: Date },
  targets: () => Promise<Target[]>,
): Promise<QueuePlace> {
  const [count, lines, meanHoldSeconds, all] = await Promise.all([
    countOf(database, before),
    waitingLines(database, machineType),
    meanHold(database, machineType),
    targets(),
  ]);
  const weight = lines.find(({ id }) => id === lineId)?.weight ?? 1;
  const weights = lines.reduce((sum, line) => sum + line.weight, 0);
  const slots = all.reduce((sum, target) => sum + (target.slots[machineType] ?? 0), 0);
  return queuePlace({ before: count, slots, weight, weights, meanHoldSeconds }, now);
}

async function waitingLines({ firestore, call }: Database, machineType: string): Promise<Line[]> {
  const lines = firestore.collection(COLLECTIONS.lines).where("machineType", "==", machineType);
  const query = lines.where("waiting", "==", true).orderBy("servedAt").limit(LINES);
  const { docs } = await call(() => query.get());
  return docs.map((document) => fromDocument(document.data()) as Line);
}

async function meanHold(
  { firestore, call }: Database,
  machineType: string,
): Promise<number | null> {
  const slots = firestore.collection(COLLECTIONS.slots).where("machineType", "==", machineType);
  const mean = slots.aggregate({ seconds: AggregateField.average("holdSeconds") });
  return (await call(() => mean.get())).data().seconds;
}
