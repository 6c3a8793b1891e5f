import { Filter } from "@google-cloud/firestore";
import { differsTest, googlesText, googleTest, standInTest } from "../declared.ts";
import { ROOT, refusalOf, startWorld } from "./world.ts";

/** `{ m: { m: … { m: 1 } } }`, so many maps deep. */
function nested(depth: number): object {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = { m: value };
  return value as object;
}

test("a document of more than 1 MiB is refused, with its size", async () => {
  await using world = await startWorld();
  const half = "x".repeat(512 * 1024);
  const refusal = await refusalOf(world.db.doc("c/d").set({ half, same: half }));
  expect(refusal).toEqual({
    code: 3,
    details: googlesText(
      `Document '${ROOT}/c/d' cannot be written because its size (1,048,640 bytes) exceeds the maximum allowed size of 1,048,576 bytes.`,
    ),
  });
  await world.db.doc("c/d").set({ half, same: half.slice(64) });
  const grown = refusalOf(world.db.doc("c/d").update({ more: "y" }));
  expect((await grown).code).toBe(3);
});

test.each([
  [
    "text",
    { it: "x".repeat(1_048_488) },
    'The value of property "it" is longer than 1048487 bytes.',
  ],
  [
    "text in bytes",
    { it: "ü".repeat(524_244) },
    'The value of property "it" is longer than 1048487 bytes.',
  ],
  [
    "bytes",
    { it: Buffer.alloc(1_048_488) },
    'The value of property "it" is longer than 1048487 bytes.',
  ],
  [
    "an element",
    { it: ["x".repeat(1_048_488)] },
    'The value of property "it" is longer than 1048487 bytes.',
  ],
  [
    "text in a map",
    { it: { in: "x".repeat(1_048_488) } },
    "Property it contains an invalid nested entity.",
  ],
])("a value of more than 1 MiB less 89 bytes is refused: %s", async (_name, fields, details) => {
  await using world = await startWorld();
  expect(await refusalOf(world.db.doc("c/d").set(fields))).toEqual({ code: 3, details });
  await world.db.doc("c/d").set({ t: "x".repeat(1_048_487) });
});

differsTest(
  "Differs: Google was seen to take 11 MiB: here a request of 10 MiB is the most",
  async () => {
    await using world = await startWorld();
    const batch = world.db.batch();
    for (let n = 0; n < 11; n++)
      batch.set(world.db.doc(`c/d${n}`), { text: "x".repeat(1_000_000) });
    expect(await refusalOf(batch.commit())).toEqual({
      code: 3,
      details: "Request payload size exceeds the limit: 10485760 bytes.",
    });
    expect((await world.db.collection("c").count().get()).data().count).toBe(0);
  },
);

// The emulator never answers a request that is too long for it.
googleTest(
  "the request is what is measured, however little of it is stored in the end",
  async () => {
    await using world = await startWorld();
    const batch = world.db.batch();
    for (let n = 0; n < 12; n++) batch.set(world.db.doc("c/d"), { text: "x".repeat(1_000_000) });
    expect((await refusalOf(batch.commit())).code).toBe(3);
    const text = "x".repeat(1_000_000);
    for (let n = 0; n < 12; n++) await world.db.doc(`c/d${n}`).set({ text });
    const deletes = world.db.batch();
    for (let n = 0; n < 12; n++) deletes.update(world.db.doc(`c/d${n}`), { n });
    await deletes.commit();
    expect((await world.db.collection("c").where("n", ">=", 0).count().get()).data().count).toBe(
      12,
    );
  },
);

test("maps may be as deep as the client lets them", async () => {
  await using world = await startWorld();
  await world.db.doc("c/d").set(nested(20));
  expect((await world.db.doc("c/d").get()).data()).toEqual(nested(20));
});

test("an array in an array is refused", async () => {
  await using world = await startWorld();
  const refusal = await refusalOf(world.db.doc("c/d").set({ rows: [[1], [2]] }));
  expect(refusal.code).toBe(3);
  expect(refusal.details).toBe("Cannot convert an array value in an array value.");
  await world.db.doc("c/d").set({ rows: [{ cells: [1] }] });
});

test.each([["__reserved__"], [".."], ["."], ["x".repeat(1501)]])(
  "a document cannot be called %.20s",
  async (id) => {
    await using world = await startWorld();
    const refusal = await refusalOf(world.db.doc(`c/${id}`).set({ n: 1 }));
    expect(refusal.code).toBe(3);
  },
);

test("a reserved field name is refused", async () => {
  await using world = await startWorld();
  const refusal = await refusalOf(world.db.doc("c/d").set({ __secret__: 1 }));
  expect(refusal).toEqual({ code: 3, details: "field name __secret__ is reserved" });
  const inside = await refusalOf(world.db.doc("c/d").set({ map: { __secret__: 1 } }));
  expect(inside).toEqual({ code: 3, details: "field name '__secret__' is reserved." });
});

test("a filter of more than 30 alternatives is refused", async () => {
  await using world = await startWorld();
  const one = (field: string) =>
    Filter.or(...Array.from({ length: 6 }, (_, n) => Filter.where(field, "==", n)));
  const query = world.db.collection("c").where(Filter.and(one("a"), one("b")));
  expect((await refusalOf(query.get())).code).toBe(3);
  expect(
    (
      await refusalOf(
        world.db
          .collection("c")
          .where(
            "a",
            "in",
            Array.from({ length: 31 }, (_, n) => n),
          )
          .get(),
      )
    ).code,
  ).toBe(3);
});

standInTest("what the stand-in does not implement says its name", async () => {
  await using world = await startWorld();
  const partitions = async () => {
    for await (const _partition of world.db.collectionGroup("c").getPartitions(3)) break;
  };
  const refusal = await refusalOf(partitions());
  expect(refusal.code).toBe(12);
  expect(refusal.details).toContain("google.firestore.v1.Firestore/PartitionQuery");
});
