import { billedPubsubBytes, type Priced, usdPerMillion } from "./prices.ts";
import { billing, startTally } from "./tally.ts";

test.each<{ what: Priced; count: number; usd: number }>([
  { what: "firestoreRead", count: 3, usd: 0.9 },
  { what: "firestoreWrite", count: 4, usd: 3.6 },
  { what: "storageClassA", count: 3, usd: 15 },
  { what: "storageClassB", count: 3, usd: 1.2 },
  { what: "functionRequest", count: 1, usd: 0.4 },
  { what: "buildMinuteMedium", count: 5, usd: 15_000 },
  { what: "buildMinuteHighcpu8", count: 2, usd: 32_000 },
])("a million runs with $count of $what each cost $usd USD", ({ what, count, usd }) => {
  expect(usdPerMillion(what, count)).toBeCloseTo(usd, 6);
});

test("Pub/Sub asks for a kilobyte at least", () => {
  expect([1, 1000, 1001].map(billedPubsubBytes)).toEqual([1000, 1000, 1001]);
});

const ROOT = "projects/p/databases/(default)/documents";
const insert = (name: string) => ({ query: { name }, parameters: {} });
const get = (object: string) => ({ query: {}, parameters: { object } });

test.each<[string, object, [Priced, string, number][]]>([
  [
    "google.firestore.v1.Firestore/Commit",
    { writes: [{ update: { name: `${ROOT}/runs/a` } }, { delete: `${ROOT}/keys/b` }] },
    [
      ["firestoreWrite", "write runs", 1],
      ["firestoreDelete", "delete keys", 1],
    ],
  ],
  [
    "google.firestore.v1.Firestore/BatchGetDocuments",
    { documents: [`${ROOT}/runs/a`, `${ROOT}/runs/b`] },
    [["firestoreRead", "read runs", 2]],
  ],
  [
    "google.pubsub.v1.Publisher/Publish",
    {
      topic: "projects/p/topics/t",
      messages: [{ data: Buffer.alloc(2000), attributes: { a: "é" } }],
    },
    [["pubsubByte", "published to t", 2003]],
  ],
  [
    "push",
    { subscription: "projects/p/subscriptions/s", message: { data: "AAAA" } },
    [
      ["pubsubByte", "delivered from s", 1000],
      ["functionRequest", "pushed s", 1],
    ],
  ],
  [
    "storage.objects.insert",
    insert("attempts/r/1-n/claim"),
    [["storageClassA", "insert claim", 1]],
  ],
  ["storage.objects.get", get("attempts/r/1-n/cancel"), [["storageRefused", "get cancel", 1]]],
  ["google.devtools.cloudbuild.v1.CloudBuild/GetBuild", {}, [["cloudBuildCall", "GetBuild", 1]]],
])("a call of %s is billed for what it does", (method, request, expected) => {
  const tally = startTally();
  billing(tally)(method, request);
  expect(tally.entries()).toEqual(
    expected.map(([what, purpose, count]) => ({ what, purpose, count })),
  );
});

test("an object is billed when it is made and read, not when making it again is refused", () => {
  const tally = startTally();
  const bill = billing(tally);
  bill("storage.objects.insert", insert("attempts/r/1-n/outputs/result.json"));
  bill("storage.objects.insert", insert("attempts/r/1-n/outputs/result.json"));
  bill("storage.objects.get", get("attempts/r/1-n/outputs/result.json"));
  expect(tally.entries().map(({ what }) => what)).toEqual([
    "storageClassA",
    "storageRefused",
    "storageClassB",
  ]);
});
