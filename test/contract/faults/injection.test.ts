import { FieldValue } from "@google-cloud/firestore";
import { withMessageFaults } from "../../../infra/emulators/cloud-build/message-faults.ts";
import { startFirestore } from "../../../infra/emulators/firestore/start.ts";
import { withPushFaults } from "../../../infra/emulators/pubsub/push-faults.ts";
import { startPushRequest } from "../../../infra/emulators/pubsub/push-request.ts";
import { startPubsub } from "../../../infra/emulators/pubsub/start.ts";
import { withFaults as withRouteFaults } from "../../../infra/emulators/storage/fault-router.ts";
import { findRoute } from "../../../infra/emulators/storage/routes.ts";
import { startStorage } from "../../../infra/emulators/storage/start.ts";
import type { Fault, FaultAction, FaultTrigger } from "../../../infra/emulators/wire/fault.ts";
import { injectFaults } from "../../../infra/emulators/wire/faults.ts";
import { withFaults } from "../../../infra/emulators/wire/grpc-faults.ts";
import type { ServedService } from "../../../infra/emulators/wire/grpc-server.ts";
import { codeOf, firestoreAt, firestoreWith, ONCE, temporaryDirectory } from "./world.ts";

const FIRESTORE = "google.firestore.v1.Firestore";
const COMMIT = `${FIRESTORE}/Commit`;
const NOT_FOUND: FaultAction = { type: "failBefore", status: "NOT_FOUND" };

function faultAt(method: string, action: FaultAction = NOT_FOUND, when = ONCE): Fault {
  return { method, when, do: action };
}

describe("without faults", () => {
  test("the very same functions run", () => {
    const services: ServedService[] = [{ name: FIRESTORE, methods: {} }];
    const publish = () => {};
    expect(withFaults(services, undefined)).toBe(services);
    expect(withRouteFaults(findRoute, undefined)).toBe(findRoute);
    expect(withPushFaults(startPushRequest, undefined)).toBe(startPushRequest);
    expect(withMessageFaults(publish, undefined)).toBe(publish);
  });

  test("a method, a push and a message that have none are the very same beside those that have", () => {
    const methods = { unary: { Commit: () => ({}), Rollback: () => ({}) }, bidi: { Listen() {} } };
    const faults = injectFaults([faultAt(COMMIT)]);
    const [woven] = withFaults([{ name: FIRESTORE, methods }], faults);
    expect(woven?.methods.unary?.["Rollback"]).toBe(methods.unary.Rollback);
    expect(woven?.methods.bidi?.["Listen"]).toBe(methods.bidi.Listen);
    expect(woven?.methods.unary?.["Commit"]).not.toBe(methods.unary.Commit);
    expect(withPushFaults(startPushRequest, faults)).toBe(startPushRequest);
  });

  test("an operation of Cloud Storage that has none is the very same", () => {
    const router = withRouteFaults(findRoute, injectFaults([faultAt("storage.objects.insert")]));
    const path = "/b/bucket/o/object";
    expect(router("api", "GET", path).operation).toBe(findRoute("api", "GET", path).operation);
    const [upload, insert] = ["upload", "/b/bucket/o"] as const;
    expect(router(upload, "POST", insert).operation).not.toBe(
      findRoute(upload, "POST", insert).operation,
    );
  });
});

describe("a fault that cannot fire is refused when it is made", () => {
  test.each<[string, Fault, RegExp]>([
    ["an unknown service", faultAt("google.pubsub.v1.Publishers/Publish"), /no service .* such/],
    ["an unknown kind", faultAt(COMMIT, { type: "explode" as "drop" }), /no such fault/],
    ["an unknown status", faultAt(COMMIT, { ...NOT_FOUND, status: "LOST" as "ABORTED" }), /LOST/],
    ["no delay", faultAt(COMMIT, { type: "delay", ms: 0 }), /ms must be/],
    ["a cut without a connection", faultAt("cloud-builds", { type: "cut" }), /makes no sense/],
    ["a count of none", faultAt(COMMIT, NOT_FOUND, { count: 0 }), /count must be 1 or more/],
    ["a negative start", faultAt(COMMIT, NOT_FOUND, { count: 1, after: -1 }), /after must be/],
    ["more than always", faultAt(COMMIT, NOT_FOUND, { probability: 2 }), /in \(0, 1\]/],
    ["chance without a seed", faultAt(COMMIT, NOT_FOUND, { probability: 0.5 }), /needs a seed/],
    ["no trigger", faultAt(COMMIT, NOT_FOUND, {} as FaultTrigger), /needs a count/],
  ])("%s", (_name, fault, reason) => {
    expect(() => injectFaults([faultAt(COMMIT), fault])).toThrow(reason);
    expect(() => injectFaults([faultAt(COMMIT), fault])).toThrow(/faults\[1\]/);
  });
});

describe("a fault that cannot fire is refused when its service starts", () => {
  const STARTS = { startFirestore, startPubsub, startStorage };

  test.each<[string, keyof typeof STARTS, { fault: Fault; reason: RegExp }]>([
    [
      "an unknown RPC",
      "startFirestore",
      { fault: faultAt(`${FIRESTORE}/Comit`), reason: /no such method/ },
    ],
    [
      "an RPC that the stand-in lacks",
      "startFirestore",
      { fault: faultAt(`${FIRESTORE}/PartitionQuery`), reason: /no such method/ },
    ],
    [
      "an unknown method",
      "startStorage",
      { fault: faultAt("storage.objects.inserts"), reason: /no such method/ },
    ],
    [
      "the reorder of a unary RPC",
      "startFirestore",
      {
        fault: faultAt(COMMIT, { type: "reorder" }),
        reason: /"reorder" makes no sense at .*Commit, which is a unary RPC/,
      },
    ],
    [
      "the duplicate of a stream of requests",
      "startPubsub",
      {
        fault: faultAt("google.pubsub.v1.Subscriber/StreamingPull", { type: "duplicate" }),
        reason: /which is an RPC with a stream of requests/,
      },
    ],
    [
      "the duplicate of an upload",
      "startStorage",
      {
        fault: faultAt("storage.objects.insert", { type: "duplicate" }),
        reason: /which is an HTTP request/,
      },
    ],
    [
      "a predicate on a stream of requests",
      "startFirestore",
      {
        fault: faultAt(`${FIRESTORE}/Listen`, NOT_FOUND, { matches: () => true }),
        reason: /no one request to match/,
      },
    ],
  ])("%s", async (_name, start, { fault, reason }) => {
    using directory = temporaryDirectory();
    const faults = injectFaults([fault]);
    await expect(STARTS[start]({ directory: directory.path, faults })).rejects.toThrow(reason);
  });
});

test("a fault that has not fired is named, with the calls that passed it by", async () => {
  const late = faultAt(COMMIT, NOT_FOUND, { count: 1, after: 5 });
  await using world = await firestoreWith([late, faultAt("push", { type: "drop" })]);
  await world.db.doc("c/a").set({});
  expect(() => world.injected.assertFired()).toThrow(
    "faults that have not fired: faults[0] (failBefore at google.firestore.v1.Firestore/Commit; 1 calls), faults[1] (drop at push; no service with that method was started)",
  );
});

test("a count begins after the calls that it lets by, and ends", async () => {
  await using world = await firestoreWith([faultAt(COMMIT, NOT_FOUND, { count: 2, after: 1 })]);
  const codes: unknown[] = [];
  for (let n = 0; n < 5; n++) codes.push(await codeOf(world.db.doc("c/a").set({ n })));
  expect(codes).toEqual(["no error", 5, 5, "no error", "no error"]);
  expect(world.injected.counts()).toMatchObject([{ calls: 5, fired: 2 }]);
});

test("the first of several faults sees a call first; what it lets by goes on to the next", async () => {
  await using world = await firestoreWith([
    faultAt(COMMIT, NOT_FOUND),
    faultAt(COMMIT, { type: "failBefore", status: "PERMISSION_DENIED" }),
  ]);
  const write = () => codeOf(world.db.doc("c/a").set({ n: FieldValue.increment(1) }));
  expect([await write(), await write(), await write()]).toEqual([5, 7, "no error"]);
  world.injected.assertFired();
});

describe("a probability", () => {
  async function pattern(seed: number, count = 40): Promise<string> {
    const faults = injectFaults([faultAt(COMMIT, NOT_FOUND, { probability: 0.3 })], { seed });
    using directory = temporaryDirectory();
    await using service = await startFirestore({ directory: directory.path, faults });
    const db = firestoreAt(service.address);
    let seen = "";
    for (let n = 0; n < count; n++) {
      seen += (await codeOf(db.doc("c/a").set({ n }))) === 5 ? "x" : ".";
    }
    await db.terminate();
    return seen;
  }

  test("decides the same with the same seed, and otherwise with another", async () => {
    const first = await pattern(7);
    expect(await pattern(7)).toBe(first);
    expect(await pattern(8)).not.toBe(first);
    const fired = first.replaceAll(".", "").length;
    expect(fired).toBeGreaterThan(4);
    expect(fired).toBeLessThan(20);
  });
});
