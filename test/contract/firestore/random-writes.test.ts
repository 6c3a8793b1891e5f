import { FieldValue, type Firestore, Timestamp, type WriteBatch } from "@google-cloud/firestore";
import fc from "fast-check";
import { emulatorTest } from "../declared.ts";
import { TARGET } from "../target.ts";
import { any, type Given, plain, resolve, SEED, shown } from "./random.ts";
import { startStandIn, startWorld } from "./world.ts";

const HISTORIES = 10;
const COMMITS = 40;

const number = fc.constantFrom(0, -0, 1, -3, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY);
const list = fc.array(plain, { maxLength: 3 });

/** What a field is set to. */
const assigned = fc.oneof(
  { weight: 4, arbitrary: any.map((given) => ({ kind: "value" as const, given })) },
  fc.record({ kind: fc.constant("increment" as const), by: number }),
  fc.record({ kind: fc.constant("union" as const), list }),
  fc.record({ kind: fc.constant("remove" as const), list }),
  fc.record({ kind: fc.constant("now" as const) }),
  fc.record({ kind: fc.constant("delete" as const) }),
);
type Assigned = typeof assigned extends fc.Arbitrary<infer T> ? T : never;

const path = fc.constantFrom("a", "b", "m.x", "m.y", "m");
const write = fc.record({
  kind: fc.constantFrom(
    "set",
    "merge",
    "mergeFields",
    "update",
    "create",
    "delete",
    "deleteExisting",
  ),
  id: fc.constantFrom("a", "b", "c"),
  fields: fc.array(fc.tuple(path, assigned), { maxLength: 3 }),
  mask: fc.uniqueArray(path, { maxLength: 2 }),
});
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

function assignedValue(db: Firestore, field: Assigned): unknown {
  const elements = (all: Given[]) => all.map((given) => resolve(db, given));
  switch (field.kind) {
    case "value":
      return resolve(db, field.given);
    case "increment":
      return FieldValue.increment(field.by);
    case "union":
      return FieldValue.arrayUnion(...elements(field.list));
    case "remove":
      return FieldValue.arrayRemove(...elements(field.list));
    case "now":
      return FieldValue.serverTimestamp();
    case "delete":
      return FieldValue.delete();
  }
}

/** @throws {Error} for what the client itself refuses */
function add(db: Firestore, batch: WriteBatch, { kind, id, fields, mask }: Write): void {
  const document = db.doc(`c/${id}`);
  const flat = Object.fromEntries(fields.map(([name, field]) => [name, assignedValue(db, field)]));
  const data: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(flat)) {
    if (name.includes(".")) data["m"] = { ...(data["m"] as object), [name.slice(2)]: value };
    else data[name] = value;
  }
  switch (kind) {
    case "set":
      return void batch.set(document, data);
    case "merge":
      return void batch.set(document, data, { merge: true });
    case "mergeFields":
      return void batch.set(document, data, { mergeFields: mask });
    case "update":
      return void batch.update(document, flat);
    case "create":
      return void batch.create(document, data);
    case "delete":
      return void batch.delete(document);
    default:
      return void batch.delete(document, { exists: true });
  }
}

/**
 * Commits the writes at once, and tells whether they were taken. With which code they are refused
 * is no matter here: for two writes of one document the emulator has texts and codes of its own.
 */
async function commit(db: Firestore, writes: Write[]): Promise<string> {
  const batch = db.batch();
  try {
    for (const each of writes) add(db, batch, each);
  } catch {
    return "refused by the client";
  }
  return batch.commit().then(
    () => "taken",
    (error) => {
      if (typeof error.code !== "number") throw error;
      return "refused";
    },
  );
}

/** All documents as text; the service's time is "now". */
async function contentOf(db: Firestore): Promise<string> {
  const { docs } = await db.collection("c").get();
  const isNow = (value: unknown) => value instanceof Timestamp && value.seconds > 1_000_000;
  const timeless = (value: unknown): unknown => {
    if (isNow(value)) return "now";
    if (Array.isArray(value)) return value.map(timeless);
    if (!value || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, timeless(inner)]));
  };
  return shown(docs.map((document) => [document.id, timeless(document.data())]));
}

// Against an emulator the other one is the stand-in; on the stand-in it is one that was started
// again.
emulatorTest.each(Array.from({ length: HISTORIES }, (_, at) => at))(
  "random commits leave the same in another Firestore: %i",
  async (at) => {
    const commits = fc.sample(fc.array(write, { minLength: 1, maxLength: 3 }), {
      numRuns: COMMITS,
      seed: SEED + at,
    });
    await using world = await startWorld();
    await using other = await startStandIn();
    let { db } = other;
    for (const [n, writes] of commits.entries()) {
      if (TARGET === "standIn" && n % 10 === 9) {
        await other.restart();
        db = other.connect();
      }
      const [one, two] = await Promise.all([commit(world.db, writes), commit(db, writes)]);
      const contents = await Promise.all([contentOf(world.db), contentOf(db)]);
      const told = JSON.stringify(writes);
      expect([told, two, contents[1]]).toEqual([told, one, contents[0]]);
    }
  },
);
