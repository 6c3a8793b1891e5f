import {
  FieldPath,
  FieldValue,
  Filter,
  type Firestore,
  GeoPoint,
  type Query,
  Timestamp,
} from "@google-cloud/firestore";
import { idsOf, refusalOf, startWorld } from "./world.ts";

async function put(db: Firestore, documents: Record<string, object>, collection = "c") {
  const batch = db.batch();
  for (const [id, fields] of Object.entries(documents))
    batch.set(db.doc(`${collection}/${id}`), fields);
  await batch.commit();
}

const PEOPLE = {
  ann: { age: 30, city: "Bern", tags: ["a", "b"], boss: null },
  bob: { age: 20, city: "Rome", tags: ["b"], boss: "ann" },
  cid: { age: 40, city: "Bern", tags: ["c", "a"], boss: Number.NaN },
  dan: { age: 20, city: "Oslo", tags: "a" },
  eve: { city: "Rome", age: "old", tags: [] },
};

test.each([
  ["==", "city", "==", "Bern", ["ann", "cid"]],
  ["== number", "age", "==", 20, ["bob", "dan"]],
  ["== null", "boss", "==", null, ["ann"]],
  ["== NaN", "boss", "==", Number.NaN, ["cid"]],
  ["== array", "tags", "==", ["b"], ["bob"]],
  ["!=", "city", "!=", "Bern", ["dan", "bob", "eve"]],
  ["!= leaves out null and missing", "boss", "!=", "ann", ["cid"]],
  ["!= null", "boss", "!=", null, ["cid", "bob"]],
  ["!= NaN", "boss", "!=", Number.NaN, ["bob"]],
  ["<", "age", "<", 30, ["bob", "dan"]],
  ["<=", "age", "<=", 30, ["bob", "dan", "ann"]],
  [">", "age", ">", 20, ["ann", "cid"]],
  [">=", "age", ">=", 30, ["ann", "cid"]],
  ["> keeps to the type", "age", ">", "a", ["eve"]],
  ["in", "city", "in", ["Oslo", "Bern", "Oslo"], ["ann", "cid", "dan"]],
  ["not-in", "city", "not-in", ["Oslo", "Bern"], ["bob", "eve"]],
  ["not-in with null", "city", "not-in", [null], []],
  ["array-contains", "tags", "array-contains", "a", ["ann", "cid"]],
  ["array-contains-any", "tags", "array-contains-any", ["b", "c"], ["ann", "bob", "cid"]],
] as const)("where %s finds what Firestore finds", async (...row) => {
  const [, field, op, value, expected] = row;
  await using world = await startWorld();
  await put(world.db, PEOPLE);
  expect(idsOf(await world.db.collection("c").where(field, op, value).get())).toEqual(expected);
});

test("filters combine with and, or, and the name", async () => {
  await using world = await startWorld();
  await put(world.db, PEOPLE);
  const all = world.db.collection("c");
  const either = all.where(
    Filter.or(
      Filter.and(Filter.where("city", "==", "Bern"), Filter.where("age", ">", 35)),
      Filter.where("city", "==", "Oslo"),
      Filter.where("tags", "array-contains", "c"),
    ),
  );
  expect(idsOf(await either.get())).toEqual(["dan", "cid"]);
  const inBern = all.where("city", "==", "Bern").where("tags", "array-contains", "a");
  expect(idsOf(await inBern.where("age", "<", 35).get())).toEqual(["ann"]);
  const id = FieldPath.documentId();
  expect(idsOf(await all.where(id, "in", ["eve", "bob", "nobody"]).get())).toEqual(["bob", "eve"]);
  expect(idsOf(await all.where(id, "==", "cid").get())).toEqual(["cid"]);
  expect(idsOf(await all.where(id, ">", "bob").where(id, "<=", "dan").get())).toEqual([
    "cid",
    "dan",
  ]);
  expect(idsOf(await all.where(id, "!=", "bob").where("city", "==", "Rome").get())).toEqual([
    "eve",
  ]);
  const several = all.where("age", ">=", 20).where("city", ">", "Bern");
  expect(idsOf(await several.get())).toEqual(["dan", "bob"]);
});

test("values of all types stand in Firestore's order", async () => {
  await using world = await startWorld();
  const { db } = world;
  const ordered = [
    null,
    false,
    true,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    -1.5,
    -1,
    0,
    0.5,
    1,
    2 ** 53,
    Number.POSITIVE_INFINITY,
    new Timestamp(-5, 0),
    new Timestamp(10, 0),
    new Timestamp(10, 1000),
    "",
    "A",
    "a",
    "a\u0000",
    "ab",
    "é",
    "\uffee",
    "😀",
    Buffer.from([]),
    Buffer.from([0]),
    Buffer.from([0, 1]),
    Buffer.from([1]),
    db.doc("a/b"),
    db.doc("a/b/c/d"),
    db.doc("a/b!"),
    db.doc("aa/b"),
    new GeoPoint(-10, 20),
    new GeoPoint(5, -20),
    new GeoPoint(5, 20),
    [],
    [1],
    [1, 2],
    [2],
    ["a"],
    FieldValue.vector([9]),
    FieldValue.vector([1, 2]),
    {},
    { a: 1 },
    { a: 1, b: 1 },
    { a: 2 },
    { b: 0 },
  ];
  const ids = ordered.map((_value, index) => `${90 - index}`);
  await put(db, Object.fromEntries(ordered.map((value, index) => [ids[index], { value }])));
  const query = db.collection("c").orderBy("value");
  expect(idsOf(await query.get())).toEqual(ids);
  expect(idsOf(await db.collection("c").orderBy("value", "desc").get())).toEqual(ids.toReversed());
  const pages: string[] = [];
  let last = await query.limit(7).get();
  while (last.size > 0) {
    pages.push(...idsOf(last));
    last = await query.startAfter(last.docs.at(-1)).limit(7).get();
  }
  expect(pages).toEqual(ids);
});

test("orders, limits, offsets and limitToLast", async () => {
  await using world = await startWorld();
  await put(world.db, PEOPLE);
  const byAge = world.db.collection("c").orderBy("age").orderBy("city", "desc");
  expect(idsOf(await byAge.get())).toEqual(["bob", "dan", "ann", "cid", "eve"]);
  expect(idsOf(await byAge.limit(2).get())).toEqual(["bob", "dan"]);
  expect(idsOf(await byAge.offset(1).limit(2).get())).toEqual(["dan", "ann"]);
  expect(idsOf(await byAge.limitToLast(2).get())).toEqual(["cid", "eve"]);
  expect(idsOf(await world.db.collection("c").orderBy("boss").get())).toEqual([
    "ann",
    "cid",
    "bob",
  ]);
  const named = world.db.collection("c").orderBy(FieldPath.documentId());
  expect(idsOf(await named.limit(2).get())).toEqual(["ann", "bob"]);
});

test("descending names alone need an index, which nothing makes automatically", async () => {
  await using world = await startWorld();
  await put(world.db, { ann: { n: 1 }, bob: { n: 1 } });
  const byName = world.db.collection("c").orderBy(FieldPath.documentId(), "desc");
  expect((await refusalOf(byName.limit(2).get())).code).toBe(9);
  expect(idsOf(await byName.where("n", "==", 1).get())).toEqual(["bob", "ann"]);
});

test("cursors take values, prefixes and documents, on either side", async () => {
  await using world = await startWorld();
  await put(world.db, PEOPLE);
  const byAge = world.db.collection("c").orderBy("age").orderBy("city");
  expect(idsOf(await byAge.startAt(20, "Rome").get())).toEqual(["bob", "ann", "cid", "eve"]);
  expect(idsOf(await byAge.startAfter(20).get())).toEqual(["ann", "cid", "eve"]);
  expect(idsOf(await byAge.endAt(30).get())).toEqual(["dan", "bob", "ann"]);
  expect(idsOf(await byAge.endBefore(20, "Rome").get())).toEqual(["dan"]);
  const dan = await world.db.doc("c/dan").get();
  expect(idsOf(await byAge.startAfter(dan).endAt(40).get())).toEqual(["bob", "ann", "cid"]);
  const downwards = world.db.collection("c").orderBy("age", "desc");
  expect(idsOf(await downwards.startAfter(40).endBefore(20).get())).toEqual(["ann"]);
  const byName = world.db.collection("c").orderBy(FieldPath.documentId());
  expect(idsOf(await byName.startAfter("bob").endAt("dan").get())).toEqual(["cid", "dan"]);
});

test("select gives only the fields asked for", async () => {
  await using world = await startWorld();
  await put(world.db, { d: { a: 1, map: { x: 1, y: 2 }, "q r": 3 } });
  const some = await world.db.collection("c").select("map.x", new FieldPath("q r"), "none").get();
  expect(some.docs[0]?.data()).toEqual({ map: { x: 1 }, "q r": 3 });
  const none = await world.db.collection("c").select().get();
  expect(none.docs[0]?.data()).toEqual({});
});

test("a collection's query leaves out other collections; a group's takes them all", async () => {
  await using world = await startWorld();
  const { db } = world;
  await put(db, { a: { n: 3 }, b: { n: 1 } }, "events");
  await put(db, { c: { n: 2 } }, "runs/r1/events");
  await put(db, { d: { n: 4 } }, "runs/r2/events");
  await put(db, { e: { n: 0 } }, "runs/r2/eventsX");
  expect(idsOf(await db.collection("events").orderBy("n").get())).toEqual(["b", "a"]);
  expect(idsOf(await db.collection("runs/r1/events").get())).toEqual(["c"]);
  expect(idsOf(await db.collectionGroup("events").orderBy("n").get())).toEqual([
    "b",
    "c",
    "a",
    "d",
  ]);
  expect(idsOf(await db.collectionGroup("events").get())).toEqual(["a", "b", "c", "d"]);
  expect(idsOf(await db.collectionGroup("events").where("n", ">", 2).get())).toEqual(["a", "d"]);
  await db.recursiveDelete(db.doc("runs/r2"));
  expect(idsOf(await db.collectionGroup("events").get())).toEqual(["a", "b", "c"]);
  expect((await db.collection("runs/r2/eventsX").get()).size).toBe(0);
});

test("a recursive delete takes every document, whatever its name begins with, and no other", async () => {
  await using world = await startWorld();
  const { db } = world;
  const ids = ["1", "A", "-", "_", "__id", "a", "é", "\u0001"];
  await put(db, Object.fromEntries(ids.map((id) => [id, { id }])));
  await put(db, Object.fromEntries(ids.map((id) => [id, { id }])), "c/A/Inner");
  await put(db, { A: {} }, "cc");
  await db.recursiveDelete(db.collection("c"));
  expect((await db.listCollections()).map(({ id }) => id)).toEqual(["cc"]);
});

test("collections and documents are listed, missing parents included", async () => {
  await using world = await startWorld();
  const { db } = world;
  await put(db, { x: {} }, "b");
  await put(db, { y: {} }, "a/missing/inner");
  await put(db, { z: {} }, "b/x/more");
  expect((await db.listCollections()).map(({ id }) => id)).toEqual(["a", "b"]);
  expect((await db.doc("b/x").listCollections()).map(({ id }) => id)).toEqual(["more"]);
  expect((await db.collection("a").listDocuments()).map(({ id }) => id)).toEqual(["missing"]);
  expect((await db.doc("a/missing").get()).exists).toBe(false);
});

test("more documents than a page or a chunk are all given, in order, both ways", async () => {
  await using world = await startWorld();
  const ids = Array.from({ length: 700 }, (_, n) => `d${String(n).padStart(4, "0")}`);
  await put(world.db, Object.fromEntries(ids.map((id, n) => [id, { n, even: n % 2 === 0 }])));
  const all = world.db.collection("c");
  expect(idsOf(await all.get())).toEqual(ids);
  expect(idsOf(await all.orderBy("n", "desc").get())).toEqual(ids.toReversed());
  const odd = await all.where("even", "==", false).orderBy("n").offset(10).limit(300).get();
  expect(odd.docs.map((document) => document.get("n"))).toEqual(
    Array.from({ length: 300 }, (_, n) => 21 + 2 * n),
  );
  expect((await all.listDocuments()).length).toBe(700);
});

test("aggregations count, sum and average", async () => {
  await using world = await startWorld();
  const { AggregateField } = await import("@google-cloud/firestore");
  await put(world.db, { a: { n: 1 }, b: { n: 2 }, c: { n: 4 }, d: { other: 1 } });
  const all = world.db.collection("c");
  expect((await all.count().get()).data()).toEqual({ count: 4 });
  expect((await all.where("n", ">", 1).count().get()).data()).toEqual({ count: 2 });
  expect((await all.limit(3).count().get()).data()).toEqual({ count: 3 });
  expect((await all.offset(3).count().get()).data()).toEqual({ count: 1 });
  const result = await all
    .aggregate({
      sum: AggregateField.sum("n"),
      average: AggregateField.average("n"),
    })
    .get();
  expect(result.data()).toEqual({ sum: 7, average: 7 / 3 });
});

test("only documents with every aggregated field count, in the order of those fields", async () => {
  await using world = await startWorld();
  const { AggregateField } = await import("@google-cloud/firestore");
  await put(world.db, { a: { n: 1 }, b: { k: 1 }, c: { n: 2, f: "x" }, d: { n: null } });
  const all = world.db.collection("c");
  const aggregations = { sum: AggregateField.sum("n"), count: AggregateField.count() };
  const of = async (query: Query) => (await query.aggregate(aggregations).get()).data();
  expect(await of(all)).toEqual({ sum: 3, count: 3 });
  expect(await of(all.limit(2))).toEqual({ sum: 1, count: 2 });
  expect(await of(all.offset(1).limit(1))).toEqual({ sum: 1, count: 1 });
  expect(await of(all.orderBy("k"))).toEqual({ sum: 0, count: 0 });
  expect(await of(all.where("n", "==", 2))).toEqual({ sum: 2, count: 1 });
  const both = {
    ...aggregations,
    texts: AggregateField.sum("f"),
    none: AggregateField.average("f"),
  };
  expect((await all.aggregate(both).get()).data()).toEqual({
    sum: 2,
    count: 1,
    texts: 0,
    none: null,
  });
  expect(await refusalOf(of(all.orderBy(FieldPath.documentId())))).toEqual({
    code: 3,
    details:
      "This query requires an index that has fields [n] after __name__ and Firestore does not currently support such an index. Please try the query again with additional ordering on those fields.",
  });
});
