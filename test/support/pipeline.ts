import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudBuildClient } from "@google-cloud/cloudbuild";
import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";
import { grpc } from "google-gax";
import { openServices } from "../../functions/cloud/open-services.ts";
import { type Config, readConfig } from "../../functions/config.ts";
import type { Services } from "../../functions/services/services.ts";
import {
  type CloudBuildOptions,
  startCloudBuild,
} from "../../infra/emulators/cloud-build/start.ts";
import { startFirestore } from "../../infra/emulators/firestore/start.ts";
import { startPubsub } from "../../infra/emulators/pubsub/start.ts";
import { startStorage } from "../../infra/emulators/storage/start.ts";
import type { AgentSettings } from "../../shared/agent/settings.ts";
import { newTarget } from "../../shared/capacity/target.ts";
import { newNonce, newUuid, runId } from "../../shared/ids.ts";
import { TOPICS } from "../../shared/names.ts";
import { acceptRun } from "../../shared/run/accept.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import { setVariables } from "./environment.ts";
import { makeOrder } from "./make-run.ts";

const PROJECT = "pipeline";
/** Where all its runs were accepted. */
export const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** The handlers' services on a stand-in of their own, without the functions around them. */
export interface Pipeline extends AsyncDisposable {
  services: Services;
  config: Config;
  /** A `build` message as Cloud Build published it, in order. */
  messages: { id: string; status: string }[];
  /** What the handlers logged. */
  log: string[];
  /** Writes a run as the API does, without publishing it. */
  accept(prompt?: string, settings?: AgentSettings, owner?: string): Promise<RunRecord>;
  /** The same under an id that a run had before. */
  acceptAs(id: string): Promise<RunRecord>;
  record(id: string): Promise<RunRecord>;
  /** Every build of the project, newest first. */
  builds(): Promise<{ id: string; status: string; tags: string[] }[]>;
}

async function createTopics(apiEndpoint: string): Promise<void> {
  const pubsub = new PubSub({ projectId: PROJECT, apiEndpoint, emulatorMode: true });
  const { runRequests, runEvents, runDeliveries, webhookDeliveries } = TOPICS;
  for (const topic of [runRequests, runEvents, runDeliveries, webhookDeliveries]) {
    const [{ name }] = await pubsub.createTopic(topic);
    await pubsub.topic(name).createSubscription(topic);
  }
  await pubsub.close();
}

async function storeTarget(slots: number): Promise<void> {
  const target = newTarget({
    id: "test",
    projectId: PROJECT,
    location: "us-central1",
    slots: { E2_STANDARD_2: slots },
    createsPerMinute: 6000,
  });
  const firestore = new Firestore({ projectId: PROJECT });
  await firestore.doc(`targets/${target.id}`).set(target);
  await firestore.terminate();
}

/** The image of the tests: a shell that runs `script` with the step's one argument. */
export function shellImage(script: string): CloudBuildOptions["images"] {
  return { agent: { command: ["sh", "-c", script], env: { PATH: "/usr/bin:/bin" } } };
}

export async function startPipeline({
  env = {},
  slots = 10,
  ...options
}: Partial<
  Pick<CloudBuildOptions, "images" | "secrets" | "createsPerMinute" | "concurrentBuilds">
> & {
  /** Variables of `functions/config.ts` beside those that it must have. */
  env?: Record<string, string>;
  /**
   * Builds that may be live at a time; default 10: the first submission makes each of their slots.
   */
  slots?: number;
} = {}): Promise<Pipeline> {
  const stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "pipeline-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const part = (name: string) => ({ directory: join(directory, name) });
  const indexesFile = join(import.meta.dirname, "../../firestore.indexes.json");
  const firestore = stack.use(await startFirestore({ ...part("firestore"), indexesFile }));
  const storage = stack.use(await startStorage({ ...part("storage"), buckets: ["bucket"] }));
  const pubsub = stack.use(await startPubsub(part("pubsub")));
  const messages: Pipeline["messages"] = [];
  const cloudBuild = stack.use(
    await startCloudBuild({
      ...part("cloud-build"),
      images: shellImage("exit 0"),
      secrets: { "projects/p/secrets/key/versions/1": "secret" },
      ...options,
      publish: (_project, { data }) => void messages.push(JSON.parse(data.toString())),
      readObject: storage.readObject,
      writeObject: storage.writeObject,
    }),
  );
  // The clients read these when they are made.
  stack.defer(
    setVariables({
      FIRESTORE_EMULATOR_HOST: firestore.address,
      PUBSUB_EMULATOR_HOST: pubsub.address,
      STORAGE_EMULATOR_HOST: storage.url,
    }),
  );
  const config = readConfig({
    GOOGLE_CLOUD_PROJECT: PROJECT,
    RUNYARD_BUCKET: "bucket",
    RUNYARD_PUBLIC_URL: "http://127.0.0.1:9",
    RUNYARD_IMAGE: "agent",
    RUNYARD_BUILD_SERVICE_ACCOUNT: `projects/${PROJECT}/serviceAccounts/a@b.iam.gserviceaccount.com`,
    RUNYARD_LOGS_BUCKET: "gs://bucket",
    RUNYARD_MODEL_KEY_SECRET: "projects/p/secrets/key/versions/1",
    RUNYARD_TRIGGER_AUTH: "oidc",
    RUNYARD_TRIGGER_AUDIENCE: "https://functions.example.com",
    RUNYARD_TRIGGER_ACCOUNTS: "push@b.iam.gserviceaccount.com",
    CLOUD_BUILD_EMULATOR_HOST: cloudBuild.address,
    FIRESTORE_EMULATOR_HOST: firestore.address,
    RUNYARD_SEAL_KEYS: randomBytes(32).toString("base64"),
    RUNYARD_WEBHOOK_NETS: "127.0.0.0/8:*",
    ...env,
  });
  await createTopics(pubsub.address);
  await storeTarget(slots);
  const log: string[] = [];
  const services = {
    ...openServices(config),
    log: (severity: string, message: string) => void log.push(`${severity} ${message}`),
  };
  const builds = new CloudBuildClient({
    projectId: PROJECT,
    apiEndpoint: "127.0.0.1",
    port: cloudBuild.port,
    sslCreds: grpc.credentials.createInsecure(),
  });
  stack.defer(() => builds.close());
  const record = async (id: string) => (await services.runs.getRecord(id)) as RunRecord;
  const accept = async (
    id: string,
    { prompt, settings, owner }: { prompt: string; settings: AgentSettings; owner: string },
  ) => {
    const accepted = acceptRun(makeOrder({ prompt, settings }), {
      id,
      owner,
      nonce: newNonce(randomBytes),
      sessionId: newUuid(randomBytes),
      requestHash: "hash",
      writer: newNonce(randomBytes),
      now: new Date(),
      trace: TRACE,
    });
    await services.runs.create(accepted);
    return record(id);
  };
  return {
    services,
    config,
    messages,
    log,
    record,
    accept: (prompt = "Do it", settings = {}, owner = "owner") =>
      accept(runId(randomBytes(16)), { prompt, settings, owner }),
    acceptAs: (id) => accept(id, { prompt: "Do it", settings: {}, owner: "owner" }),
    async builds() {
      const parent = `projects/${PROJECT}/locations/us-central1`;
      const [found] = await builds.listBuilds({ parent, projectId: PROJECT });
      return found.map(({ id, status, tags }) => ({
        id: id ?? "",
        status: String(status),
        tags: tags ?? [],
      }));
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
