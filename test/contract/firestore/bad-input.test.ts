import * as grpc from "@grpc/grpc-js";
import { loadProtos } from "../../../infra/emulators/wire/grpc-server.ts";
import { differsTest, googleTest, standInTest } from "../declared.ts";
import { DATABASE, ROOT, startWorld, type World } from "./world.ts";

const database = DATABASE;

interface Rpc {
  path: string;
  responseStream: boolean;
  requestStream: boolean;
  requestSerialize(message: object): Buffer;
  responseDeserialize(bytes: Buffer): object;
}

const SERVICE = loadProtos("@google-cloud/firestore/build/protos/v1.json")[
  "google.firestore.v1.Firestore"
] as unknown as Record<string, Rpc>;

/** Sends one message without a client that would check it, and resolves to the status. */
async function statusOf(world: World, method: string, message: object | Buffer): Promise<number> {
  const rpc = SERVICE[method] as Rpc;
  const client = world.rawClient();
  const serialize = (request: object | Buffer) =>
    Buffer.isBuffer(request) ? request : rpc.requestSerialize(request);
  const call = client.makeBidiStreamRequest(rpc.path, serialize, rpc.responseDeserialize);
  call.on("data", () => {});
  call.on("error", () => {});
  call.write(message);
  call.end();
  const code = await new Promise<number>((resolve) => {
    call.on("status", (status: grpc.StatusObject) => resolve(status.code));
  });
  client.close();
  return code;
}

const QUERY = { parent: ROOT, structuredQuery: { from: [{ collectionId: "c" }] } };
const FIELD = { fieldPath: "f" };

async function refusesAsInvalid(method: string, message: object): Promise<void> {
  await using world = await startWorld();
  expect(await statusOf(world, method, message)).toBe(grpc.status.INVALID_ARGUMENT);
  await world.db.doc("c/d").set({ n: 1 });
}

test.each([
  ["Commit", {}],
  ["Commit", { database: "nonsense" }],
  ["Commit", { database, writes: [{}] }],
  ["Commit", { database, writes: [{ update: { name: "c/d" } }] }],
  ["Commit", { database, writes: [{ update: { name: `${ROOT}/c` } }] }],
  ["Commit", { database, writes: [{ update: { name: `${ROOT}/c//d` } }] }],
  ["Commit", { database, writes: [{ update: { name: `${ROOT}/c/d`, fields: { f: {} } } }] }],
  ["Commit", { database, transaction: Buffer.from("unknown") }],
  [
    "Commit",
    {
      database,
      writes: [{ update: { name: `${ROOT}/c/d` }, updateTransforms: [{ fieldPath: "f" }] }],
    },
  ],
  ["BatchWrite", {}],
  ["BeginTransaction", {}],
  ["Rollback", {}],
  ["GetDocument", {}],
  ["BatchGetDocuments", { database, documents: ["x"] }],
  ["BatchGetDocuments", { database, mask: { fieldPaths: ["a..b"] } }],
  ["ListDocuments", {}],
  ["ListDocuments", { parent: ROOT, collectionId: "a/b" }],
  ["ListCollectionIds", {}],
  ["RunQuery", {}],
  ["RunQuery", { parent: ROOT }],
  ["RunQuery", { parent: `${ROOT}/c`, structuredQuery: QUERY.structuredQuery }],
  ["RunQuery", { ...QUERY, structuredQuery: { ...QUERY.structuredQuery, limit: { value: -1 } } }],
  ["RunQuery", { ...QUERY, structuredQuery: { ...QUERY.structuredQuery, where: {} } }],
  [
    "RunQuery",
    {
      ...QUERY,
      structuredQuery: { ...QUERY.structuredQuery, where: { fieldFilter: { field: FIELD } } },
    },
  ],
  [
    "RunQuery",
    {
      ...QUERY,
      structuredQuery: {
        ...QUERY.structuredQuery,
        where: { fieldFilter: { field: FIELD, op: "EQUAL", value: {} } },
      },
    },
  ],
  [
    "RunQuery",
    { ...QUERY, structuredQuery: { ...QUERY.structuredQuery, startAt: { values: [{}, {}] } } },
  ],
  ["RunAggregationQuery", { parent: ROOT, structuredAggregationQuery: QUERY }],
])("%s refuses %j as an invalid argument and goes on", refusesAsInvalid);

// The emulator writes into any project, and a Listen without the header that its clients send is
// UNKNOWN there.
googleTest.each([
  ["Commit", { database, writes: [{ delete: "projects/other/databases/d/documents/c/d" }] }],
  ["Listen", {}],
])("%s refuses %j as an invalid argument and goes on", refusesAsInvalid);

differsTest(
  "Differs: without a collection selector Google's emulator reads each collection right below the parent: here it is refused",
  async () => {
    await refusesAsInvalid("RunQuery", { parent: ROOT, structuredQuery: { from: [] } });
    await refusesAsInvalid("RunQuery", { parent: ROOT, structuredQuery: { from: [{}] } });
  },
);

standInTest("bytes that are no message do not take the service down", async () => {
  await using world = await startWorld();
  for (const method of ["Commit", "RunQuery", "Listen"]) {
    const garbage = Buffer.from([0xff, 0xff, 0xff, 0x01, 0x7f]);
    expect(await statusOf(world, method, garbage)).toBe(grpc.status.INTERNAL);
  }
  await world.db.doc("c/d").set({ n: 1 });
});
