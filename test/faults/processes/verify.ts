import type { CollectionReference, Firestore } from "@google-cloud/firestore";
import type { Bucket } from "@google-cloud/storage";
import { fromDocument } from "../../../functions/cloud/firestore/client.ts";
import { attemptOfTags } from "../../../shared/attempt/build-plan.ts";
import type { Slot } from "../../../shared/capacity/slot.ts";
import type { Conversation } from "../../../shared/documents/conversation.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { recordOf } from "../../../shared/run/stored.ts";
import { processesWithVariable } from "../../support/processes.ts";
import { type Field, forEach } from "../durability/field.ts";
import * as invariants from "../world/invariants.ts";
import { holdAtRest, leftOf, type Rest } from "../world/rest.ts";
import type { Hold } from "../world/witness.ts";
import { type Books, ORDER_LABEL, type Order, runIdOf } from "./books.ts";
import type { Journal, TracedAgent } from "./journal.ts";
import { agentOf } from "./watch.ts";

/** What there is to look at when nothing is to be done any more. */
export interface Remains {
  clients: Field["clients"];
  projectId: string;
  bucket: string;
  location: string;
  books: Books;
  journal: Journal;
  hold: Hold;
}

/** What of a build matters here. */
interface FoundBuild {
  id: string;
  status: string;
  attempt: number;
}

/**
 * Holds documents, objects, builds, processes and the traces of agents to all that must be true.
 */
export async function verify(remains: Remains): Promise<{ agents: number; attempts: number }> {
  const { books, journal, hold } = remains;
  journal.read();
  const builds = await allBuilds(remains);
  const rest = await restOf(remains, builds);
  holdAtRest(rest, hold);
  hold("noProcessLivesOn", "", invariants.noProcessLivesOn(processesOf(builds)));
  holdOrders(books, rest, hold);
  for (const order of books.accepted()) holdAgents({ order, builds, rest, journal, hold });
  for (const { key, buildId } of journal.doubles) {
    const other = journal.ofRun(key).findLast((agent) => agent.buildId !== buildId);
    const live = other === undefined ? [] : [agentOf(other, key, 0)];
    const agent = { runId: key, attempt: 0, buildId };
    hold("oneAgentOfARun", key, invariants.oneAgentOfARun(agent, { live, started: [] }));
  }
  const attempts = [...rest.records.values()].reduce((sum, { state }) => sum + state.attempt, 0);
  return { agents: journal.agents.length, attempts };
}

/** The marks of processes of these builds. */
function processesOf(builds: ReadonlyMap<string, FoundBuild>): number[] {
  return processesWithVariable("CLOUD_BUILD_STEP", (value) =>
    builds.has(value.split("/")[0] ?? ""),
  );
}

/** Holds what callers were told to what there is. */
function holdOrders({ orders }: Books, { records }: Rest, hold: Hold): void {
  const byKey = Map.groupBy(records.values(), ({ run }) => run.labels[ORDER_LABEL] ?? "");
  const known = new Set<string>();
  for (const order of orders.values()) {
    const found = byKey.get(order.key) ?? [];
    const runIds = [...order.runIds, ...found.map(({ run }) => run.id)];
    hold("oneRunOfAKey", runIds[0] ?? "", invariants.oneRunOfAKey(order.key, runIds));
    for (const id of order.runIds) known.add(id);
    if (order.runIds.length === 0 || order.isDeleted) continue;
    const wrong = invariants.acceptedIsThere(runIdOf(order), found[0]);
    hold("acceptedIsThere", runIdOf(order), wrong);
  }
  for (const id of records.keys()) {
    hold("everyRunIsSomebodys", id, invariants.everyRunIsSomebodys(id, known));
  }
}

/** Holds what the agents of a run have left outside to what the run says. */
function holdAgents(given: {
  order: Order;
  builds: ReadonlyMap<string, FoundBuild>;
  rest: Rest;
  journal: Journal;
  hold: Hold;
}): void {
  const { order, builds, rest, journal, hold } = given;
  const id = runIdOf(order);
  const traced = journal.ofRun(order.key);
  const started: ReturnType<typeof agentOf>[] = [];
  for (const one of traced) {
    const agent = agentOf(one, id, builds.get(one.buildId)?.attempt ?? 0);
    const wrong = invariants.oneAgentOfAnAttempt(agent, { live: [], started });
    hold("oneAgentOfAnAttempt", id, wrong);
    started.push(agent);
  }
  const { record } = order;
  if (record === undefined) return;
  const deeds = traced.map(deedOf);
  hold("noDeedAfterTheEnd", id, invariants.noDeedAfterTheEnd(record, deeds));
  if (order.isDeleted) return;
  const { claim } = leftOf(rest, record);
  hold("successIsADeed", id, invariants.successIsADeed(record, { claim, deeds }));
}

const deedOf = ({ buildId, startedAt, endedAt }: TracedAgent): invariants.Deed => ({
  buildId,
  startedAt: new Date(startedAt),
  endedAt: endedAt === undefined ? undefined : new Date(endedAt),
});

async function restOf(
  { clients, bucket }: Remains,
  builds: ReadonlyMap<string, FoundBuild>,
): Promise<Rest> {
  const { firestore, storage } = clients;
  const objects = await allObjects(storage.bucket(bucket));
  const all = async <T>(name: string) =>
    (await documentsOf(firestore.collection(name))).map(([, data]) => data as T);
  const slots = await all<Slot>(COLLECTIONS.slots);
  const letters = await all<{ data?: string }>(COLLECTIONS.deadLetters);
  const byRun = Map.groupBy(objects.keys(), (name) => name.split("/")[1] ?? "");
  return {
    records: await recordsOf(firestore),
    read: (name) => objects.get(name),
    namesOf: (runId) => byRun.get(runId) ?? [],
    endedOutside: new Set(),
    liveBuilds: [...builds.values()].filter(({ status }) => !ENDED.includes(status)),
    heldSlots: slots.filter((slot) => slot.state !== "free" && !isOfUnknownCreate(slot)),
    conversations: await all<Conversation>(COLLECTIONS.conversations),
    deadLetters: [letters.map((letter) => Buffer.from(JSON.stringify(letter)))],
  };
}

/**
 * Whether a slot is kept for a build that there may be: nobody was told whether it was created.
 * Until it would be over, twenty minutes later, nothing says so.
 */
export const isOfUnknownCreate = ({ state, overAt }: Slot): boolean =>
  state === "unknown" && overAt !== null;

const ENDED = ["SUCCESS", "FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED"];

async function recordsOf(firestore: Firestore): Promise<Map<string, RunRecord>> {
  const runs = new Map(await documentsOf(firestore.collection(COLLECTIONS.runs)));
  const states = await documentsOf(firestore.collection(COLLECTIONS.runStates));
  return new Map(
    states.flatMap(([id, state]) => {
      const run = runs.get(id);
      if (run === undefined) return [];
      const record = recordOf({ run, state });
      // As it stands there: a run may be due for what is untold or undelivered alone.
      const { dueAt } = state as RunRecord["state"];
      return [[id, { ...record, state: { ...record.state, dueAt } }] as const];
    }),
  );
}

async function documentsOf(collection: CollectionReference): Promise<[string, object][]> {
  const { docs } = await collection.get();
  return docs.map((document) => [document.id, fromDocument(document.data()) as object]);
}

/** What the attempts have left, but their inputs and checkpoints. */
async function allObjects(bucket: Bucket): Promise<Map<string, Buffer>> {
  const [files] = await bucket.getFiles({ prefix: "attempts/" });
  const wanted = files.filter(({ name }) => /\/(claim|manifest\.json)$|\/outputs\//.test(name));
  const contents = new Map<string, Buffer>();
  await forEach(wanted, async (file) => {
    const [content] = await file.download();
    contents.set(file.name, content);
  });
  return contents;
}

/** Every build that there ever was, with the attempt that it was created for. */
async function allBuilds({
  clients,
  projectId,
  location,
}: Remains): Promise<Map<string, FoundBuild>> {
  const parent = `projects/${projectId}/locations/${location}`;
  const [found] = await clients.builds.listBuilds({ parent, projectId });
  return new Map(
    found.map(({ id, status, tags }) => {
      const { attempt = 0 } = attemptOfTags(tags ?? []) ?? {};
      return [`${id}`, { id: `${id}`, status: String(status), attempt }];
    }),
  );
}
