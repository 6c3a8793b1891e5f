import { FieldValue, Timestamp } from "@google-cloud/firestore";
import { differsTest, googleTest, standInTest } from "../declared.ts";
import { sleep, TARGET } from "../target.ts";
import { eventually, idsOf, makeClock, refusalOf, startWorld } from "./world.ts";

/** A door that a test opens. */
function makeGate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

test("two transactions on one document: both end up applied, tried again until they are", async () => {
  await using world = await startWorld();
  const document = world.db.doc("c/counter");
  await document.set({ n: 0 });
  const bothRead = makeGate();
  let reads = 0;
  let attempts = 0;
  const add = (by: number) =>
    world.db.runTransaction(async (transaction) => {
      attempts++;
      const n = (await transaction.get(document)).get("n");
      if (++reads === 2) bothRead.open();
      await bothRead.passed;
      transaction.update(document, { n: n + by });
    });
  await Promise.all([add(1), add(10)]);
  expect((await document.get()).get("n")).toBe(11);
  // Where reads lock, each may have to wait for the other, and both be tried again.
  expect([3, ...(TARGET === "standIn" ? [] : [2, 4])]).toContain(attempts);
});

differsTest.each([
  ["a document that was missing", "c/new", { n: 1 }],
  ["a document that enters the query", "q/entering", { open: true }],
  ["a document that leaves the query", "q/leaving", { open: false }],
])(
  "Differs: Google's Standard edition locks what a transaction reads and lets other writers wait: here it fails when it has read %s and that changes",
  async (_name, path, fields) => {
    await using world = await startWorld();
    const { db } = world;
    await db.doc("q/leaving").set({ open: true });
    const attempt = db.runTransaction(
      async (transaction) => {
        await transaction.get(db.doc("c/new"));
        await transaction.get(db.collection("q").where("open", "==", true));
        await db.doc(path).set(fields);
        transaction.set(db.doc("c/result"), { done: true });
      },
      { maxAttempts: 1 },
    );
    expect(await refusalOf(attempt)).toEqual({
      code: 10,
      details: "Too much contention on these documents. Please try again.",
    });
    expect((await db.doc("c/result").get()).exists).toBe(false);
  },
);

// The emulator locks the whole collection that a query read, and each reader's documents, so a
// write from outside waits for the transaction and the transaction, here, for the write.
googleTest("a transaction is not disturbed by what it did not read", async () => {
  await using world = await startWorld();
  const { db } = world;
  for (const n of [1, 2, 3]) await db.doc(`q/d${n}`).set({ n });
  await db.runTransaction(
    async (transaction) => {
      await transaction.get(db.doc("c/read"));
      await transaction.get(db.collection("q").orderBy("n").limit(2));
      await db.doc("c/other").set({ n: 1 });
      await db.doc("q/d3").update({ n: 4 });
      transaction.create(db.doc("c/read"), { n: 2 });
    },
    { maxAttempts: 1 },
  );
  expect((await db.doc("c/read").get()).get("n")).toBe(2);
});

googleTest("all reads of a transaction are of one instant", async () => {
  await using world = await startWorld();
  const { db } = world;
  await db.doc("c/a").set({ n: 1 });
  await db.doc("c/b").set({ n: 1 });
  await db.doc("c/gone").set({ n: 1 });
  const seen = await db.runTransaction(
    async (transaction) => {
      const a = (await transaction.get(db.doc("c/a"))).get("n");
      const batch = db.batch();
      batch.update(db.doc("c/a"), { n: 2 });
      batch.update(db.doc("c/b"), { n: 2 });
      batch.create(db.doc("c/new"), { n: 2 });
      batch.delete(db.doc("c/gone"));
      await batch.commit();
      const b = (await transaction.get(db.doc("c/b"))).get("n");
      const ones = idsOf(await transaction.get(db.collection("c").where("n", "==", 1)));
      const first = idsOf(await transaction.get(db.collection("c").orderBy("n", "desc").limit(2)));
      const count = (await transaction.get(db.collection("c").count())).data().count;
      return { a, b, ones, first, count };
    },
    { readOnly: true },
  );
  expect(seen).toEqual({ a: 1, b: 1, ones: ["a", "b", "gone"], first: ["gone", "b"], count: 3 });
});

test("many increments at once are all counted", async () => {
  await using world = await startWorld();
  const document = world.db.doc("c/counter");
  await Promise.all(
    Array.from({ length: 50 }, () => document.set({ n: FieldValue.increment(1) }, { merge: true })),
  );
  expect((await document.get()).get("n")).toBe(50);
});

test("what a transaction writes is refused as a whole when a precondition fails", async () => {
  await using world = await startWorld();
  const { db } = world;
  await db.doc("c/there").set({});
  const attempt = db.runTransaction(async (transaction) => {
    await transaction.get(db.doc("c/x"));
    transaction.set(db.doc("c/x"), { n: 1 });
    transaction.create(db.doc("c/there"), { n: 1 });
  });
  expect((await refusalOf(attempt)).code).toBe(6);
  expect((await db.doc("c/x").get()).exists).toBe(false);
});

test("a rolled back transaction leaves nothing", async () => {
  await using world = await startWorld();
  const { db } = world;
  const attempt = db.runTransaction(async (transaction) => {
    await transaction.get(db.doc("c/x"));
    transaction.set(db.doc("c/x"), { n: 1 });
    throw new Error("changed my mind");
  });
  await expect(attempt).rejects.toThrow("changed my mind");
  expect((await db.doc("c/x").get()).exists).toBe(false);
});

standInTest.each([
  ["idle for more than 60 seconds", [61_000]],
  ["older than 270 seconds", [50_000, 50_000, 50_000, 50_000, 50_000, 50_000]],
])("a transaction %s has expired", async (_name, waits) => {
  const clock = makeClock();
  await using world = await startWorld({ clock });
  const { db } = world;
  const attempt = db.runTransaction(
    async (transaction) => {
      await transaction.get(db.doc("c/x"));
      for (const wait of waits) {
        clock.advance(wait);
        await transaction.get(db.doc("c/y"));
      }
    },
    { maxAttempts: 1 },
  );
  expect(await refusalOf(attempt)).toEqual({
    code: 3,
    details: "The referenced transaction has expired or is no longer valid.",
  });
});

standInTest("a transaction used often enough lasts beyond a minute", async () => {
  const clock = makeClock();
  await using world = await startWorld({ clock });
  const { db } = world;
  await db.runTransaction(
    async (transaction) => {
      for (let n = 0; n < 4; n++) {
        await transaction.get(db.doc("c/x"));
        clock.advance(55_000);
      }
      transaction.set(db.doc("c/x"), { n: 1 });
    },
    { maxAttempts: 1 },
  );
  expect((await db.doc("c/x").get()).exists).toBe(true);
});

standInTest("a transaction does not outlive a restart, and its client begins again", async () => {
  await using world = await startWorld();
  const { db } = world;
  await db.doc("c/x").set({ n: 1 });
  let attempts = 0;
  await db.runTransaction(async (transaction) => {
    const n = (await transaction.get(db.doc("c/x"))).get("n");
    if (++attempts === 1) await world.restart();
    transaction.update(db.doc("c/x"), { n: n + 1 });
  });
  expect(attempts).toBe(2);
  expect((await db.doc("c/x").get()).get("n")).toBe(2);
});

test("a read at an earlier instant sees what was there", async () => {
  await using world = await startWorld();
  const { db } = world;
  await db.doc("c/a").set({ n: 1 });
  await db.doc("c/gone").set({ n: 5 });
  const readTime = (await db.doc("c/a").get()).readTime;
  await sleep(10);
  await db.doc("c/a").set({ n: 2 });
  await db.doc("c/b").set({ n: 1 });
  await db.doc("c/gone").delete();
  const seen = await db.runTransaction(
    async (transaction) => ({
      a: (await transaction.get(db.doc("c/a"))).get("n"),
      all: idsOf(await transaction.get(db.collection("c").orderBy("n", "desc"))),
    }),
    { readOnly: true, readTime },
  );
  expect(seen).toEqual({ a: 1, all: ["gone", "a"] });
});

differsTest(
  "Differs: Google reads up to an hour back: here versions older than five minutes, or from before a restart, are gone",
  async () => {
    const clock = makeClock();
    await using world = await startWorld({ clock });
    const { db } = world;
    await db.doc("c/a").set({ n: 1 });
    const early = Timestamp.fromMillis(clock.now() - 1000);
    const readAt = (readTime: Timestamp) =>
      db.runTransaction(async (transaction) => (await transaction.get(db.doc("c/a"))).get("n"), {
        readOnly: true,
        readTime,
      });
    const first = (await db.doc("c/a").get()).readTime;
    clock.advance(301_000);
    await db.doc("c/a").set({ n: 2 });
    clock.advance(301_000);
    await db.doc("c/a").set({ n: 3 });
    expect(await refusalOf(readAt(first))).toEqual({
      code: 9,
      details: "The requested snapshot version is too old.",
    });
    await world.restart();
    await eventually(async () => expect((await refusalOf(readAt(early))).code).toBe(9));
  },
);
