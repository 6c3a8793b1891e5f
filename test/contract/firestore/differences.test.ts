import firestore, { FieldPath } from "@google-cloud/firestore";
import * as grpc from "@grpc/grpc-js";
import { loadProtos } from "../../../infra/emulators/wire/grpc-server.ts";
import { differsTest } from "../declared.ts";
import { DATABASE, idsOf, makeClock, ROOT, refusalOf, startWorld } from "./world.ts";

differsTest("Differs: numeric ids are for comparing only: no document can have one", async () => {
  await using world = await startWorld();
  const collection = world.db.collection("c");
  expect(await refusalOf(collection.doc("__id7__").set({ n: 1 }))).toEqual({
    code: 3,
    details: 'Resource id "__id7__" is invalid because it is reserved.',
  });
  await collection.doc("a").set({ n: 1 });
  const afterAll = collection.orderBy(FieldPath.documentId()).startAt("__id9223372036854775807__");
  expect(idsOf(await afterAll.get())).toEqual(["a"]);
});

differsTest(
  "Differs: documents are listed in the order of their names only: another order is UNIMPLEMENTED",
  async () => {
    await using world = await startWorld();
    await world.db.doc("c/b").set({ n: 1 });
    await world.db.doc("c/a").set({ n: 2 });
    const [servicePath = "", port] = world.service.address.split(":");
    const sslCreds = grpc.credentials.createInsecure();
    const client = new firestore.v1.FirestoreClient({ servicePath, port: Number(port), sslCreds });
    const list = async (orderBy: string) => {
      const [documents] = await client.listDocuments({ parent: ROOT, collectionId: "c", orderBy });
      return documents.map(({ name }) => name);
    };
    expect(await list("__name__")).toEqual([`${ROOT}/c/a`, `${ROOT}/c/b`]);
    expect(await refusalOf(list("n"))).toEqual({
      code: 12,
      details: "ListDocuments with order_by is not implemented",
    });
    await client.close();
  },
);

differsTest(
  "Differs: a time-to-live policy (`ttl`) deletes nothing here: what has expired is still read",
  async () => {
    const expireAt = { collectionGroup: "c", fieldPath: "expireAt", ttl: true, indexes: [] };
    const clock = makeClock();
    await using world = await startWorld({ clock, indexes: { fieldOverrides: [expireAt] } });
    await world.db.doc("c/old").set({ expireAt: new Date(0) });
    clock.advance(72 * 3600_000);
    expect((await world.db.doc("c/old").get()).exists).toBe(true);
  },
);

interface Rpc {
  path: string;
  requestSerialize(message: object): Buffer;
  responseDeserialize(bytes: Buffer): object;
}

differsTest(
  "Differs: Google slows a listener's stream down: here one that reads nothing is ended, and may come again",
  async () => {
    await using world = await startWorld();
    await world.db.doc("c/d0").set({});
    const service = loadProtos("@google-cloud/firestore/build/protos/v1.json")[
      "google.firestore.v1.Firestore"
    ] as unknown as Record<string, Rpc>;
    const { path, requestSerialize, responseDeserialize } = service["Listen"] as Rpc;
    const client = world.rawClient();
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    // All at once, and so before the first of them is read.
    const documents = Array.from({ length: 100_100 }, (_, n) => `${ROOT}/c/d${n}`);
    call.write({ database: DATABASE, addTarget: { documents: { documents }, targetId: 1 } });
    const status = new Promise((resolve) => call.on("status", resolve).on("error", () => {}));
    call.on("data", () => {});
    expect(await status).toMatchObject({
      code: grpc.status.UNAVAILABLE,
      details: "The listener does not read its messages.",
    });
    client.close();
    const again = await new Promise<string[]>((resolve, reject) => {
      const stop = world.db
        .collection("c")
        .limit(1)
        .onSnapshot((snapshot) => {
          stop();
          resolve(idsOf(snapshot));
        }, reject);
    });
    expect(again).toEqual(["d0"]);
  },
);
