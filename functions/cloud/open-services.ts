import type { Firestore } from "@google-cloud/firestore";
import { systemClock } from "../../shared/clock.ts";
import { WEBHOOK_LIMITS } from "../../shared/events/webhook-limits.ts";
import type { RandomBytes } from "../../shared/ids.ts";
import { closing } from "../closing.ts";
import type { Config } from "../config.ts";
import { HttpsWebhookSender } from "../events/https-webhook-sender.ts";
import { Turns } from "../events/turns.ts";
import { GithubDeliveries } from "../github/github-deliveries.ts";
import { logOf } from "../log.ts";
import { PushDeliveries } from "../push/push-deliveries.ts";
import { HttpsRepositories } from "../repositories/https-repositories.ts";
import { ThreadedSchemaChecks } from "../schemas/schema-checks.ts";
import type { Services } from "../services/services.ts";
import { ThreadedExpressions } from "../triggers/expressions/expressions.ts";
import { type ClientOf, CloudBuilds, lazyBuildClients } from "./cloud-builds.ts";
import { SignedCustomTokens } from "./custom-tokens.ts";
import { Admission } from "./firestore/admission.ts";
import { FirestoreAgentStore } from "./firestore/agent-store.ts";
import { FirestoreCapacityStore } from "./firestore/capacity-store.ts";
import { databaseOf, openFirestore } from "./firestore/client.ts";
import { FirestoreConversationStore } from "./firestore/conversation-store.ts";
import { FirestoreDeadLetters } from "./firestore/dead-letter-store.ts";
import { FirestoreDeliveryStore } from "./firestore/delivery-store.ts";
import { FirestoreFiringStore } from "./firestore/firing-store.ts";
import { FirestoreKeyStore } from "./firestore/key-store.ts";
import { OwnerDays } from "./firestore/owner-days.ts";
import { FirestoreRunStore } from "./firestore/run-store.ts";
import { FirestoreRunWatch } from "./firestore/run-watch.ts";
import { SlotWrites } from "./firestore/slot-writes.ts";
import { FirestoreTriggerStore } from "./firestore/trigger-store.ts";
import { UsageDays } from "./firestore/usage-days.ts";
import { FirestoreWebhookStore } from "./firestore/webhook-store.ts";
import { VerifiedIdTokens } from "./id-tokens.ts";
import { openKnownSecrets, secretsOf } from "./known-secrets.ts";
import { openTopics, PubsubPublisher, type Topics } from "./publisher.ts";
import { pooledRandom } from "./random.ts";
import { sealingWith } from "./sealing.ts";
import { openSecretValues } from "./secret-values.ts";
import { StorageArtifacts } from "./storage/artifacts.ts";
import { type LazyStorage, lazyStorage } from "./storage/client.ts";
import { StorageEvents } from "./storage/event-objects.ts";
import { StorageObjects } from "./storage/storage-objects.ts";
import { StorageUploads, selfSigning } from "./storage/storage-uploads.ts";
import { openTelemetry } from "./telemetry/telemetry.ts";

/** Google's clients, as far as services reach them. */
export interface Clients {
  firestore: Firestore;
  storage: LazyStorage;
  builds: ClientOf;
  topics: Topics;
}

/** What of a process the services are given. */
export type Surroundings = Pick<
  Services,
  "log" | "telemetry" | "random" | "closing" | "timers" | "now"
>;

/** The real services, where the configuration points their clients. */
export function openServices(config: Config): Services {
  const clients: Clients = {
    firestore: openFirestore(config),
    storage: lazyStorage(config),
    builds: lazyBuildClients(config.builds, config.cloudBuildEmulatorHost),
    topics: openTopics(config),
  };
  const now = () => new Date(systemClock.now());
  const log = logOf(config.projectId);
  return servicesOn(clients, config, {
    log,
    telemetry: openTelemetry(config.telemetry, { log, timers: systemClock }),
    random: pooledRandom(),
    closing,
    timers: systemClock,
    now,
  });
}

/** The services on clients that are open already. */
export function servicesOn(
  { firestore, storage, builds, topics }: Clients,
  config: Config,
  surroundings: Surroundings,
): Services {
  const { timers, now, random, telemetry } = surroundings;
  const database = databaseOf(firestore, timers);
  const days = new OwnerDays(database, config.dailyBudgets);
  const admission = new Admission(database, config.runQuotas, days);
  const chance = () => chanceFrom(random);
  const slots = new SlotWrites(database, chance);
  const usage = new UsageDays(database);
  return {
    ...surroundings,
    chance,
    mostWaiting: config.mostWaiting,
    retention: config.retention,
    runs: new FirestoreRunStore(database, { admission, days, slots, usage, random }),
    conversations: new FirestoreConversationStore(database, admission),
    watch: new FirestoreRunWatch(database),
    agents: new FirestoreAgentStore(database, random),
    triggers: new FirestoreTriggerStore(database, random),
    eventGrants: config.eventGrants,
    expressions: new ThreadedExpressions(timers),
    firings: new FirestoreFiringStore(database, admission),
    usage,
    capacity: new FirestoreCapacityStore(database, { writes: slots, chance, now }),
    keys: new FirestoreKeyStore(database),
    idTokens: new VerifiedIdTokens(config.idTokens),
    customTokens: new SignedCustomTokens(config.customTokens),
    publisher: new PubsubPublisher(topics, { timers, telemetry }),
    eventSource: `//runyard/projects/${config.projectId}`,
    artifacts: new StorageArtifacts(config, storage, timers),
    deadLetters: new FirestoreDeadLetters(database, now),
    objects: new StorageObjects(storage, timers),
    events: new StorageEvents(config, storage, timers),
    uploads: new StorageUploads(config, storage, {
      timers,
      ...(config.customTokens.unsigned && { signing: selfSigning(config) }),
    }),
    builds: new CloudBuilds(config.builds, builds, timers),
    settings: config.builds,
    secretRule: config.secretRule,
    ...secretsIn(config),
    webhooks: new FirestoreWebhookStore(database, random),
    deliveries: new FirestoreDeliveryStore(database),
    ...sendingOf(config),
    sealing: sealingWith(config.sealKeys, random),
    ...deliveringBy(config),
    onlyPrompt: config.onlyPrompt,
    googleClientId: config.googleClientId,
    schemas: new ThreadedSchemaChecks(timers),
    repositories: new HttpsRepositories(),
    publicUrl: config.publicUrl,
  };
}

function deliveringBy({
  github,
  secretsFile,
  projectId,
  commitAuthor,
}: Config): Pick<Services, "repositoryHost" | "pushHosts" | "commitAuthor"> {
  const keyOf = secretsOf(secretsFile, projectId);
  const repositoryHost = new GithubDeliveries(github, { keyOf });
  return { repositoryHost, pushHosts: new PushDeliveries(), commitAuthor };
}

function secretsIn(config: Config): Pick<Services, "secrets" | "secretValues"> {
  const secrets = openKnownSecrets(config.secretsFile, config.projectId);
  return { secrets, secretValues: openSecretValues({ ...config, known: secrets }) };
}

const sendingOf = ({ webhookNets }: Config) => ({
  webhookSender: new HttpsWebhookSender({ nets: webhookNets }),
  webhookTurns: new Turns(WEBHOOK_LIMITS.atOnce),
  webhookNets,
});

/** A random number from 0 to 1. */
function chanceFrom(random: RandomBytes): number {
  const bytes = random(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}
