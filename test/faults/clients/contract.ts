/**
 * Calls that are made of the clients in memory and, over the wire, of Google's clients on the
 * emulators: what each gives, or is refused with, must be the same.
 */
import type { CloudBuildClient } from "@google-cloud/cloudbuild";
import { FieldPath, FieldValue, type Firestore, Timestamp } from "@google-cloud/firestore";
import { buildPlan } from "../../../shared/attempt/build-plan.ts";

/**
 * What a call gave; of a refusal its number alone, since texts differ. Instants of servers are all
 * the same.
 */
export async function outcomeOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return plain(await call());
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code !== "number") throw error;
    return { refused: code };
  }
}

function plain(value: unknown): unknown {
  if (value instanceof Timestamp) return value.toMillis() > 1.7e12 ? "now" : value.toMillis();
  if (Buffer.isBuffer(value)) return value.toString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

type OnFirestore = (db: Firestore, path: string) => Promise<unknown>;

const at = (seconds: number): Timestamp => Timestamp.fromMillis(seconds * 1000);

/** Three documents, a to c. */
async function withThree(db: Firestore, path: string): Promise<void> {
  const batch = db.batch();
  batch.set(db.doc(`${path}/a`), { n: 1, at: at(30), tags: ["x"], in: { er: true } });
  batch.set(db.doc(`${path}/b`), { n: 2, at: at(20), tags: ["x", "y"] });
  batch.set(db.doc(`${path}/c`), { n: 3, at: at(10), tags: [] });
  await batch.commit();
}

const ids = ({ docs }: { docs: { id: string }[] }): string[] => docs.map(({ id }) => id);

export const FIRESTORE_CALLS: Record<string, OnFirestore> = {
  async "a document is as it was set"(db, path) {
    const value = { s: "ä", n: 1.5, i: 7, b: false, z: null, t: at(5), l: [1, { a: "b" }], m: {} };
    await db.doc(`${path}/a`).set(value);
    const snapshot = await db.doc(`${path}/a`).get();
    return [snapshot.exists, snapshot.data(), snapshot.updateTime, snapshot.readTime];
  },
  async "a document that is not there"(db, path) {
    const snapshot = await db.doc(`${path}/none`).get();
    return [snapshot.exists, snapshot.data() ?? null, snapshot.readTime];
  },
  async "create of what is there"(db, path) {
    await db.doc(`${path}/a`).create({ n: 1 });
    return db.doc(`${path}/a`).create({ n: 2 });
  },
  "update of what is not there": (db, path) => db.doc(`${path}/none`).update({ n: 1 }),
  async "update of one field, and delete of another"(db, path) {
    await db.doc(`${path}/a`).set({ n: 1, m: { x: 1, y: 2 } });
    await db.doc(`${path}/a`).update({ "m.x": 3, n: FieldValue.delete() });
    return (await db.doc(`${path}/a`).get()).data();
  },
  async "set that merges"(db, path) {
    await db.doc(`${path}/a`).set({ n: 1, m: { x: 1 } });
    await db.doc(`${path}/a`).set({ m: { y: 2 } }, { merge: true });
    return (await db.doc(`${path}/a`).get()).data();
  },
  async "what the server computes"(db, path) {
    await db.doc(`${path}/a`).set({ n: 1, l: ["x"] });
    await db.doc(`${path}/a`).update({
      n: FieldValue.increment(2),
      t: FieldValue.serverTimestamp(),
      l: FieldValue.arrayUnion("x", "y"),
    });
    return (await db.doc(`${path}/a`).get()).data();
  },
  async "a precondition on the last update"(db, path) {
    const first = await db.doc(`${path}/a`).set({ n: 1 });
    await db.doc(`${path}/a`).set({ n: 2 });
    return db.doc(`${path}/a`).update({ n: 3 }, { lastUpdateTime: first.writeTime });
  },
  async "a batch is written whole or not at all"(db, path) {
    await db.doc(`${path}/a`).set({ n: 1 });
    const batch = db.batch();
    batch.set(db.doc(`${path}/b`), { n: 1 });
    batch.create(db.doc(`${path}/a`), { n: 2 });
    const code = await batch.commit().catch(({ code }) => code);
    return [code, (await db.doc(`${path}/b`).get()).exists];
  },
  async "a deleted document, and one that never was"(db, path) {
    await db.doc(`${path}/a`).set({ n: 1 });
    await db.doc(`${path}/a`).delete();
    await db.doc(`${path}/b`).delete();
    return (await db.doc(`${path}/a`).get()).exists;
  },
  async "getAll in the order asked for"(db, path) {
    await withThree(db, path);
    const found = await db.getAll(...["c", "none", "a"].map((id) => db.doc(`${path}/${id}`)));
    return found.map(({ id, exists }) => [id, exists]);
  },
  async "equalities, ranges, orders, limits"(db, path) {
    await withThree(db, path);
    const all = db.collection(path);
    return Promise.all([
      all.where("n", "==", 2).get().then(ids),
      all.where("at", "<=", at(20)).orderBy("at").get().then(ids),
      all.orderBy("n", "desc").limit(2).get().then(ids),
      all.orderBy("n").limitToLast(1).get().then(ids),
      all.where("tags", "array-contains", "x").get().then(ids),
      all.where("n", "in", [1, 3]).get().then(ids),
      all.where("in.er", "==", true).get().then(ids),
      all.orderBy("n").startAfter(1).get().then(ids),
      all.orderBy(FieldPath.documentId(), "desc").get().then(ids),
    ]);
  },
  async "a query of chosen fields"(db, path) {
    await withThree(db, path);
    const { docs } = await db.collection(path).orderBy("n").limit(1).select("n").get();
    return docs.map((document) => document.data());
  },
  async "a count, and one with a limit"(db, path) {
    await withThree(db, path);
    const all = await db.collection(path).where("n", ">", 1).count().get();
    const limited = await db.collection(path).limit(1).count().get();
    return [all.data(), limited.data()];
  },
  async "a query that no index serves"(db) {
    return db.collection("runs").where("owner", "==", "x").orderBy("why").get().then(ids);
  },
  async recursiveDelete(db, path) {
    await db.doc(`${path}/a`).set({});
    await db.doc(`${path}/a/events/1`).set({ n: 1 });
    await db.doc(`${path}/a/events/2`).set({ n: 1 });
    await db.recursiveDelete(db.collection(`${path}/a/events`));
    return [
      (await db.collection(`${path}/a/events`).get()).size,
      (await db.doc(`${path}/a`).get()).exists,
    ];
  },
  async "a transaction writes what it made of what it read"(db, path) {
    await db.doc(`${path}/a`).set({ n: 1 });
    const seen = await db.runTransaction(async (transaction) => {
      const { n = 0 } = (await transaction.get(db.doc(`${path}/a`))).data() ?? {};
      transaction.set(db.doc(`${path}/a`), { n: n + 1 });
      transaction.create(db.doc(`${path}/b`), { n });
      return n;
    });
    return [seen, ids(await db.collection(path).get()), (await db.doc(`${path}/a`).get()).data()];
  },
  async "a transaction runs again when what it read has changed"(db, path) {
    await db.doc(`${path}/a`).set({ n: 1 });
    return conflicting(db, path, (transaction) => transaction.get(db.doc(`${path}/a`)));
  },
  async "a transaction runs again when what it did not find is there"(db, path) {
    return conflicting(db, path, (transaction) => transaction.get(db.doc(`${path}/a`)));
  },
  async "a transaction runs again when its query gives something else"(db, path) {
    return conflicting(db, path, (transaction) =>
      transaction.get(db.collection(path).where("n", ">=", 0)),
    );
  },
  async "a transaction runs again when its count is another"(db, path) {
    return conflicting(db, path, (transaction) =>
      transaction.get(db.collection(path).where("n", ">=", 0).count()),
    );
  },
  async "a transaction does not run again for what it has not read"(db, path) {
    return conflicting(db, path, (transaction) => transaction.get(db.doc(`${path}/other`)));
  },
  async "a transaction reads one instant"(db, path) {
    await withThree(db, path);
    return db.runTransaction(
      async (transaction) => {
        const before = await transaction.get(db.doc(`${path}/a`));
        await db.doc(`${path}/b`).update({ n: 7 });
        await db.doc(`${path}/d`).set({ n: 8 });
        const after = await transaction.get(db.doc(`${path}/b`));
        const all = await transaction.get(db.collection(path).orderBy("n"));
        const isOne = before.readTime.isEqual(after.readTime);
        return [before.get("n"), after.get("n"), ids(all), isOne];
      },
      { readOnly: true },
    );
  },
  async "what a transaction throws ends it"(db, path) {
    const failed = db.runTransaction(async (transaction) => {
      transaction.set(db.doc(`${path}/a`), { n: 1 });
      throw new Error("no");
    });
    const message = await failed.catch((error) => error.message);
    return [message, (await db.doc(`${path}/a`).get()).exists];
  },
};

/** A transaction, and a write of `a` between its read and its commit; how often it runs. */
async function conflicting(
  db: Firestore,
  path: string,
  read: (transaction: FirebaseFirestore.Transaction) => Promise<unknown>,
): Promise<unknown> {
  let runs = 0;
  await db.runTransaction(async (transaction) => {
    runs += 1;
    await read(transaction);
    if (runs === 1) await db.doc(`${path}/a`).set({ n: 5 });
    transaction.set(db.doc(`${path}/z`), { runs });
  });
  return [runs, (await db.doc(`${path}/z`).get()).data()];
}

const parent = "projects/contract/locations/us-central1";
const plan = (runId: string) =>
  buildPlan(
    {
      projectId: "contract",
      location: "us-central1",
      image: "agent",
      serviceAccount: "projects/contract/serviceAccounts/a@b.iam.gserviceaccount.com",
      logsBucket: "gs://logs",
      modelKeySecret: "projects/p/secrets/key/versions/1",
    },
    {
      runId,
      attempt: 1,
      slot: null,
      agent: { timeoutSeconds: 300, machineType: "E2_MEDIUM" },
      input: { bucket: "b", object: "o.tar.gz", generation: "1" },
      trace: null,
    },
  );
const RUN = `run_${"1".repeat(22)}`;

async function created(client: CloudBuildClient, runId = RUN) {
  const request = { parent, projectId: "contract", build: plan(runId) };
  const [operation] = await client.createBuild(request);
  const { build } = operation.metadata as unknown as {
    build: { id: string; status: string; tags: string[] };
  };
  return { ...build, name: `${parent}/builds/${build.id}` };
}

export const BUILD_CALLS: Record<string, (client: CloudBuildClient) => Promise<unknown>> = {
  async "a build that was created is queued, with its tags"(client) {
    const { name, tags } = await created(client);
    const [{ status, tags: found }] = await client.getBuild({ name, projectId: "contract" });
    return [status, tags, found];
  },
  "a build that never was": async (client) =>
    client.getBuild({ name: `${parent}/builds/none`, projectId: "contract" }),
  async "a cancelled build, cancelled again"(client) {
    const { name, id } = await created(client);
    const [{ status }] = await client.cancelBuild({ name, id, projectId: "contract" });
    const again = client.cancelBuild({ name, id, projectId: "contract" });
    return [status, await again.catch(({ code }) => code)];
  },
  async "a list by tag and status"(client) {
    const runId = `run_${"2".repeat(22)}`;
    const { id } = await created(client, runId);
    const ask = async (filter: string) => {
      const [found] = await client.listBuilds({ parent, projectId: "contract", filter });
      return found.map((build) => build.id === id);
    };
    return [await ask(`tags="${runId}"`), await ask(`tags="${runId}" AND status="SUCCESS"`)];
  },
  async "an operator's retry has the tags of the first"(client) {
    const runId = `run_${"3".repeat(22)}`;
    const { name, id } = await created(client, runId);
    await client.retryBuild({ name, id, projectId: "contract" });
    const request = { parent, projectId: "contract", filter: `tags="${runId}"` };
    return (await client.listBuilds(request))[0].map(({ status, tags }) => [status, tags]);
  },
  async "more creates in a minute than the quota has"(client) {
    for (let count = 0; count < 6; count += 1) await created(client);
  },
};
