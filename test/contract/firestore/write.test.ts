import { FieldPath, FieldValue, GeoPoint, Timestamp } from "@google-cloud/firestore";
import { emulatorTest, googlesText, standInTest } from "../declared.ts";
import { makeClock, PROJECT, ROOT, refusalOf, startWorld } from "./world.ts";

test("every type of value comes back as it was written", async () => {
  await using world = await startWorld();
  const document = world.db.doc("values/all");
  const values = {
    text: "ä€𝄞\u0000",
    integer: 42,
    large: 2 ** 60,
    double: 1.5,
    nan: Number.NaN,
    infinity: Number.POSITIVE_INFINITY,
    yes: true,
    nothing: null,
    instant: new Timestamp(1_700_000_000, 123_456_000),
    bytes: Buffer.from([0, 1, 255]),
    reference: world.db.doc("values/other"),
    place: new GeoPoint(1.5, -2.5),
    list: [1, "two", { three: 3 }],
    map: { inner: { deep: "x" }, "a.b": 1, empty: {} },
    vector: FieldValue.vector([1, 2, 3]),
    empty: [],
  };
  await document.set(values);
  expect((await document.get()).data()).toEqual(values);
});

test("a timestamp is cut to microseconds", async () => {
  await using world = await startWorld();
  await world.db.doc("c/d").set({ at: new Timestamp(1, 123_456_789) });
  expect((await world.db.doc("c/d").get()).get("at")).toEqual(new Timestamp(1, 123_456_000));
});

test("create refuses a document that exists", async () => {
  await using world = await startWorld();
  await world.db.doc("c/d").create({ first: true });
  const refusal = await refusalOf(world.db.doc("c/d").create({ second: true }));
  expect(refusal).toEqual({
    code: 6,
    details: googlesText(`Document already exists: ${ROOT}/c/d`),
  });
  expect((await world.db.doc("c/d").get()).data()).toEqual({ first: true });
});

test("update refuses a document that does not exist", async () => {
  await using world = await startWorld();
  const refusal = await refusalOf(world.db.doc("c/d").update({ field: 1 }));
  expect(refusal).toEqual({
    code: 5,
    details: googlesText(`No document to update: ${ROOT}/c/d`),
  });
});

test("update changes the named fields, nested and quoted ones too, and deletes", async () => {
  await using world = await startWorld();
  const document = world.db.doc("c/d");
  await document.set({ kept: 1, map: { a: 1, b: 2 }, gone: true, "x.y": 1 });
  await document.update(
    "map.a",
    10,
    new FieldPath("map", "c d`\\"),
    3,
    "gone",
    FieldValue.delete(),
    new FieldPath("x.y"),
    2,
    "made.inside",
    true,
  );
  expect((await document.get()).data()).toEqual({
    kept: 1,
    map: { a: 10, b: 2, "c d`\\": 3 },
    "x.y": 2,
    made: { inside: true },
  });
});

test("set replaces, set with merge merges and creates", async () => {
  await using world = await startWorld();
  const document = world.db.doc("c/d");
  await document.set({ a: 1, map: { x: 1 } }, { merge: true });
  await document.set({ b: 2, map: { y: 2 } }, { merge: true });
  expect((await document.get()).data()).toEqual({ a: 1, b: 2, map: { x: 1, y: 2 } });
  await document.set({ a: 5, b: 6, c: 7 }, { mergeFields: ["a", "c"] });
  expect((await document.get()).data()).toEqual({ a: 5, b: 2, c: 7, map: { x: 1, y: 2 } });
  await document.set({ only: true });
  expect((await document.get()).data()).toEqual({ only: true });
});

test("delete removes; deleting what is not there is no error unless it must exist", async () => {
  await using world = await startWorld();
  const document = world.db.doc("c/d");
  await document.set({ a: 1 });
  await document.delete();
  expect((await document.get()).exists).toBe(false);
  await document.delete();
  expect((await refusalOf(document.delete({ exists: true }))).code).toBe(5);
});

test("a lastUpdateTime that is not the document's is a failed precondition", async () => {
  await using world = await startWorld();
  const document = world.db.doc("c/d");
  const first = await document.set({ n: 1 });
  const second = await document.update({ n: 2 }, { lastUpdateTime: first.writeTime });
  const refusal = await refusalOf(document.update({ n: 3 }, { lastUpdateTime: first.writeTime }));
  expect(refusal.code).toBe(9);
  const micros = ({ seconds, nanoseconds }: Timestamp) => seconds * 1e6 + nanoseconds / 1000;
  expect(refusal.details).toBe(
    `the stored version (${micros(second.writeTime)}) does not match the required base version (${micros(first.writeTime)})`,
  );
  const missing = world.db.doc("c/missing").delete({ lastUpdateTime: first.writeTime });
  expect((await refusalOf(missing)).code).toBe(9);
});

standInTest("commit times grow even when the clock stands still or goes back", async () => {
  const clock = makeClock();
  await using world = await startWorld({ clock });
  const times: number[] = [];
  for (let n = 0; n < 5; n++) {
    const { writeTime } = await world.db.doc("c/d").set({ n });
    times.push(writeTime.seconds * 1e6 + writeTime.nanoseconds / 1000);
    clock.advance(-1000);
  }
  expect(times).toEqual(times.toSorted((left, right) => left - right));
  expect(new Set(times).size).toBe(5);
});

test("a write that changes nothing leaves the update time alone", async () => {
  await using world = await startWorld();
  const document = world.db.doc("c/d");
  const first = await document.set({ a: 1, b: 2 });
  const second = await document.set({ b: 2, a: 1 });
  expect(second.writeTime).toEqual(first.writeTime);
  const snapshot = await document.get();
  expect(snapshot.updateTime).toEqual(first.writeTime);
  expect(snapshot.createTime).toEqual(first.writeTime);
});

test("transforms compute on the server", async () => {
  await using world = await startWorld();
  const document = world.db.doc("c/d");
  await document.set({ n: 5, f: 1.5, max: 3, min: 3, text: "x", list: [1, 2, 2], other: [1, "1"] });
  await document.update({
    n: FieldValue.increment(2),
    f: FieldValue.increment(1),
    text: FieldValue.increment(7),
    fresh: FieldValue.increment(1),
    max: FieldValue.maximum(10),
    min: FieldValue.minimum(10),
    list: FieldValue.arrayUnion(2, 3, 3),
    other: FieldValue.arrayRemove(1),
    made: FieldValue.arrayUnion("a"),
    "deep.at": FieldValue.serverTimestamp(),
    at: FieldValue.serverTimestamp(),
  });
  const { at, deep, ...rest } = (await document.get()).data() ?? {};
  expect(deep).toEqual({ at });
  expect(Math.abs(at.toMillis() - Date.now())).toBeLessThan(60_000);
  expect(rest).toEqual({
    n: 7,
    f: 2.5,
    text: 7,
    fresh: 1,
    max: 10,
    min: 3,
    list: [1, 2, 2, 3],
    other: ["1"],
    made: ["a"],
  });
});

standInTest("a server timestamp is the service's time", async () => {
  const clock = makeClock();
  await using world = await startWorld({ clock });
  await world.db.doc("c/d").set({ at: FieldValue.serverTimestamp() });
  const document = await world.db.doc("c/d").get();
  expect(document.get("at")).toEqual(Timestamp.fromMillis(clock.now()));
});

test("integers beyond a double's reach are added exactly and stop at 64 bits", async () => {
  await using world = await startWorld();
  const db = world.connect();
  db.settings({ useBigInt: true });
  const document = db.doc("c/d");
  await document.set({ near: 9007199254740993n, top: 2n ** 63n - 2n });
  await document.update({ near: FieldValue.increment(2), top: FieldValue.increment(5) });
  expect((await document.get()).data()).toEqual({ near: 9007199254740995n, top: 2n ** 63n - 1n });
});

test("a batch is applied in order, all or nothing", async () => {
  await using world = await startWorld();
  const { db } = world;
  const batch = db.batch();
  batch.set(db.doc("c/a"), { n: 1 });
  batch.update(db.doc("c/a"), { n: FieldValue.increment(1) });
  batch.create(db.doc("c/b"), { n: 1 });
  const results = await batch.commit();
  expect(new Set(results.map(({ writeTime }) => writeTime.toMillis())).size).toBe(1);
  expect((await db.doc("c/a").get()).get("n")).toBe(2);
  const refused = db.batch();
  refused.set(db.doc("c/c"), { n: 1 });
  refused.delete(db.doc("c/a"));
  refused.create(db.doc("c/b"), { n: 2 });
  expect((await refusalOf(refused.commit())).code).toBe(6);
  expect((await db.doc("c/c").get()).exists).toBe(false);
  expect((await db.doc("c/a").get()).exists).toBe(true);
});

test("a bulk writer's writes stand each for itself", async () => {
  await using world = await startWorld();
  const { db } = world;
  await db.doc("c/taken").set({ first: true });
  const writer = db.bulkWriter();
  writer.onWriteError(() => false);
  const outcomes = [
    writer.create(db.doc("c/taken"), { first: false }),
    writer.create(db.doc("c/free"), { n: 1 }),
    writer.update(db.doc("c/missing"), { n: 1 }),
    writer.delete(db.doc("c/other")),
  ].map((outcome) =>
    outcome.then(
      () => 0,
      (error: { code: number }) => error.code,
    ),
  );
  await writer.close();
  expect(await Promise.all(outcomes)).toEqual([6, 0, 5, 0]);
  expect((await db.doc("c/taken").get()).get("first")).toBe(true);
});

emulatorTest("projects and databases do not see each other", async () => {
  await using world = await startWorld();
  const clients = [world.db, world.connect(`${PROJECT}-2`), world.connect(PROJECT, "second")];
  for (const [n, client] of clients.entries()) await client.doc("c/d").set({ n });
  for (const [n, client] of clients.entries()) {
    expect((await client.doc("c/d").get()).data()).toEqual({ n });
    expect((await client.collectionGroup("c").get()).size).toBe(1);
  }
});
