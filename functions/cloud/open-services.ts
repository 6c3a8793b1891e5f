import { randomBytes } from "node:crypto";
import { systemClock } from "../../shared/clock.ts";
import { closing } from "../closing.ts";
import type { Config } from "../config.ts";
import { log } from "../log.ts";
import type { Services } from "../services/services.ts";
import { CloudBuilds, lazyBuildClient } from "./cloud-builds.ts";
import { SignedCustomTokens } from "./custom-tokens.ts";
import { openAdmission } from "./firestore/admission.ts";
import { FirestoreAgentStore } from "./firestore/agent-store.ts";
import { openDatabase } from "./firestore/client.ts";
import { FirestoreConversationStore } from "./firestore/conversation-store.ts";
import { FirestoreKeyStore } from "./firestore/key-store.ts";
import { FirestoreRunStore } from "./firestore/run-store.ts";
import { FirestoreRunWatch } from "./firestore/run-watch.ts";
import { VerifiedIdTokens } from "./id-tokens.ts";
import { openRunRequests, PubsubPublisher } from "./publisher.ts";
import { StorageArtifacts } from "./storage/artifacts.ts";
import { lazyStorage } from "./storage/client.ts";
import { StorageObjects } from "./storage/storage-objects.ts";

/** The real services, where the configuration points their clients. */
export function openServices(config: Config): Services {
  const timers = systemClock;
  const database = openDatabase(config, timers);
  const admission = openAdmission(database, config.runQuotas);
  const storage = lazyStorage(config);
  const buildClient = lazyBuildClient(config.builds, config.cloudBuildEmulatorHost);
  return {
    runs: new FirestoreRunStore(database, admission),
    conversations: new FirestoreConversationStore(database, admission),
    watch: new FirestoreRunWatch(database),
    agents: new FirestoreAgentStore(database),
    keys: new FirestoreKeyStore(database),
    idTokens: new VerifiedIdTokens(config.idTokens),
    customTokens: new SignedCustomTokens(config.customTokens),
    publisher: new PubsubPublisher(openRunRequests(config), timers),
    artifacts: new StorageArtifacts(config, storage, timers),
    objects: new StorageObjects(storage, timers),
    builds: new CloudBuilds(config.builds, buildClient, timers),
    settings: config.builds,
    secretRule: config.secretRule,
    publicUrl: config.publicUrl,
    log,
    now: () => new Date(systemClock.now()),
    timers,
    random: randomBytes,
    closing,
  };
}
