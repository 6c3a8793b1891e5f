import { FieldValue } from "@google-cloud/firestore";
import * as grpc from "@grpc/grpc-js";
import type { Fault } from "../../../infra/emulators/wire/fault.ts";
import { loadProtos } from "../../../infra/emulators/wire/grpc-server.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeClock } from "../cloud-build/fake-clock.ts";
import { settled } from "../pubsub/endpoint.ts";
import {
  codeOf,
  firestoreAt,
  firestoreWith,
  onceAt,
  startHost,
  temporaryDirectory,
} from "./world.ts";

const COMMIT = "google.firestore.v1.Firestore/Commit";
const UNAVAILABLE = "UNAVAILABLE";

/** Writes `c/a`, once, with no client that would repeat it. */
async function commitWithin(address: string, deadlineMs: number): Promise<void> {
  const protos = loadProtos("@google-cloud/firestore/build/protos/v1.json");
  const service = protos["google.firestore.v1.Firestore"] as grpc.ServiceDefinition;
  const Client = grpc.makeGenericClientConstructor(service, "Firestore");
  const client = new Client(address, grpc.credentials.createInsecure());
  const database = "projects/faulty/databases/(default)";
  const writes = [{ update: { name: `${database}/documents/c/a` } }];
  const deadline = Date.now() + deadlineMs;
  try {
    await new Promise<void>((resolve, reject) => {
      client["Commit"]?.({ database, writes }, { deadline }, (error: Error | null) =>
        error ? reject(error) : resolve(),
      );
    });
  } finally {
    client.close();
  }
}

describe("a commit", () => {
  test("that fails before anything happened is sent again by the client", async () => {
    await using world = await firestoreWith(
      onceAt(COMMIT, { type: "failBefore", status: UNAVAILABLE }),
    );
    await world.db.doc("c/a").create({ n: 1 });
    expect((await world.db.doc("c/a").get()).data()).toEqual({ n: 1 });
    expect(world.injected.counts()).toEqual([
      { method: COMMIT, type: "failBefore", calls: 2, fired: 1 },
    ]);
  });

  test("whose acknowledgement is lost is sent again, and create() finds its own document", async () => {
    await using world = await firestoreWith(
      onceAt(COMMIT, { type: "failAfter", status: UNAVAILABLE }),
    );
    expect(await codeOf(world.db.doc("c/a").create({ n: 1 }))).toBe(6);
    expect((await world.db.doc("c/a").get()).data()).toEqual({ n: 1 });
    expect(world.fired()).toEqual([1]);
  });

  test("with a status that is not repeated reaches the caller with the fault's own text", async () => {
    await using world = await firestoreWith(
      onceAt(COMMIT, { type: "failBefore", status: "PERMISSION_DENIED", message: "not you" }),
    );
    await expect(world.db.doc("c/a").create({})).rejects.toMatchObject({
      code: 7,
      details: "not you",
    });
    expect((await world.db.doc("c/a").get()).exists).toBe(false);
  });

  test("that is refused for itself keeps its refusal", async () => {
    const failAfter = { type: "failAfter", status: UNAVAILABLE } as const;
    await using world = await firestoreWith([
      { method: COMMIT, when: { count: 1, after: 1 }, do: failAfter },
    ]);
    await world.db.doc("c/a").create({ n: 1 });
    expect(await codeOf(world.db.doc("c/a").create({ n: 2 }))).toBe(6);
    expect(world.fired()).toEqual([1]);
  });

  test.each([
    ["before", "no error"],
    ["after", 6],
  ] as const)("on a connection that is cut %s it is sent again", async (at, code) => {
    await using world = await firestoreWith(onceAt(COMMIT, { type: "cut", at }));
    expect(await codeOf(world.db.doc("c/a").create({ n: 1 }))).toBe(code);
    expect((await world.db.doc("c/a").get()).data()).toEqual({ n: 1 });
    expect(world.fired()).toEqual([1]);
  });

  test("that arrives twice is applied twice", async () => {
    await using world = await firestoreWith(onceAt(COMMIT, { type: "duplicate" }));
    await world.db.doc("c/a").set({ n: FieldValue.increment(1) }, { merge: true });
    expect((await world.db.doc("c/a").get()).get("n")).toBe(2);
  });

  test.each(["before", "after"] as const)("is delayed on the clock %s it is made", async (at) => {
    const clock = fakeClock();
    await using world = await firestoreWith(onceAt(COMMIT, { type: "delay", ms: 5000, at }), clock);
    let isAnswered = false;
    const commit = world.db.doc("c/a").create({ n: 1 });
    void commit.then(() => {
      isAnswered = true;
    });
    await eventually(() => expect(world.fired()).toEqual([1]));
    expect((await world.db.doc("c/a").get()).exists).toBe(at === "after");
    clock.advance(4999);
    await world.db.doc("c/a").get();
    expect(isAnswered).toBe(false);
    clock.advance(1);
    await commit;
    expect((await world.db.doc("c/a").get()).exists).toBe(true);
  });

  test("that is dropped is never answered, and does nothing", async () => {
    await using world = await firestoreWith(onceAt(COMMIT, { type: "drop" }));
    expect(await codeOf(commitWithin(world.address, 200))).toBe(4);
    expect((await world.db.doc("c/a").get()).exists).toBe(false);
    expect(world.fired()).toEqual([1]);
  });

  test.each([
    ["before", "no error"],
    ["after", 6],
  ] as const)(
    "that kills the service %s it is made is sent again to the next",
    async (at, code) => {
      using directory = temporaryDirectory();
      const faults = onceAt(COMMIT, { type: "kill", at });
      await using host = await startHost("firestore", directory.path, { faults });
      const db = firestoreAt(host.address);
      const commit = codeOf(db.doc("c/a").create({ n: 1 }));
      expect(await host.ended).toBe("SIGKILL");
      await using _again = await startHost("firestore", directory.path, { port: host.port });
      expect(await commit).toBe(code);
      expect((await db.doc("c/a").get()).data()).toEqual({ n: 1 });
      await db.terminate();
    },
  );
});

describe("a query", () => {
  const QUERY = "google.firestore.v1.Firestore/RunQuery";

  test.each([{ type: "failBefore", status: UNAVAILABLE }, { type: "cut" }] as const)(
    "is asked again by the client after $type",
    async (action) => {
      await using world = await firestoreWith(onceAt(QUERY, action));
      await world.db.doc("c/a").set({ n: 1 });
      expect((await world.db.collection("c").get()).size).toBe(1);
      expect(world.fired()).toEqual([1]);
    },
  );

  test("can be chosen by what it asks", async () => {
    const wanted = "secret";
    const fault: Fault = {
      method: QUERY,
      when: { matches: ({ structuredQuery }) => structuredQuery.from[0].collectionId === wanted },
      do: { type: "failBefore", status: "PERMISSION_DENIED" },
    };
    await using world = await firestoreWith([fault]);
    expect(await codeOf(world.db.collection("open").get())).toBe("no error");
    expect(await codeOf(world.db.collection(wanted).get())).toBe(7);
    expect(await codeOf(world.db.collection(wanted).get())).toBe(7);
    expect(world.injected.counts()).toMatchObject([{ calls: 2, fired: 2 }]);
  });
});

describe("a listener", () => {
  const LISTEN = "google.firestore.v1.Firestore/Listen";

  test.each([
    { type: "cut", at: "before" },
    { type: "cut", at: "after" },
    { type: "failBefore", status: UNAVAILABLE },
    { type: "failAfter", status: UNAVAILABLE },
  ] as const)("comes back after $type $at and sees what it missed", async (action) => {
    await using world = await firestoreWith(onceAt(LISTEN, action));
    const seen: unknown[] = [];
    const stop = world.db.doc("c/a").onSnapshot((snapshot) => void seen.push(snapshot.get("n")));
    await eventually(() => expect(world.fired()).toEqual([1]));
    await world.db.doc("c/a").set({ n: 1 });
    await eventually(() => expect(seen.at(-1)).toBe(1));
    stop();
    // The client hears of its stream's end a moment later.
    await settled();
  });
});
