import type { DocumentSnapshot, Query, QuerySnapshot } from "@google-cloud/firestore";
import { differsTest, googleTest, standInTest } from "../declared.ts";
import { sleep } from "../target.ts";
import { listenRaw } from "./listen-raw.ts";
import { eventually, makeClock, ROOT, startWorld, type World } from "./world.ts";

/** Records a query's snapshots as `+added *modified -removed` ids. */
function follow(query: Query) {
  const seen: string[] = [];
  const results: string[][] = [];
  const errors: string[] = [];
  const stop = query.onSnapshot(
    (snapshot: QuerySnapshot) => {
      const signs = { added: "+", modified: "*", removed: "-" };
      seen.push(
        snapshot
          .docChanges()
          .map(({ type, doc }) => signs[type] + doc.id)
          .join(" "),
      );
      results.push(snapshot.docs.map(({ id }) => id));
    },
    (error) => errors.push(error.message),
  );
  return { seen, results, errors, stop };
}

async function put(world: World, documents: Record<string, object>) {
  const batch = world.db.batch();
  for (const [path, fields] of Object.entries(documents)) batch.set(world.db.doc(path), fields);
  await batch.commit();
}

test("a document's listener sees it missing, made, changed and deleted", async () => {
  await using world = await startWorld();
  const document = world.db.doc("c/d");
  const seen: unknown[] = [];
  const stop = document.onSnapshot((snapshot: DocumentSnapshot) =>
    seen.push(snapshot.data() ?? null),
  );
  await eventually(() => expect(seen).toEqual([null]));
  await document.set({ n: 1 });
  await document.update({ n: 2 });
  await document.delete();
  await eventually(() => expect(seen).toEqual([null, { n: 1 }, { n: 2 }, null]));
  stop();
});

test("a query's listener sees documents come, change, leave and go", async () => {
  await using world = await startWorld();
  await put(world, { "c/a": { n: 1 }, "c/b": { n: 5 }, "c/x": { n: -1 } });
  const listener = follow(world.db.collection("c").where("n", ">", 0).orderBy("n"));
  await eventually(() => expect(listener.seen).toEqual(["+a +b"]));
  await world.db.doc("c/x").update({ n: 3 });
  await world.db.doc("c/a").update({ n: 9 });
  await world.db.doc("c/b").update({ n: -2 });
  await world.db.doc("c/x").delete();
  await world.db.doc("other/y").set({ n: 4 });
  await world.db.doc("c/z").set({ n: 4 });
  await eventually(() => expect(listener.seen).toEqual(["+a +b", "+x", "*a", "-b", "-x", "+z"]));
  expect(listener.results.at(-1)).toEqual(["z", "a"]);
  listener.stop();
});

test("an empty result is a snapshot too", async () => {
  await using world = await startWorld();
  const listener = follow(world.db.collection("none"));
  await eventually(() => expect(listener.seen).toEqual([""]));
  listener.stop();
});

test("one commit is one snapshot", async () => {
  await using world = await startWorld();
  await put(world, { "c/a": { n: 1 }, "c/b": { n: 2 } });
  const listener = follow(world.db.collection("c").orderBy("n"));
  await eventually(() => expect(listener.seen).toEqual(["+a +b"]));
  const batch = world.db.batch();
  batch.delete(world.db.doc("c/a"));
  batch.update(world.db.doc("c/b"), { n: 3 });
  batch.set(world.db.doc("c/d"), { n: 1 });
  await batch.commit();
  await eventually(() => expect(listener.seen).toEqual(["+a +b", "-a +d *b"]));
  listener.stop();
});

test("a limited query lets the next document in and the last one out", async () => {
  await using world = await startWorld();
  await put(world, { "c/a": { n: 1 }, "c/b": { n: 2 }, "c/d": { n: 4 }, "c/e": { n: 5 } });
  const listener = follow(world.db.collection("c").orderBy("n").limit(3));
  await eventually(() => expect(listener.results.at(-1)).toEqual(["a", "b", "d"]));
  await world.db.doc("c/bb").set({ n: 3 });
  await eventually(() => expect(listener.results.at(-1)).toEqual(["a", "b", "bb"]));
  await world.db.doc("c/e").update({ n: 6 });
  await world.db.doc("c/a").delete();
  await eventually(() => expect(listener.results.at(-1)).toEqual(["b", "bb", "d"]));
  await world.db.doc("c/b").update({ n: 7 });
  await eventually(() => expect(listener.results.at(-1)).toEqual(["bb", "d", "e"]));
  expect(listener.seen).toEqual(["+a +b +d", "-d +bb", "-a +d", "-b +e"]);
  listener.stop();
});

test("limitToLast and group queries are followed as well", async () => {
  await using world = await startWorld();
  await put(world, { "r/1/events/a": { n: 1 }, "r/2/events/b": { n: 2 }, "events/c": { n: 3 } });
  const group = follow(world.db.collectionGroup("events").orderBy("n"));
  const last = follow(world.db.collection("events").orderBy("n").limitToLast(1));
  await eventually(() => expect(group.results).toEqual([["a", "b", "c"]]));
  await eventually(() => expect(last.results).toEqual([["c"]]));
  await put(world, { "events/d": { n: 4 }, "r/3/events/e": { n: 0 } });
  await eventually(() => expect(group.results.at(-1)).toEqual(["e", "a", "b", "c", "d"]));
  await eventually(() => expect(last.results.at(-1)).toEqual(["d"]));
  group.stop();
  last.stop();
});

test("a listener hears the fields that it selects, and no others", async () => {
  await using world = await startWorld();
  await put(world, { "c/a": { n: 1, m: { x: 1, y: 1 }, other: 1 } });
  const seen: unknown[] = [];
  const selected = world.db.collection("c").select("n", "m.x");
  const stop = selected.onSnapshot(({ docs }) => seen.push(docs.map((each) => each.data())));
  await eventually(() => expect(seen).toEqual([[{ n: 1, m: { x: 1 } }]]));
  await world.db.doc("c/a").update({ n: 2, "m.y": 2 });
  await eventually(() => expect(seen.at(-1)).toEqual([{ n: 2, m: { x: 1 } }]));
  stop();
});

test("a stopped listener hears nothing more", async () => {
  await using world = await startWorld();
  const stopped = follow(world.db.collection("c"));
  const going = follow(world.db.collection("c"));
  await eventually(() => expect([...stopped.seen, ...going.seen]).toEqual(["", ""]));
  stopped.stop();
  await world.db.doc("c/a").set({});
  await eventually(() => expect(going.seen).toEqual(["", "+a"]));
  expect(stopped.seen).toEqual([""]);
  going.stop();
});

standInTest(
  "after a restart a listener goes on: what changed comes, what vanished goes",
  async () => {
    await using world = await startWorld();
    const other = world.connect();
    await put(world, { "c/a": { n: 1 }, "c/b": { n: 2 }, "c/d": { n: 3 } });
    const listener = follow(world.db.collection("c").orderBy("n"));
    const seen: unknown[] = [];
    const stop = world.db.doc("c/b").onSnapshot((snapshot) => seen.push(snapshot.data() ?? null));
    await eventually(() => expect(listener.seen).toEqual(["+a +b +d"]));
    await eventually(() => expect(seen).toEqual([{ n: 2 }]));
    await world.restart();
    const batch = other.batch();
    batch.update(other.doc("c/a"), { n: 10 });
    batch.delete(other.doc("c/b"));
    batch.set(other.doc("c/e"), { n: 5 });
    await batch.commit();
    await eventually(() => expect(listener.results.at(-1)).toEqual(["d", "e", "a"]));
    await eventually(() => expect(seen).toEqual([{ n: 2 }, null]));
    expect(listener.errors).toEqual([]);
    listener.stop();
    stop();
  },
);

differsTest(
  "Differs: Google says about every 30 seconds that all is well: here every 30 s exactly, before a client gives a silent stream up",
  async () => {
    const clock = makeClock();
    await using world = await startWorld({ clock });
    const stream = listenRaw(world, {
      documents: { documents: [nameOf("c/d")] },
      targetId: 7,
    });
    await eventually(() => expect(stream.messages.length).toBe(4));
    const before = stream.messages.length;
    for (const heard of [1, 2]) {
      clock.advance(29_999);
      await sleep(50);
      expect(stream.messages).toHaveLength(before + heard - 1);
      clock.advance(1);
      await eventually(() => expect(stream.messages).toHaveLength(before + heard));
    }
    expect(stream.messages.at(-1)?.targetChange?.targetIds ?? []).toEqual([]);
    stream.end();
  },
);

test("targets of one stream hear each the fields that they select", async () => {
  await using world = await startWorld();
  await put(world, { "c/a": { n: 1, m: 2 } });
  const from = [{ collectionId: "c" }];
  const selecting = (fieldPath: string) => ({
    query: { parent: nameOf(""), structuredQuery: { from, select: { fields: [{ fieldPath }] } } },
  });
  const stream = listenRaw(world, { ...selecting("n"), targetId: 2 });
  stream.write({ addTarget: { ...selecting("m"), targetId: 4 } });
  const heard = () =>
    stream.messages.flatMap(({ documentChange: change }) =>
      change ? [[...(change.targetIds ?? []), ...Object.keys(change.document?.fields ?? {})]] : [],
    );
  await eventually(() =>
    expect(heard()).toEqual([
      [2, "n"],
      [4, "m"],
    ]),
  );
  await world.db.doc("c/a").update({ n: 2, m: 3 });
  await eventually(() =>
    expect(heard().slice(2)).toEqual([
      [2, "n"],
      [4, "m"],
    ]),
  );
  stream.end();
});

// The emulator answers a resume token, and each change of a query, with RESET and every document
// again.
googleTest("a resume token brings only what changed since", async () => {
  await using world = await startWorld();
  await put(world, { "c/a": { n: 1 }, "c/b": { n: 2 }, "c/d": { n: 3 } });
  const query = { parent: nameOf(""), structuredQuery: { from: [{ collectionId: "c" }] } };
  const first = listenRaw(world, { query, targetId: 2 });
  await eventually(() => expect(first.messages.at(-1)?.targetChange?.resumeToken).toBeDefined());
  const resumeToken = first.messages.at(-1)?.targetChange?.resumeToken;
  first.end();
  await world.db.doc("c/a").update({ n: 9 });
  await world.db.doc("c/b").delete();
  const second = listenRaw(world, { query, targetId: 2, resumeToken });
  await eventually(() => expect(second.messages.length).toBe(5));
  const [, changed, deleted] = second.messages;
  const kinds = second.messages.map(({ targetChange }) => targetChange?.targetChangeType);
  expect(kinds).toEqual(["ADD", undefined, undefined, "CURRENT", "NO_CHANGE"]);
  const names = [changed, deleted].map(
    (message) => message?.documentChange?.document?.name ?? message?.documentDelete?.document,
  );
  expect(names.toSorted()).toEqual([nameOf("c/a"), nameOf("c/b")]);
  second.end();
});

googleTest("several targets of a stream move together and can be removed", async () => {
  await using world = await startWorld();
  await put(world, { "c/a": { n: 1 } });
  const documents = { documents: [nameOf("c/a")] };
  const query = { parent: nameOf(""), structuredQuery: { from: [{ collectionId: "c" }] } };
  const stream = listenRaw(world, { documents, targetId: 2 });
  stream.write({ addTarget: { query, targetId: 4 } });
  await eventually(() => expect(stream.messages.length).toBe(8));
  await world.db.doc("c/a").update({ n: 2 });
  await eventually(() => expect(stream.messages.length).toBe(10));
  expect(stream.messages[8]?.documentChange?.targetIds).toEqual([2, 4]);
  stream.write({ removeTarget: 2 });
  await eventually(() => expect(stream.messages.length).toBe(11));
  expect(stream.messages[10]?.targetChange).toMatchObject({
    targetChangeType: "REMOVE",
    targetIds: [2],
  });
  await world.db.doc("c/a").delete();
  await eventually(() => expect(stream.messages.length).toBe(13));
  expect(stream.messages[11]?.documentDelete?.removedTargetIds).toEqual([4]);
  stream.end();
});

test("a target that is wrong is removed with its cause; the stream goes on", async () => {
  await using world = await startWorld();
  const stream = listenRaw(world, {
    query: {
      parent: nameOf(""),
      structuredQuery: {
        from: [{ collectionId: "c" }],
        orderBy: [{ field: { fieldPath: "__name__" } }, { field: { fieldPath: "n" } }],
      },
    },
    targetId: 3,
  });
  await eventually(() =>
    expect(stream.messages.at(-1)?.targetChange).toMatchObject({
      targetChangeType: "REMOVE",
      targetIds: [3],
      cause: { code: 3 },
    }),
  );
  stream.write({ addTarget: { documents: { documents: [nameOf("c/a")] }, targetId: 4 } });
  await eventually(() =>
    expect(stream.messages.at(-2)?.targetChange).toMatchObject({
      targetChangeType: "CURRENT",
      targetIds: [4],
    }),
  );
  stream.end();
});

test("hundreds of listeners each hear of their own document only", async () => {
  await using world = await startWorld();
  const counts = new Map<string, number>();
  const stops = Array.from({ length: 300 }, (_, n) =>
    world.db.doc(`c/d${n}`).onSnapshot((snapshot) => {
      counts.set(snapshot.id, (counts.get(snapshot.id) ?? 0) + 1);
    }),
  );
  await eventually(() => expect(counts.size).toBe(300));
  await world.db.doc("c/d7").set({ n: 1 });
  await eventually(() => expect(counts.get("d7")).toBe(2));
  expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(301);
  for (const stop of stops) stop();
});

function nameOf(path: string): string {
  return path ? `${ROOT}/${path}` : ROOT;
}
