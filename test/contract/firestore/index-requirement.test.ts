import { FieldPath, type Query } from "@google-cloud/firestore";
import { differsTest, standInTest } from "../declared.ts";
import { idsOf, refusalOf, startWorld } from "./world.ts";

const INDEXES = {
  indexes: [
    {
      collectionGroup: "runs",
      queryScope: "COLLECTION",
      fields: [
        { fieldPath: "owner", order: "ASCENDING" },
        { fieldPath: "createdAt", order: "DESCENDING" },
      ],
    },
    {
      collectionGroup: "runs",
      queryScope: "COLLECTION",
      fields: [
        { fieldPath: "status", order: "ASCENDING" },
        { fieldPath: "createdAt", order: "DESCENDING" },
      ],
    },
    {
      collectionGroup: "events",
      queryScope: "COLLECTION_GROUP",
      fields: [
        { fieldPath: "tags", arrayConfig: "CONTAINS" },
        { fieldPath: "seq", order: "ASCENDING" },
      ],
    },
  ],
  fieldOverrides: [
    { collectionGroup: "runs", fieldPath: "createdAt", indexes: [] },
    { collectionGroup: "runs", fieldPath: "payload", indexes: [] },
    {
      collectionGroup: "events",
      fieldPath: "seq",
      indexes: [{ order: "ASCENDING", queryScope: "COLLECTION_GROUP" }],
    },
  ],
};

standInTest("a query without its composite index is refused with the index to add", async () => {
  await using world = await startWorld({ indexes: INDEXES });
  const runs = world.db.collection("runs");
  const refusal = await refusalOf(runs.where("owner", "==", "o").orderBy("createdAt").get());
  expect(refusal.code).toBe(9);
  expect(refusal.details).toContain(
    "The query requires an index. You can create it here: https://",
  );
  const entry = JSON.parse(refusal.details.slice(refusal.details.indexOf("{")));
  expect(entry).toEqual({
    collectionGroup: "runs",
    queryScope: "COLLECTION",
    fields: [
      { fieldPath: "owner", order: "ASCENDING" },
      { fieldPath: "createdAt", order: "ASCENDING" },
    ],
  });
  const two = runs.where("owner", "==", "o").where("size", ">", 1).orderBy("size").orderBy("name");
  expect((await refusalOf(two.get())).code).toBe(9);
});

standInTest(
  "queries that Google serves are served, from composite, merged and single indexes",
  async () => {
    await using world = await startWorld({ indexes: INDEXES });
    const runs = world.db.collection("runs");
    for (let n = 0; n < 6; n++) {
      await runs.doc(`r${n}`).set({
        owner: n % 2 ? "odd" : "even",
        status: n < 3 ? "old" : "new",
        createdAt: n,
        size: n,
      });
    }
    const newest = runs.where("owner", "==", "odd").orderBy("createdAt", "desc");
    expect(idsOf(await newest.get())).toEqual(["r5", "r3", "r1"]);
    expect(idsOf(await newest.limit(1).get())).toEqual(["r5"]);
    expect(idsOf(await newest.startAfter(5).get())).toEqual(["r3", "r1"]);
    expect(idsOf(await newest.where("createdAt", "<", 3).get())).toEqual(["r1"]);
    expect(idsOf(await newest.where("status", "==", "new").get())).toEqual(["r5", "r3"]);
    const merged = runs.where("owner", "==", "even").where("size", "==", 2);
    expect(idsOf(await merged.get())).toEqual(["r2"]);
    expect(idsOf(await runs.where("size", ">=", 4).get())).toEqual(["r4", "r5"]);
    expect(idsOf(await runs.orderBy(FieldPath.documentId()).limit(2).get())).toEqual(["r0", "r1"]);
    expect((await runs.where("owner", "==", "odd").count().get()).data().count).toBe(3);
  },
);

standInTest("a field that is exempt cannot be queried alone, nor what is inside it", async () => {
  await using world = await startWorld({ indexes: INDEXES });
  const runs = world.db.collection("runs");
  for (const query of [
    runs.orderBy("createdAt"),
    runs.where("createdAt", "==", 1),
    runs.where("payload.inner", ">", 1),
  ]) {
    const refusal = await refusalOf(query.get());
    expect(refusal.code).toBe(9);
    expect(refusal.details).toMatch(
      /^The query requires a COLLECTION_ASC index for collection runs/,
    );
  }
});

standInTest("a collection group's fields have only the indexes they were given", async () => {
  await using world = await startWorld({ indexes: INDEXES });
  const { db } = world;
  await db.doc("runs/a/events/1").set({ seq: 2, tags: ["x"], kind: "k" });
  await db.doc("runs/b/events/2").set({ seq: 1, tags: ["x", "y"], kind: "k" });
  const events = db.collectionGroup("events");
  expect(idsOf(await events.orderBy("seq").get())).toEqual(["2", "1"]);
  expect(idsOf(await events.where("tags", "array-contains", "x").orderBy("seq").get())).toEqual([
    "2",
    "1",
  ]);
  expect(idsOf(await events.where("tags", "array-contains", "y").orderBy("seq").get())).toEqual([
    "2",
  ]);
  expect((await refusalOf(events.where("kind", "==", "k").get())).details).toMatch(
    /^The query requires a COLLECTION_GROUP_ASC index for collection events and field kind/,
  );
  const single = db.collection("runs/a/events").orderBy("seq");
  expect((await refusalOf(single.get())).details).toMatch(/COLLECTION_ASC index/);
});

differsTest(
  "Differs: Google's address creates the index: here what follows it goes into the indexes file",
  async () => {
    await using world = await startWorld({ indexes: INDEXES });
    const runs = world.db.collection("runs");
    const composite = await refusalOf(runs.where("owner", "==", "o").orderBy("size").get());
    expect(composite.details).toMatch(
      /^The query requires an index\. You can create it here: https:\/\/\S+\/project\/[\w-]+\/firestore\/indexes or add to "indexes" of firestore\.indexes\.json: \{.*\}$/,
    );
    const exempt = await refusalOf(runs.where("createdAt", "==", 1).get());
    expect(exempt.details).toMatch(/ or add to "fieldOverrides" of firestore\.indexes\.json: \{/);
  },
);

const DESCENDING_NAMES = {
  collectionGroup: "runs",
  queryScope: "COLLECTION",
  fields: [{ fieldPath: "__name__", order: "DESCENDING" }],
};
const NAMES_AGAINST_SIZE = {
  collectionGroup: "runs",
  queryScope: "COLLECTION",
  fields: [
    { fieldPath: "size", order: "DESCENDING" },
    { fieldPath: "__name__", order: "ASCENDING" },
  ],
};

standInTest.each([
  [
    "descending names",
    {
      index: DESCENDING_NAMES,
      query: (runs: Query) => runs.orderBy(FieldPath.documentId(), "desc"),
      ids: ["c", "b", "a"],
    },
  ],
  [
    "names against the last field's direction",
    {
      index: NAMES_AGAINST_SIZE,
      query: (runs: Query) => runs.orderBy("size", "desc").orderBy(FieldPath.documentId()),
      ids: ["c", "a", "b"],
    },
  ],
  [
    "the same, from the middle",
    {
      index: NAMES_AGAINST_SIZE,
      query: (runs: Query) =>
        runs.orderBy("size", "desc").orderBy(FieldPath.documentId()).startAfter(1, "a").limit(5),
      ids: ["b"],
    },
  ],
])("%s are served from the index that its refusal names", async (_name, { index, query, ids }) => {
  for (const [indexes, isServed] of [
    [INDEXES, false],
    [{ indexes: [index] }, true],
  ] as const) {
    await using world = await startWorld({ indexes });
    const runs = world.db.collection("runs");
    for (const [id, size] of Object.entries({ a: 1, b: 1, c: 2 })) await runs.doc(id).set({ size });
    if (isServed) {
      expect(idsOf(await query(runs).get())).toEqual(ids);
      continue;
    }
    const refusal = await refusalOf(query(runs).get());
    expect(refusal.code).toBe(9);
    expect(JSON.parse(refusal.details.slice(refusal.details.indexOf("{")))).toEqual(index);
  }
});

standInTest(
  "an equality is served in either order of names, but not if the field is exempt in it",
  async () => {
    const fieldOverrides = [
      {
        collectionGroup: "runs",
        fieldPath: "status",
        indexes: [{ order: "ASCENDING", queryScope: "COLLECTION" }],
      },
    ];
    await using world = await startWorld({ indexes: { fieldOverrides } });
    const runs = world.db.collection("runs");
    for (const id of ["a", "b"]) await runs.doc(id).set({ owner: "o", status: "s" });
    const descending = runs.orderBy(FieldPath.documentId(), "desc");
    expect(idsOf(await descending.where("owner", "==", "o").get())).toEqual(["b", "a"]);
    expect(idsOf(await runs.where("status", "==", "s").get())).toEqual(["a", "b"]);
    const refusal = await refusalOf(descending.where("status", "==", "s").get());
    expect(refusal.details).toMatch(
      /^The query requires a COLLECTION_DESC index for collection runs and field status/,
    );
  },
);

standInTest("a listener whose index is missing is told so", async () => {
  await using world = await startWorld({ indexes: INDEXES });
  const failed = await new Promise<Error>((resolve) => {
    world.db
      .collection("runs")
      .orderBy("createdAt")
      .onSnapshot(() => {}, resolve);
  });
  expect(failed.message).toMatch(/^Error 9: The query requires/);
});
