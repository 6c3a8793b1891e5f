import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";
import { startFirestore } from "../../../infra/emulators/firestore/start.ts";
import { startPubsub } from "../../../infra/emulators/pubsub/start.ts";
import { startStorage } from "../../../infra/emulators/storage/start.ts";
import type { AccountCall, Callers } from "../../../infra/emulators/wire/callers.ts";
import { GoogleError } from "../../../infra/emulators/wire/status.ts";
import { eventually } from "../../support/eventually.ts";

const PERMISSION_DENIED = 7;
const BUCKET = "some-bucket";

/** Two accounts, of which one may everything. */
function twoCallers(): Callers & { calls: AccountCall[] } {
  const calls: AccountCall[] = [];
  return {
    calls,
    accounts: ["anything", "nothing"],
    admit(call) {
      calls.push(call);
      if (call.account === "nothing") throw new GoogleError("PERMISSION_DENIED", "not you");
    },
    mayList: (account) => account === "anything",
  };
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "callers-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const firestoreAt = (host: string) => new Firestore({ projectId: "p", host, ssl: false });

test("Firestore tells accounts apart by the address that they call, and refuses as Google does", async () => {
  const callers = twoCallers();
  await using firestore = await startFirestore({ directory, callers });
  const [owner, may, mayNot] = [
    firestore.address,
    firestore.addressOf("anything"),
    firestore.addressOf("nothing"),
  ].map(firestoreAt) as [Firestore, Firestore, Firestore];
  await owner.doc("a/1").set({ by: "owner" });
  expect(callers.calls).toEqual([]);
  expect((await may.doc("a/1").get()).get("by")).toBe("owner");
  const refusal = { code: PERMISSION_DENIED, details: "not you" };
  await expect(mayNot.doc("a/1").set({ by: "me" })).rejects.toMatchObject(refusal);
  await expect(mayNot.doc("a/1").get()).rejects.toMatchObject(refusal);
  await expect(mayNot.collection("a").get()).rejects.toMatchObject(refusal);
  const snapshots: unknown[] = [];
  const stop = mayNot.doc("a/1").onSnapshot(
    (snapshot) => void snapshots.push(snapshot),
    () => {},
  );
  // Google's client goes on asking.
  await eventually(() =>
    expect(callers.calls.filter(({ method }) => method.endsWith("/Listen"))).not.toEqual([]),
  );
  stop();
  expect(snapshots).toEqual([]);
  expect((await owner.doc("a/1").get()).get("by")).toBe("owner");
  const told = callers.calls.map(({ account, method }) => `${account} ${method.split("/")[1]}`);
  expect(told).toEqual(
    expect.arrayContaining(["anything BatchGetDocuments", "nothing Commit", "nothing Listen"]),
  );
  expect(callers.calls.find(({ method }) => method.endsWith("/Commit"))?.request).toMatchObject({
    database: "projects/p/databases/(default)",
    writes: [{ update: { name: expect.stringContaining("/a/1") } }],
  });
  await Promise.all([owner.terminate(), may.terminate(), mayNot.terminate()]);
});

test("Pub/Sub does not take a message from whoever may not publish", async () => {
  const callers = twoCallers();
  await using pubsub = await startPubsub({ directory, callers });
  const clientAt = (apiEndpoint: string) =>
    new PubSub({ projectId: "p", apiEndpoint, emulatorMode: true });
  const [owner, may, mayNot] = [
    pubsub.address,
    pubsub.addressOf("anything"),
    pubsub.addressOf("nothing"),
  ].map(clientAt) as [PubSub, PubSub, PubSub];
  await owner.createTopic("some");
  expect(await may.topic("some").publishMessage({ data: Buffer.from("x") })).toMatch(/./);
  await expect(
    mayNot.topic("some").publishMessage({ data: Buffer.from("x") }),
  ).rejects.toMatchObject({
    code: PERMISSION_DENIED,
  });
  await Promise.all([owner.close(), may.close(), mayNot.close()]);
});

test("Cloud Storage refuses with 403, and to who may not list that which is not there, too", async () => {
  const callers = twoCallers();
  const denied: Callers = {
    ...callers,
    accounts: [...callers.accounts, "reader"],
  };
  await using storage = await startStorage({ directory, buckets: [BUCKET], callers: denied });
  const bucketAt = (apiEndpoint: string) =>
    new Storage({ projectId: "p", apiEndpoint }).bucket(BUCKET);
  const [may, mayNot, reader] = ["anything", "nothing", "reader"].map((account) =>
    bucketAt(storage.urlOf(account)),
  ) as [ReturnType<typeof bucketAt>, ReturnType<typeof bucketAt>, ReturnType<typeof bucketAt>];
  await may.file("one").save("content", { resumable: false });
  await may.file("two").save("content", { resumable: true });
  expect((await reader.file("one").download())[0].toString()).toBe("content");
  await expect(mayNot.file("one").download()).rejects.toMatchObject({ code: 403 });
  await expect(mayNot.file("three").save("x", { resumable: false })).rejects.toMatchObject({
    code: 403,
  });
  await expect(may.file("none").getMetadata()).rejects.toMatchObject({ code: 404 });
  await expect(reader.file("none").getMetadata()).rejects.toMatchObject({ code: 403 });
  await expect(bucketAt(storage.url).file("none").getMetadata()).rejects.toMatchObject({
    code: 404,
  });
});
