import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { startCloudBuild } from "../../infra/emulators/cloud-build/start.ts";
import { startFirestore } from "../../infra/emulators/firestore/start.ts";
import { startPubsub } from "../../infra/emulators/pubsub/start.ts";
import { startStorage } from "../../infra/emulators/storage/start.ts";
import { type FunctionsHost, startFunctionsHost } from "../../infra/local/functions-host/start.ts";
import type { Known } from "./requests.ts";

const PROJECT = "fuzz";
const ROOT = join(import.meta.dirname, "../..");
/** Nobody is counted out here; how often one may ask is tested elsewhere. */
const UNLIMITED = "999999999";

/**
 * The API in a process of its own, on a stand-in that nobody else uses: what it accepts stays as it
 * is.
 */
export interface FuzzWorld extends AsyncDisposable {
  port: number;
  known: Known;
  firestore: Firestore;
  /** Process of the API; another one than before if it has crashed. */
  pid(): number | undefined;
  /** Resident memory of that process. */
  residentBytes(): number;
  /** Errors that it logged. */
  errors: string[];
}

export async function startFuzzWorld(): Promise<FuzzWorld> {
  const stack = new AsyncDisposableStack();
  const errors: string[] = [];
  const clients = await startServices(stack);
  const host = stack.use(await startApi(clients, errors));
  await host.warm();
  const firestore = new Firestore({
    projectId: PROJECT,
    host: clients.FIRESTORE_EMULATOR_HOST,
    ssl: false,
  });
  stack.defer(() => firestore.terminate());
  const url = host.urlOf("api");
  const keys = await storeKeys(firestore);
  const ids = await whatIsKnown(url, keys.admin);
  const pid = () => host.pidOf("api");
  return {
    port: Number(new URL(url).port),
    known: { keys, ids },
    firestore,
    pid,
    residentBytes: () => residentBytesOf(pid() ?? 0),
    errors,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function startServices(stack: AsyncDisposableStack) {
  const directory = mkdtempSync(join(tmpdir(), "fuzz-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const own = (name: string) => ({ directory: join(directory, name) });
  const indexesFile = join(ROOT, "firestore.indexes.json");
  const firestore = stack.use(await startFirestore({ ...own("firestore"), indexesFile }));
  const storage = stack.use(await startStorage({ ...own("storage"), buckets: [PROJECT] }));
  const pubsub = stack.use(await startPubsub(own("pubsub")));
  const client = new PubSub({
    projectId: PROJECT,
    apiEndpoint: pubsub.address,
    emulatorMode: true,
  });
  for (const topic of ["run-requests", "run-events", "webhook-deliveries"])
    await client.createTopic(topic);
  await client.close();
  // Nothing creates builds here: it is asked for those of runs, and has none.
  const cloudBuild = stack.use(
    await startCloudBuild({
      ...own("cloud-build"),
      images: {},
      publish: async () => {},
      readObject: () => undefined,
      writeObject: async () => ({ generation: "1" }),
    }),
  );
  return {
    FIRESTORE_EMULATOR_HOST: firestore.address,
    STORAGE_EMULATOR_HOST: storage.url,
    PUBSUB_EMULATOR_HOST: pubsub.address,
    CLOUD_BUILD_EMULATOR_HOST: cloudBuild.address,
  };
}

function startApi(clients: Record<string, string>, errors: string[]): Promise<FunctionsHost> {
  return startFunctionsHost({
    source: join(ROOT, "functions/index.ts"),
    functions: [{ target: "api", port: 0 }],
    env: async (_target, urlOf) => ({
      ...clients,
      METADATA_SERVER_DETECTION: "none",
      GOOGLE_CLOUD_PROJECT: PROJECT,
      RUNYARD_BUCKET: PROJECT,
      RUNYARD_PUBLIC_URL: urlOf("api"),
      RUNYARD_IMAGE: "agent",
      RUNYARD_BUILD_SERVICE_ACCOUNT: `projects/${PROJECT}/serviceAccounts/a@b.iam.gserviceaccount.com`,
      RUNYARD_LOGS_BUCKET: `gs://${PROJECT}`,
      RUNYARD_SEAL_KEYS: randomBytes(32).toString("base64"),
      RUNYARD_MODEL_KEY_SECRET: `projects/${PROJECT}/secrets/key/versions/1`,
      // A small heap makes growth show, instead of being put off.
      NODE_OPTIONS: "--max-old-space-size=128 --max-semi-space-size=4",
      RUNYARD_REQUESTS_PER_MINUTE: UNLIMITED,
      RUNYARD_FAILURES_PER_MINUTE: UNLIMITED,
    }),
    onLog: (_target, line) => {
      if (/"severity":"(ERROR|CRITICAL)"/.test(line) || !line.startsWith("{")) errors.push(line);
    },
  });
}

async function storeKeys(firestore: Firestore): Promise<Known["keys"]> {
  const newKey = async (owner: string, scopes: string[]) => {
    const key = `ry_${randomBytes(16).toString("hex")}`;
    const hash = createHash("sha256").update(key).digest("hex");
    await firestore.doc(`keys/${hash}`).set({ owner, scopes });
    return key;
  };
  return {
    admin: await newKey("owner", ["admin"]),
    read: await newKey("owner", ["read"]),
    stranger: await newKey("stranger", ["admin"]),
  };
}

/** Runs that are over, their conversations, and agents. */
async function whatIsKnown(url: string, key: string): Promise<string[]> {
  const post = async (path: string, body?: object) => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    return (await response.json()) as { id: string; conversation: { id: string } };
  };
  const ids: string[] = [];
  for (let i = 0; i < 3; i += 1) {
    const run = await post("/v1/runs", { prompt: "echo" });
    await post(`/v1/runs/${run.id}/cancel`);
    const agent = await post("/v1/agents", { name: "known" });
    ids.push(run.id, run.conversation.id, agent.id);
  }
  return ids;
}

function residentBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
