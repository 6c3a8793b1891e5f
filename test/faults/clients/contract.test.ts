import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudBuildClient } from "@google-cloud/cloudbuild";
import { Firestore } from "@google-cloud/firestore";
import { Storage } from "@google-cloud/storage";
import { grpc } from "google-gax";
import { startCloudBuild } from "../../../infra/emulators/cloud-build/start.ts";
import { readIndexCatalog } from "../../../infra/emulators/firestore/index-catalog.ts";
import { startFirestore } from "../../../infra/emulators/firestore/start.ts";
import { startStorage } from "../../../infra/emulators/storage/start.ts";
import { setVariables } from "../../support/environment.ts";
import { shellImage } from "../../support/pipeline.ts";
import { CloudBuildModel, FAIR_WEATHER } from "../world/cloud-build.ts";
import { VirtualTime } from "../world/virtual-time.ts";
import { direct } from "./caller.ts";
import { memoryBuilds } from "./cloud-build.ts";
import { BUILD_CALLS, FIRESTORE_CALLS, outcomeOf } from "./contract.ts";
import { memoryFirestore } from "./firestore.ts";
import { MemoryDatabase } from "./firestore-database.ts";
import { MemoryObjects, memoryStorage } from "./storage.ts";
import { STORAGE_CALLS } from "./storage-contract.ts";

const indexesFile = join(import.meta.dirname, "../../../firestore.indexes.json");
const directory = mkdtempSync(join(tmpdir(), "clients-"));
const stack = new AsyncDisposableStack();
stack.defer(() => rmSync(directory, { recursive: true, force: true }));
afterAll(() => stack.disposeAsync());

describe("Firestore", () => {
  const database = new MemoryDatabase(() => Date.now());
  const catalog = readIndexCatalog(indexesFile);
  const memory = memoryFirestore(database, direct, { projectId: "contract", catalog });
  let wire: Firestore;
  beforeAll(async () => {
    const service = await startFirestore({ directory: join(directory, "firestore"), indexesFile });
    stack.use(service);
    wire = new Firestore({ projectId: "contract", host: service.address, ssl: false });
    stack.defer(() => wire.terminate());
  });
  test.each(Object.entries(FIRESTORE_CALLS))("%s", async (name, call) => {
    const path = `c-${name.replaceAll(/\W/g, "-")}`;
    expect(await outcomeOf(() => call(memory, path))).toEqual(
      await outcomeOf(() => call(wire, path)),
    );
  });
});

describe("Cloud Storage", () => {
  const memory = memoryStorage(new MemoryObjects(), direct).bucket("contract");
  let wire: typeof memory;
  beforeAll(async () => {
    const service = await startStorage({
      directory: join(directory, "storage"),
      buckets: ["contract"],
    });
    stack.use(service);
    wire = new Storage({ projectId: "contract", apiEndpoint: service.url }).bucket("contract");
  });
  test.each(Object.entries(STORAGE_CALLS))("%s", async (name, call) => {
    const prefix = `${name.replaceAll(/\W/g, "-")}/`;
    expect(await outcomeOf(() => call(memory, prefix))).toEqual(
      await outcomeOf(() => call(wire, prefix)),
    );
  });
});

describe("Cloud Build", () => {
  const world = {
    time: new VirtualTime(1),
    publish: () => {},
    created: () => {},
    note: () => {},
    begin: () => () => {},
  };
  const model = new CloudBuildModel(world, { ...FAIR_WEATHER, createsPerMinute: 6 });
  const memory = memoryBuilds(model, direct);
  let wire: CloudBuildClient;
  beforeAll(async () => {
    const restore = setVariables({});
    const service = await startCloudBuild({
      directory: join(directory, "cloud-build"),
      images: shellImage("sleep 600"),
      concurrentBuilds: 0,
      createsPerMinute: 6,
      secrets: { "projects/p/secrets/key/versions/1": "secret" },
      publish: () => {},
      readObject: () => undefined,
      writeObject: async () => ({ generation: "1" }),
    });
    restore();
    stack.use(service);
    wire = new CloudBuildClient({
      projectId: "contract",
      apiEndpoint: "127.0.0.1",
      port: service.port,
      sslCreds: grpc.credentials.createInsecure(),
    });
    stack.defer(() => wire.close());
  });
  test.each(Object.entries(BUILD_CALLS))("%s", async (_name, call) => {
    expect(await outcomeOf(() => call(memory))).toEqual(await outcomeOf(() => call(wire)));
  });
});
