import {
  AggregateField,
  FieldPath,
  Filter,
  type Firestore,
  type Query,
  type QueryDocumentSnapshot,
  type QuerySnapshot,
  type WhereFilterOp,
} from "@google-cloud/firestore";
import fc from "fast-check";
import { emulatorTest } from "../declared.ts";
import { TARGET } from "../target.ts";
import { any, type Given, plain, resolve, SEED, shown } from "./random.ts";
import { eventually, startStandIn, startWorld } from "./world.ts";

const DATASETS = 8;
const QUERIES = 150;
const HISTORIES = 4;
const REFUSED = /^refused/;

const FIELDS = ["a", "b", "m.x", "t"] as const;
const OPERATORS: WhereFilterOp[] = [
  "<",
  "<=",
  "==",
  "!=",
  ">=",
  ">",
  "array-contains",
  "in",
  "not-in",
  "array-contains-any",
];

const maybe = <T>(arbitrary: fc.Arbitrary<T>, freq = 1) =>
  fc.option(arbitrary, { nil: undefined, freq });

const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const fields = fc.record({
  a: maybe(any, 5),
  b: maybe(any, 5),
  x: maybe(any, 2),
  t: maybe(fc.array(plain, { maxLength: 3 }), 2),
});
const ids = fc.constantFrom("a", "b", "B", "c", "d", "1", "10", "2", "é", "a-b", "aa");
const documents = fc.dictionary(
  fc.tuple(fc.constantFrom("c", "p/1/c", "p/2/c"), ids).map((parts) => parts.join("/")),
  fields,
  { minKeys: 4, maxKeys: 16 },
);

const comparison = fc.record({
  field: fc.constantFrom(...FIELDS, "__name__"),
  op: fc.constantFrom(...OPERATORS),
  value: any,
  list: fc.array(plain, { minLength: 1, maxLength: 3 }),
  id: ids,
});
type Comparison = typeof comparison extends fc.Arbitrary<infer T> ? T : never;

/**
 * Comparisons of which no two ask the same of a field: what the emulator says to that, nobody
 * needs.
 */
const comparisons = (minLength: number) =>
  fc.uniqueArray(comparison, {
    minLength,
    maxLength: 3,
    selector: ({ field, op }) => `${field} ${op.startsWith("array") ? "array" : op}`,
  });
const filter = fc.oneof(
  { weight: 3, arbitrary: comparisons(1).map((all) => ({ all })) },
  { weight: 1, arbitrary: comparisons(2).map((some) => ({ some })) },
);
const query = fc.record({
  from: fc.constantFrom("c", "p/1/c", "group"),
  filter: maybe(filter, 3),
  orders: fc.array(
    fc.tuple(
      fc.constantFrom(...FIELDS, "__name__"),
      fc.constantFrom("asc" as const, "desc" as const),
    ),
    { maxLength: 2 },
  ),
  limit: seldom(fc.integer({ min: 1, max: 5 })),
  isLast: fc.boolean(),
  offset: seldom(fc.integer({ min: 0, max: 3 })),
  start: seldom(fc.array(any, { minLength: 1, maxLength: 2 })),
  end: seldom(fc.array(any, { minLength: 1, maxLength: 2 })),
  isInclusive: fc.boolean(),
  select: seldom(fc.subarray([...FIELDS])),
  aggregate: seldom(fc.subarray(["count", "sum", "average"] as const, { minLength: 1 })),
  aggregated: fc.constantFrom(...FIELDS),
});
type Described = typeof query extends fc.Arbitrary<infer T> ? T : never;

function pathOf(field: string): string | FieldPath {
  return field === "__name__" ? FieldPath.documentId() : field;
}

function toFilter(db: Firestore, { field, op, value, list, id }: Comparison, from: string): Filter {
  const name = from === "group" ? db.doc(`c/${id}`) : id;
  const isList = op === "in" || op === "not-in" || op === "array-contains-any";
  if (field === "__name__") return Filter.where(FieldPath.documentId(), op, isList ? [name] : name);
  return Filter.where(field, op, isList ? list.map((each) => each.value) : resolve(db, value));
}

/** The client's query. @throws {Error} for what the client itself refuses */
function build(db: Firestore, described: Described): Query {
  const { from, orders, offset, select } = described;
  let built: Query = from === "group" ? db.collectionGroup("c") : db.collection(from);
  if (described.filter) {
    const { all, some } = { all: undefined, some: undefined, ...described.filter };
    const filters = (all ?? some ?? []).map((each) => toFilter(db, each, from));
    built = built.where(all ? Filter.and(...filters) : Filter.or(...filters));
  }
  for (const [field, direction] of orders) built = built.orderBy(pathOf(field), direction);
  if (orders.length > 0) built = between(db, built, described);
  if (offset !== undefined) built = built.offset(offset);
  return select ? built.select(...select) : built;
}

/** With the cursors and the limit. */
function between(db: Firestore, ordered: Query, described: Described): Query {
  const { start, end, isInclusive, limit, isLast, orders } = described;
  const bound = (given: Given[]) => given.slice(0, orders.length).map((each) => resolve(db, each));
  let built = ordered;
  if (start) built = built[isInclusive ? "startAt" : "startAfter"](...bound(start));
  if (end) built = built[isInclusive ? "endAt" : "endBefore"](...bound(end));
  if (limit === undefined) return built;
  return isLast ? built.limitToLast(limit) : built.limit(limit);
}

/** The outcome as text: the documents or aggregates, or the code of the refusal. */
async function outcomeOf(db: Firestore, described: Described): Promise<string> {
  let built: Query;
  try {
    built = build(db, described);
  } catch {
    return "refused by the client";
  }
  const { aggregate, aggregated } = described;
  const run = async () => {
    if (aggregate) {
      const wanted = {
        count: AggregateField.count(),
        sum: AggregateField.sum(aggregated),
        average: AggregateField.average(aggregated),
      };
      const some = Object.fromEntries(aggregate.map((name) => [name, wanted[name]]));
      return shown({ ...(await built.aggregate(some).get()).data() });
    }
    const { docs } = await built.get();
    return toText(docs);
  };
  return run().catch((error) => {
    if (typeof error.code !== "number") throw error;
    return `refused with ${error.code}`;
  });
}

function toText(documents: QueryDocumentSnapshot[]): string {
  return shown(documents.map((document) => [document.ref.path, document.data()]));
}

async function put(db: Firestore, given: Record<string, object>): Promise<void> {
  const batch = db.batch();
  for (const [path, { x, ...rest }] of Object.entries(given) as [string, Record<string, Given>][]) {
    const set = Object.entries(rest).filter(([, value]) => value !== undefined);
    const data = Object.fromEntries(
      set.map(([field, value]) => [
        field,
        Array.isArray(value) ? value.map((each) => each.value) : resolve(db, value as Given),
      ]),
    );
    batch.set(db.doc(path), x === undefined ? data : { ...data, m: { x: resolve(db, x) } });
  }
  await batch.commit();
}

/** What the query gives on both clients, if that differs. */
async function differenceOf(one: Firestore, other: Firestore, described: Described) {
  const [left, right] = await Promise.all([outcomeOf(one, described), outcomeOf(other, described)]);
  const isRefused = REFUSED.test(left) && REFUSED.test(right);
  if (left === right || isRefused || (TARGET === "standIn" && right === "refused with 9"))
    return [];
  return [`${shown(JSON.parse(JSON.stringify(described)))}\n${left}\n${right}`];
}

/** Composite indexes, by which the other stand-in finds what this one finds without. */
const INDEXES = {
  indexes: [
    ["a", "b"],
    ["b", "a"],
    ["b", "-a"],
    ["m.x", "a"],
    ["-t", "-b"],
    ["a", "-__name__"],
  ].flatMap((paths) =>
    ["COLLECTION", "COLLECTION_GROUP"].map((queryScope) => ({
      collectionGroup: "c",
      queryScope,
      fields: paths.map((path) => ({
        fieldPath: path.replace("-", ""),
        order: path.startsWith("-") ? "DESCENDING" : "ASCENDING",
      })),
    })),
  ),
};

// Against an emulator the other one is the stand-in, so this is where the two are compared at
// large.
emulatorTest.each(Array.from({ length: DATASETS }, (_, at) => at))(
  "random queries of random documents give the same on another Firestore: %i",
  async (at) => {
    const seed = SEED + at;
    const [given = {}] = fc.sample(documents, { numRuns: 1, seed });
    const queries = fc.sample(query, { numRuns: QUERIES, seed });
    await using world = await startWorld();
    await using other = await startStandIn(TARGET === "standIn" ? { indexes: INDEXES } : {});
    await put(world.db, given);
    await put(other.db, given);
    const differences = await Promise.all(
      queries.map((each) => differenceOf(world.db, other.db, each)),
    );
    expect(differences.flat()).toEqual([]);
  },
);

const byPath = (left: QueryDocumentSnapshot, right: QueryDocumentSnapshot) =>
  left.ref.path < right.ref.path ? -1 : 1;

/**
 * What the query finds, by path: the client sorts what a listener hears, not always as the service
 * does.
 */
async function found(db: Firestore, described: Described): Promise<string> {
  return toText((await build(db, described).get()).docs.toSorted(byPath));
}

/** Writes each document, or erases it, all at once. */
async function change(db: Firestore, given: Record<string, object>, erased: string[]) {
  await put(db, given);
  const batch = db.batch();
  for (const path of erased) batch.delete(db.doc(path));
  await batch.commit();
}

emulatorTest.each(Array.from({ length: HISTORIES }, (_, at) => at))(
  "listeners of random queries end with what their queries find: %i",
  async (at) => {
    const seed = SEED + at;
    const histories = fc.sample(documents, { numRuns: 12, seed });
    const queries = fc.sample(query, { numRuns: 60, seed });
    await using world = await startWorld();
    await put(world.db, histories[0] ?? {});
    using stops = new DisposableStack();
    // A selection without the fields of the order stops the client's listener, which sorts by them.
    const bare = { aggregate: undefined, offset: undefined, select: undefined };
    const all = queries.map((each) => ({ ...each, ...bare }));
    const outcomes = await Promise.all(all.map((each) => outcomeOf(world.db, each)));
    const followed: { described: Described; last: string }[] = [];
    for (const described of all.filter((_, n) => !REFUSED.test(outcomes[n] ?? ""))) {
      const listener = { described, last: "" };
      followed.push(listener);
      const tell = ({ docs }: QuerySnapshot) => {
        listener.last = toText(docs.toSorted(byPath));
      };
      const stop = build(world.db, described).onSnapshot(tell, (error) => {
        listener.last = error.message;
      });
      stops.defer(stop);
    }
    expect(followed.length).toBeGreaterThan(15);
    for (const [n, given] of histories.entries()) {
      const erased = Object.keys(histories[n - 1] ?? {}).filter((path) => path < "c/c");
      await change(world.db, given, erased);
    }
    await eventually(async () => {
      for (const { described, last } of followed) {
        const told = JSON.stringify(described);
        expect([told, last]).toEqual([told, await found(world.db, described)]);
      }
    });
  },
);
