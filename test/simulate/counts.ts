import type { Change } from "../../infra/emulators/firestore/history.ts";
import { GoogleError } from "../../infra/emulators/wire/status.ts";
import type { Slot } from "../../shared/capacity/slot.ts";
import { decoded } from "../faults/world/fields.ts";
import type { TopicName } from "../faults/world/options.ts";
import type { World } from "../faults/world/world.ts";

/** What a world has asked Google for. */
export interface Counts {
  /** Of documents, as Firestore is paid. */
  reads: number;
  writes: number;
  deletes: number;
  /** Commits of transactions that were begun again since another one had changed what they read. */
  collisions: number;
  /** Slots that were given to a run. */
  admissions: number;
  /** How often a document got another `dueAt`, by collections: lines of a growing index. */
  dueWrites: Record<"runState" | "slots", number>;
  /** Writes of `runs`, each a line of the index of an owner's runs by their last change. */
  runWrites: number;
  /** Builds that Cloud Build took, and those that it refused. */
  creates: number;
  refusals: number;
  /** For how long slots were held, and builds worked. */
  heldSeconds: number;
  buildSeconds: number;
  messages: Record<TopicName, number>;
  /** Calls by their kinds, as `storage.insert claim`. */
  calls: Map<string, number>;
  /** How often each function was called, and for how long it waited for its own calls. */
  handled: Map<string, { requests: number; seconds: number }>;
}

/** Counts from now on; of a world that has not begun. */
export function countedIn(world: World): Counts {
  const counts: Counts = {
    reads: 0,
    writes: 0,
    deletes: 0,
    collisions: 0,
    admissions: 0,
    dueWrites: { runState: 0, slots: 0 },
    runWrites: 0,
    creates: 0,
    refusals: 0,
    heldSeconds: 0,
    buildSeconds: 0,
    messages: { "run-requests": 0, "cloud-builds": 0 },
    calls: new Map(),
    handled: new Map(),
  };
  countDocuments(world, counts);
  countBuilds(world, counts);
  countCalls(world, counts);
  return counts;
}

function countDocuments({ database }: World, counts: Counts): void {
  const { commit, onCommit } = database;
  database.onRead = (documents) => {
    counts.reads += documents;
  };
  database.commit = (writes, within) => {
    try {
      return commit.call(database, writes, within);
    } catch (error) {
      if (error instanceof GoogleError && error.status === "ABORTED") counts.collisions += 1;
      throw error;
    }
  };
  database.onCommit = (changes) => {
    onCommit(changes);
    for (const change of changes) countChange(counts, change);
  };
}

function countChange(counts: Counts, { before, after }: Change): void {
  const collection = (after ?? before)?.name.collectionId;
  if (after === undefined) counts.deletes += 1;
  else counts.writes += 1;
  if (collection === "runs") counts.runWrites += 1;
  if (collection !== "runState" && collection !== "slots") return;
  const due = [before, after].map((each) =>
    JSON.stringify(each?.fields?.["dueAt"]?.timestampValue),
  );
  if (due[0] !== due[1]) counts.dueWrites[collection] += 1;
  if (collection !== "slots" || after === undefined) return;
  const [was, is] = [before && (decoded(before) as Slot), decoded(after) as Slot];
  if (was?.state === "free" && is.state === "held") counts.admissions += 1;
  if (was !== undefined && was.state !== "free" && is.state === "free") {
    counts.heldSeconds += is.holdSeconds ?? 0;
  }
}

function countBuilds({ builds, deliveries, time }: World, counts: Counts): void {
  const { create } = builds;
  builds.create = (parent, plan) => {
    try {
      const build = create.call(builds, parent, plan);
      counts.creates += 1;
      return build;
    } catch (error) {
      counts.refusals += 1;
      throw error;
    }
  };
  const beganAt = new Map<string, number>();
  for (const topic of ["run-requests", "cloud-builds"] as const) {
    const delivery = deliveries[topic];
    const { publish } = delivery;
    delivery.publish = (data) => {
      counts.messages[topic] += 1;
      if (topic === "cloud-builds") noteBuild(JSON.parse(data.toString()));
      publish.call(delivery, data);
    };
  }
  function noteBuild({ id, status }: { id: string; status: string }): void {
    if (status === "WORKING") beganAt.set(id, time.nowMs());
    else if (beganAt.has(id)) {
      counts.buildSeconds += (time.nowMs() - (beganAt.get(id) ?? 0)) / 1000;
      beganAt.delete(id);
    }
  }
}

function countCalls(world: World, counts: Counts): void {
  const { meet, open } = world;
  world.meet = (call) => {
    const met = meet(call);
    const { handler, kind } = call;
    counts.calls.set(kind, (counts.calls.get(kind) ?? 0) + 1);
    handledBy(counts, handler).seconds += met.latencyMs / 1000;
    return met;
  };
  world.open = (handler, about) => {
    handledBy(counts, handler).requests += 1;
    return open.call(world, handler, about);
  };
}

function handledBy({ handled }: Counts, handler: string) {
  const known = handled.get(handler) ?? { requests: 0, seconds: 0 };
  handled.set(handler, known);
  return known;
}
