import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newKey } from "../../shared/documents/key.ts";
import { sha256 } from "../../shared/hash.ts";
import { TIMING } from "../../shared/limits.ts";
import { PUSH_TARGETS, TOPICS } from "../../shared/names.ts";
import { startCloudBuild } from "../emulators/cloud-build/start.ts";
import { startFirestore } from "../emulators/firestore/start.ts";
import { startPubsub } from "../emulators/pubsub/start.ts";
import { startStorage } from "../emulators/storage/start.ts";
import type { InjectedFaults } from "../emulators/wire/faults.ts";
import { GoogleError } from "../emulators/wire/status.ts";
import { type FunctionsHost, startFunctionsHost } from "./functions-host/start.ts";
import { firstFree, rememberedPorts } from "./ports.ts";
import { provisionPubsub, storeKey } from "./provision.ts";
import { readSecrets } from "./secrets.ts";
import { readKey, type ServerAddress, takeStateDirectory, writeKey } from "./state/directory.ts";
import { removeBrokenDrafts } from "./state/drafts.ts";

export interface LocalOptions {
  /** State directory, absolute; taken for this process alone. */
  directory: string;
  /**
   * Ports to listen on. Absent ones take any that is free.
   */
  ports?: Partial<Record<"api" | "firestore" | "pubsub" | "storage" | "cloudBuild", number>>;
  /** Where builds find the model's API, and the key that they get for it. */
  model: { url: string; key: string };
  /** How the runner keeps agents apart. */
  sandbox: "bubblewrap" | "none";
  /** Builds that run at a time; the others wait. Default: Cloud Build's smallest quota, 10. */
  concurrentBuilds?: number;
  /** Variables of `functions/config.ts` beside those that are set here. */
  settings?: Record<string, string>;
  /** Receives what the functions print, line by line. */
  onLog?(target: string, line: string): void;
  /** What goes wrong in the four services, from their start on. Default: nothing. */
  faults?: InjectedFaults;
}

/** A running stand-in with the functions on it. */
export interface Local extends AsyncDisposable {
  address: ServerAddress;
  /** The API key. */
  key: string;
  functions: FunctionsHost;
  /** Runs the function `sweep` as Cloud Scheduler does each minute. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

const PROJECT = "runyard-local";
const BUCKET = "runyard-local";
const IMAGE = "runyard/agent";
const KEY_SECRET = `projects/${PROJECT}/secrets/anthropic-api-key/versions/latest`;
const OWNER = "local";
/** Requests a minute: one machine has one owner, and tests send many. */
const AS_GOOD_AS_UNLIMITED = 1_000_000;
/**
 * Where Node keeps what it has compiled of functions and runner, which makes each start of one a third
 * shorter. Beside the modules that it is made of: who can write there can change those as well.
 */
const COMPILE_CACHE = repositoryFile("node_modules/.cache/runyard-compile");

/** Ports that are asked for first; the emulators' usual ones where they have one. */
const KNOWN_PORTS = { firestore: 8081, cloudBuild: 8082, pubsub: 8085, storage: 9199 } as const;
const KNOWN_API_PORT = 8080;

/** Known ports, or the next free ones. A given API port is taken as it is. */
export async function knownPorts(api?: number): Promise<Required<LocalOptions>["ports"]> {
  const ports: Record<string, number> = { api: api ?? (await firstFree(KNOWN_API_PORT)) };
  for (const [name, port] of Object.entries(KNOWN_PORTS)) {
    let free = await firstFree(port);
    while (Object.values(ports).includes(free)) free = await firstFree(free + 1);
    ports[name] = free;
  }
  return ports;
}

/**
 * Starts the four services and the functions on loopback, over one state directory, and goes on with
 * whatever was pending in it.
 *
 * @throws {StateInUse} if another process has the directory; EADDRINUSE if a port is taken; Error if the
 *   file of secrets is not as it must be
 */
export async function startLocal(options: LocalOptions): Promise<Local> {
  await using started = new AsyncDisposableStack();
  const state = takeStateDirectory(options.directory);
  started.defer(() => state.release());
  removeBrokenDrafts(options.directory);
  const services = Promise.withResolvers<Clients>();
  services.promise.catch(() => {});
  // Before Pub/Sub, which pushes what is left from the last time as soon as it runs.
  const functions = await startFunctions(options, services.promise);
  const clients = await startServices(options, started).catch(async (error: unknown) => {
    services.reject(error);
    await functions.close();
    throw error;
  });
  started.use(functions);
  services.resolve(clients);
  const key = readKey(state.path) ?? writeKey(state.path, newKey(randomBytes));
  await Promise.all([functions.warm(), provision({ clients, key, functions })]);
  const tick = () => callSweep(functions);
  await tick();
  const timer = setInterval(() => void tick().catch(() => {}), TIMING.sweepInterval * 1000);
  started.defer(() => clearInterval(timer));
  const apiUrl = `${functions.urlOf("api")}/v1`;
  const address = { pid: process.pid, apiUrl, projectId: PROJECT, clients };
  state.publish(address);
  const stack = started.move();
  const close = () => stack.disposeAsync();
  return { address, key, functions, tick, close, [Symbol.asyncDispose]: close };
}

async function provision({
  clients,
  key,
  functions,
}: {
  clients: Clients;
  key: string;
  functions: FunctionsHost;
}): Promise<void> {
  const projectId = PROJECT;
  await storeKey({ projectId, address: clients.FIRESTORE_EMULATOR_HOST, key, owner: OWNER });
  const endpointOf = (name: string) => functions.urlOf(name);
  await provisionPubsub({ projectId, address: clients.PUBSUB_EMULATOR_HOST, endpointOf });
}

/** Variables that point Google's clients, and our own, at the services. */
type Clients = Record<
  | "FIRESTORE_EMULATOR_HOST"
  | "PUBSUB_EMULATOR_HOST"
  | "STORAGE_EMULATOR_HOST"
  | "CLOUD_BUILD_EMULATOR_HOST",
  string
>;

async function startServices(
  { directory, ports = {}, model, sandbox, concurrentBuilds = 10, faults }: LocalOptions,
  started: AsyncDisposableStack,
): Promise<Clients> {
  const own = (folder: string, port = 0) => ({
    directory: join(directory, folder),
    port,
    ...(faults && { faults }),
  });
  const indexesFile = repositoryFile("firestore.indexes.json");
  const firestore = started.use(
    await startFirestore({ ...own("firestore", ports.firestore), indexesFile }),
  );
  const storage = started.use(
    await startStorage({ ...own("storage", ports.storage), buckets: [BUCKET] }),
  );
  const pubsub = started.use(await startPubsub(own("pubsub", ports.pubsub)));
  const cloudBuild = started.use(
    await startCloudBuild({
      ...own("cloud-build", ports.cloudBuild),
      images: {
        [IMAGE]: agentImage({
          STORAGE_EMULATOR_HOST: storage.url,
          ANTHROPIC_BASE_URL: model.url,
          RUNYARD_SANDBOX: sandbox,
          TMPDIR: temporaryDirectory(directory, started),
        }),
      },
      secrets: { ...readSecrets(directory, PROJECT), [KEY_SECRET]: model.key },
      concurrentBuilds,
      publish: (projectId, message) =>
        ignoringMissingTopic(() =>
          pubsub.publish(`projects/${projectId}/topics/${TOPICS.cloudBuilds}`, message),
        ),
      readObject: storage.readObject,
      writeObject: storage.writeObject,
    }),
  );
  return {
    FIRESTORE_EMULATOR_HOST: firestore.address,
    PUBSUB_EMULATOR_HOST: pubsub.address,
    STORAGE_EMULATOR_HOST: storage.url,
    CLOUD_BUILD_EMULATOR_HOST: cloudBuild.address,
  };
}

/** The image that builds run: its entrypoint is the runner, its ENV says where the services are. */
function agentImage(env: Record<string, string>) {
  const runner = repositoryFile("infra/agent/main.ts");
  return {
    command: [process.execPath, "--disable-warning=ExperimentalWarning", runner],
    env: { ...env, METADATA_SERVER_DETECTION: "none", NODE_COMPILE_CACHE: COMPILE_CACHE },
  };
}

/**
 * Where builds keep temporary files, as a container has its own `/tmp`: emptied at each start, since a
 * build that was killed leaves things behind. Outside the state directory, whose name may be too long for
 * the sockets in it.
 */
function temporaryDirectory(directory: string, started: AsyncDisposableStack): string {
  const name = sha256(directory).slice(0, 16);
  const path = join(tmpdir(), `runyard-${name}`);
  const remove = () => rmSync(path, { recursive: true, force: true });
  remove();
  mkdirSync(path, { mode: 0o700 });
  started.defer(remove);
  return path;
}

function ignoringMissingTopic(publish: () => void): void {
  try {
    publish();
  } catch (error) {
    if (!(error instanceof GoogleError && error.status === "NOT_FOUND")) throw error;
  }
}

async function startFunctions(
  { directory, ports = {}, settings, onLog }: LocalOptions,
  clients: Promise<Clients>,
): Promise<FunctionsHost> {
  const fronts = await rememberedPorts(directory, [...Object.values(PUSH_TARGETS), "sweep"]);
  return startFunctionsHost({
    source: repositoryFile("functions/index.ts"),
    functions: [{ target: "api", port: ports.api ?? 0 }, ...fronts],
    env: async (urlOf) => ({
      RUNYARD_REQUESTS_PER_MINUTE: String(AS_GOOD_AS_UNLIMITED),
      RUNYARD_FAILURES_PER_MINUTE: String(AS_GOOD_AS_UNLIMITED),
      ...settings,
      ...(await clients),
      METADATA_SERVER_DETECTION: "none",
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      GOOGLE_CLOUD_PROJECT: PROJECT,
      RUNYARD_BUCKET: BUCKET,
      RUNYARD_PUBLIC_URL: urlOf("api"),
      RUNYARD_IMAGE: IMAGE,
      RUNYARD_BUILD_SERVICE_ACCOUNT: `projects/${PROJECT}/serviceAccounts/agent@${PROJECT}.iam.gserviceaccount.com`,
      RUNYARD_LOGS_BUCKET: `gs://${BUCKET}`,
      RUNYARD_MODEL_KEY_SECRET: KEY_SECRET,
    }),
    ...(onLog && { onLog }),
  });
}

async function callSweep(functions: FunctionsHost): Promise<void> {
  const response = await fetch(functions.urlOf("sweep"), { method: "POST" });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`sweep answered ${response.status}`);
}

/** The stand-in starts these but never imports them. */
function repositoryFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
