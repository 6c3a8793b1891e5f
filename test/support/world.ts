import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { Storage } from "@google-cloud/storage";
import type { Callers } from "../../infra/emulators/wire/callers.ts";
import type { InjectedFaults } from "../../infra/emulators/wire/faults.ts";
import { startOfflineModel } from "../../infra/local/offline-model/start.ts";
import type { Programs } from "../../infra/local/programs.ts";
import { type Local, startLocal } from "../../infra/local/start.ts";

/** What the model's API was asked, as a story looks at it. */
interface ModelRequest {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
}

/**
 * Runyard as a user has it, on a state directory of its own, with the official clients pointed at
 * it.
 */
export interface World extends AsyncDisposable {
  local: Local;
  directory: string;
  firestore: Firestore;
  pubsub: PubSub;
  storage: Storage;
  /** Every request that reached the offline model. */
  modelRequests: ModelRequest[];
  /** Lines that the functions printed. */
  log: string[];
  /** A request to the API with the world's key. */
  call(path: string, init?: RequestInit & { json?: unknown }): Promise<Response>;
  /** Stops it, does what is said, and starts it again on the same state. */
  restart(meanwhile?: () => void): Promise<void>;
}

/**
 * @param options.sandbox default bubblewrap
 * @param options.settings variables of the functions; default none
 * @param options.callers what functions and builds may call; default everything
 * @param options.faults what goes wrong, across restarts too; default nothing
 * @param options.programs what is served; default the sources
 */
export async function startWorld(
  options: {
    sandbox?: "bubblewrap" | "none";
    concurrentBuilds?: number;
    faults?: InjectedFaults;
    callers?: Callers;
    settings?: Record<string, string>;
    programs?: Programs;
  } = {},
): Promise<World> {
  const stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "world-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const modelRequests: ModelRequest[] = [];
  const log: string[] = [];
  const model = stack.use(
    await startOfflineModel({ onRequest: (request) => void modelRequests.push(request) }),
  );
  const start = () =>
    startLocal({
      directory,
      model: { url: model.url, key: "sk-ant-the-real-key" },
      sandbox: "bubblewrap",
      ...options,
      onLog: (target, line) => void log.push(`${target}: ${line}`),
    });
  let local = await start();
  let clients = openClients(local);
  stack.defer(() => local.close());
  stack.defer(() => closeClients(clients));
  return {
    get local() {
      return local;
    },
    get firestore() {
      return clients.firestore;
    },
    get pubsub() {
      return clients.pubsub;
    },
    get storage() {
      return clients.storage;
    },
    directory,
    modelRequests,
    log,
    call: (path, { json, ...init } = {}) =>
      fetch(`${local.address.apiUrl}${path}`, {
        ...init,
        headers: {
          authorization: `Bearer ${local.key}`,
          ...(json !== undefined && { "content-type": "application/json" }),
          ...(init.headers as Record<string, string>),
        },
        ...(json !== undefined && { method: "POST", body: JSON.stringify(json) }),
      }),
    async restart(meanwhile = () => {}) {
      await closeClients(clients);
      await local.close();
      meanwhile();
      local = await start();
      clients = openClients(local);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function openClients({ address }: Local) {
  const { projectId, clients } = address;
  return {
    firestore: new Firestore({
      projectId,
      host: clients["FIRESTORE_EMULATOR_HOST"] ?? "",
      ssl: false,
    }),
    pubsub: new PubSub({
      projectId,
      apiEndpoint: clients["PUBSUB_EMULATOR_HOST"] ?? "",
      emulatorMode: true,
    }),
    storage: new Storage({ projectId, apiEndpoint: clients["STORAGE_EMULATOR_HOST"] ?? "" }),
  };
}

async function closeClients({ firestore, pubsub }: ReturnType<typeof openClients>): Promise<void> {
  await Promise.all([firestore.terminate(), pubsub.close()]);
}
