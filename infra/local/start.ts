import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readKey, type ServerAddress } from "../../cli/local-server.ts";
import { newKey } from "../../shared/documents/key.ts";
import { TIMING } from "../../shared/limits.ts";
import { PUSH_TARGETS, PUSHED_FUNCTIONS, TOPICS } from "../../shared/names.ts";
import type { KeptPrograms } from "../bundle/kept-programs.ts";
import { PUBLIC, SEALING } from "../deploy/names.ts";
import { startCloudBuild } from "../emulators/cloud-build/start.ts";
import { startFirestore } from "../emulators/firestore/start.ts";
import { startPubsub } from "../emulators/pubsub/start.ts";
import { startStorage } from "../emulators/storage/start.ts";
import { startTokenIssuer, type TokenIssuer } from "../emulators/wire/id-tokens.ts";
import { tellingEvents } from "./event-sources.ts";
import { type FunctionsHost, startFunctionsHost } from "./functions-host/start.ts";
import type { LocalOptions } from "./local-options.ts";
import { LOCAL } from "./names.ts";
import { rememberedPorts, rememberPorts } from "./ports.ts";
import { compiledOf, FROM_SOURCES, type Programs, repositoryFile } from "./programs.ts";
import { provisionPubsub, storeKey, storeTarget } from "./provision.ts";
import { publishingTo } from "./publish-status.ts";
import { readSecrets, secretsFile } from "./secrets.ts";
import { sealKeysIn, takeStateDirectory, writeKey } from "./state/directory.ts";
import { removeBrokenDrafts } from "./state/drafts.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { callSweep, triggerSettings } from "./trigger-callers.ts";

type Serving = LocalOptions & { programs: Programs };

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

const PROJECT = LOCAL.project;
const BUCKET = LOCAL.bucket;
const IMAGE = "runyard/agent";
const KEY_SECRET = `projects/${PROJECT}/secrets/anthropic-api-key/versions/latest`;
const OWNER = "local";
/** Where webhooks may go beside the public Internet: to what listens on this machine. */
const LOOPBACK_NETS = "127.0.0.0/8:*,[::1/128]:*";
/** Functions that are started by the first message to them. */
const LAZY: readonly string[] = [
  "receiveHook",
  PUSH_TARGETS[TOPICS.runDeliveries],
  PUSH_TARGETS[TOPICS.deadLetters],
  PUSH_TARGETS[TOPICS.webhookDeliveries],
];
/** Cloud Build's smallest quota. */
const CONCURRENT_BUILDS = 10;
/** Requests a minute: one machine has one owner, and tests send many. */
const AS_GOOD_AS_UNLIMITED = 1_000_000;

/**
 * Starts the four services and the functions on loopback, over one state directory, and goes on
 * with whatever was pending in it.
 *
 * @throws the signal's reason if it aborts before this is done; {StateInUse} if another process has
 * the directory; EADDRINUSE if a port is taken; Error if the file of secrets is not as it must be
 */
export async function startLocal(given: LocalOptions): Promise<Local> {
  await using started = new AsyncDisposableStack();
  const kept = given.programs ? undefined : await keptPrograms();
  const options = { ...given, programs: given.programs ?? kept?.programs ?? FROM_SOURCES };
  const state = takeStateDirectory(options.directory);
  started.defer(() => state.release());
  removeBrokenDrafts(options.directory);
  const issuer = started.use(await startTokenIssuer());
  const services = Promise.withResolvers<Services>();
  services.promise.catch(() => {});
  // Before Pub/Sub, which pushes what is left from the last time as soon as it runs.
  const functions = await startFunctions(options, { issuer, services: services.promise });
  const opened = await startServices(options, { issuer, started }).catch(async (error: unknown) => {
    services.reject(error);
    await functions.close();
    throw error;
  });
  started.use(functions);
  services.resolve(opened);
  const { clients } = opened;
  options.signal?.throwIfAborted();
  const key = readKey(state.path) ?? writeKey(state.path, newKey(randomBytes));
  const { concurrentBuilds = CONCURRENT_BUILDS } = options;
  await Promise.all([functions.warm(), provision({ clients, key, functions, concurrentBuilds })]);
  options.signal?.throwIfAborted();
  const tick = () => callSweep(functions.urlOf("sweep"), issuer);
  await tick();
  const timer = setInterval(() => {
    tick().catch(() => {});
    kept?.touch();
  }, TIMING.sweepInterval * 1000);
  started.defer(() => clearInterval(timer));
  const apiUrl = `${functions.urlOf("api")}/v1`;
  const address = { pid: process.pid, apiUrl, projectId: PROJECT, clients };
  // Gone before its ports are anybody's.
  started.use(state.publish(address));
  const stack = started.move();
  const close = () => stack.disposeAsync();
  return { address, key, functions, tick, close, [Symbol.asyncDispose]: close };
}

/** Bundles of a checkout's sources; a package has no bundler. */
async function keptPrograms(): Promise<KeptPrograms | undefined> {
  if (!existsSync(repositoryFile("node_modules/esbuild"))) return undefined;
  const { keepPrograms } = await import("../bundle/kept-programs.ts");
  return keepPrograms();
}

async function provision({
  clients,
  key,
  functions,
  concurrentBuilds,
}: {
  clients: Clients;
  key: string;
  functions: FunctionsHost;
  concurrentBuilds: number;
}): Promise<void> {
  const projectId = PROJECT;
  const address = clients.FIRESTORE_EMULATOR_HOST;
  await storeKey({ projectId, address, key, owner: OWNER });
  await storeTarget({ projectId, address, concurrentBuilds });
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

/** Where the services are. */
interface Services {
  /** For whoever may everything. */
  clients: Clients;
  /** For an account of {@link LocalOptions.callers}. */
  clientsOf(account: string): Clients;
}

async function startServices(
  {
    directory,
    ports = {},
    model,
    sandbox,
    onlyPrompt,
    concurrentBuilds = CONCURRENT_BUILDS,
    faults,
    settings,
    variables,
    programs,
    callers,
  }: Serving,
  { issuer, started }: { issuer: TokenIssuer; started: AsyncDisposableStack },
): Promise<Services> {
  const hosts = settings?.["RUNYARD_ALLOWED_HOSTS"]?.toLowerCase().split(/[\s,]+/);
  const own = (folder: string, port = 0) => ({
    directory: join(directory, folder),
    port,
    hosts,
    callers,
    ...(faults && { faults }),
  });
  const pubsub = started.use(
    await startPubsub({ ...own("pubsub", ports.pubsub), idToken: issuer.tokenFor }),
  );
  const tell = tellingEvents(pubsub.publish);
  const indexesFile = repositoryFile("firestore.indexes.json");
  const firestore = started.use(
    await startFirestore({ ...own("firestore", ports.firestore), indexesFile, tell }),
  );
  const storage = started.use(
    await startStorage({
      ...own("storage", ports.storage),
      tell,
      buckets: callers ? [BUCKET, LOCAL.logsBucket] : [BUCKET],
    }),
  );
  // What is wrong with the file is said at the start already.
  readSecrets(directory, PROJECT);
  const cloudBuild = started.use(
    await startCloudBuild({
      ...own("cloud-build", ports.cloudBuild),
      images: {
        [IMAGE]: agentImage(programs, {
          STORAGE_EMULATOR_HOST: callers ? storage.urlOf(LOCAL.buildCaller) : storage.url,
          ANTHROPIC_BASE_URL: model.url,
          RUNYARD_SANDBOX: sandbox,
          ...unconfined(onlyPrompt),
          TMPDIR: await temporaryDirectory(directory, started),
          ...variables?.builds,
        }),
      },
      secrets: (name) => (name === KEY_SECRET ? model.key : readSecrets(directory, PROJECT)[name]),
      concurrentBuilds,
      publish: publishingTo(pubsub, TOPICS.cloudBuilds),
      readObject: storage.readObject,
      writeObject: storage.writeObject,
    }),
  );
  const clients = {
    FIRESTORE_EMULATOR_HOST: firestore.address,
    PUBSUB_EMULATOR_HOST: pubsub.address,
    STORAGE_EMULATOR_HOST: storage.url,
    CLOUD_BUILD_EMULATOR_HOST: cloudBuild.address,
  };
  const clientsOf = (account: string) => ({
    FIRESTORE_EMULATOR_HOST: firestore.addressOf(account),
    PUBSUB_EMULATOR_HOST: pubsub.addressOf(account),
    STORAGE_EMULATOR_HOST: storage.urlOf(account),
    CLOUD_BUILD_EMULATOR_HOST: cloudBuild.addressOf(account),
  });
  return { clients, clientsOf: callers ? clientsOf : () => clients };
}

/** Says the same to who accepts runs and to who runs them, that may have been accepted earlier. */
const unconfined = (prompt: string | undefined) => ({ RUNYARD_UNCONFINED_PROMPT: prompt ?? "" });

/** The image that builds run: its entrypoint is the runner, its ENV says where the services are. */
function agentImage(programs: Programs, env: Record<string, string>) {
  const { runner } = programs;
  return {
    command:
      typeof runner === "string"
        ? [process.execPath, "--disable-warning=ExperimentalWarning", runner]
        : [...runner],
    env: { ...env, METADATA_SERVER_DETECTION: "none", ...compiledOf(programs) },
  };
}

async function startFunctions(
  { programs, ...options }: Serving,
  { issuer, services }: { issuer: TokenIssuer; services: Promise<Services> },
): Promise<FunctionsHost> {
  const { directory, ports = {}, settings, variables, onlyPrompt, callers, onLog } = options;
  const targets = ["receiveHook", ...PUSHED_FUNCTIONS, "sweep"];
  const last = rememberedPorts(directory);
  const fronts = targets.map((target) => ({
    target,
    port: last[target] ?? 0,
    orAny: true,
    // Hardly ever needed, and each a process of its own.
    lazy: LAZY.includes(target),
  }));
  const host = await startFunctionsHost({
    ...programs.functions,
    functions: [{ target: "api", port: ports.api ?? 0 }, ...fronts],
    env: async (target, urlOf) => ({
      RUNYARD_REQUESTS_PER_MINUTE: String(AS_GOOD_AS_UNLIMITED),
      RUNYARD_FAILURES_PER_MINUTE: String(AS_GOOD_AS_UNLIMITED),
      RUNYARD_SECRET_PREFIXES: JSON.stringify({ [OWNER]: ["runyard-"] }),
      RUNYARD_EVENT_GRANTS: JSON.stringify([{ source: "*", type: "*", owners: ["*"] }]),
      RUNYARD_WEBHOOK_NETS: LOOPBACK_NETS,
      ...settings,
      ...unconfined(onlyPrompt),
      ...(await services).clientsOf(target),
      METADATA_SERVER_DETECTION: "none",
      ...compiledOf(programs),
      GOOGLE_CLOUD_PROJECT: PROJECT,
      RUNYARD_BUCKET: BUCKET,
      RUNYARD_PUBLIC_URL: urlOf("api"),
      RUNYARD_IMAGE: IMAGE,
      RUNYARD_BUILD_SERVICE_ACCOUNT: LOCAL.buildAccount,
      RUNYARD_LOGS_BUCKET: `gs://${callers ? LOCAL.logsBucket : BUCKET}`,
      RUNYARD_MODEL_KEY_SECRET: KEY_SECRET,
      RUNYARD_SECRETS_FILE: secretsFile(directory),
      ...(SEALING.some((name) => name === target) && { RUNYARD_SEAL_KEYS: sealKeysIn(directory) }),
      ...(target === "api" && { RUNYARD_PASS_HOOKS_TO: urlOf("receiveHook") }),
      ...(!PUBLIC.some((name) => name === target) &&
        triggerSettings(target, { url: urlOf(target), ...issuer })),
      ...variables?.functions,
    }),
    ...(onLog && { onLog }),
  });
  const portOf = (target: string) => Number(new URL(host.urlOf(target)).port);
  rememberPorts(directory, Object.fromEntries(targets.map((target) => [target, portOf(target)])));
  return host;
}
