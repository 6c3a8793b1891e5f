import { randomBytes } from "node:crypto";
import type { SecretRule } from "../shared/agent/environment.ts";
import type { BuildSettings } from "../shared/attempt/build-plan.ts";
import type { RandomBytes } from "../shared/ids.ts";
import { closing } from "./closing.ts";
import { Builds } from "./cloud/builds.ts";
import { CustomTokens } from "./cloud/custom-tokens.ts";
import { openAdmission } from "./cloud/firestore/admission.ts";
import { AgentStore } from "./cloud/firestore/agent-store.ts";
import { openFirestore } from "./cloud/firestore/client.ts";
import { KeyStore } from "./cloud/firestore/key-store.ts";
import { RunStore } from "./cloud/firestore/run-store.ts";
import { RunWatch } from "./cloud/firestore/run-watch.ts";
import { IdTokens } from "./cloud/id-tokens.ts";
import { Publisher } from "./cloud/publisher.ts";
import { Artifacts } from "./cloud/storage/artifacts.ts";
import { lazyStorage } from "./cloud/storage/client.ts";
import { StoredObjects } from "./cloud/storage/stored-objects.ts";
import type { Config } from "./config.ts";
import { type Log, log } from "./log.ts";

/** Everything outside a handler that it may touch. Tests hand in others. */
export interface Services {
  runs: RunStore;
  watch: RunWatch;
  agents: AgentStore;
  keys: KeyStore;
  idTokens: IdTokens;
  customTokens: CustomTokens;
  publisher: Publisher;
  artifacts: Artifacts;
  objects: StoredObjects;
  builds: Builds;
  settings: BuildSettings;
  /** The secrets that agents may name. */
  secretRule: SecretRule;
  /** The API's address as builds reach it. */
  publicUrl: string;
  log: Log;
  now(): Date;
  random: RandomBytes;
  /** Aborts when the process is told to end. */
  closing: AbortSignal;
}

/** The real ones, where the configuration points them. */
export function openServices(config: Config): Services {
  const firestore = openFirestore(config);
  const storage = lazyStorage(config);
  return {
    runs: new RunStore(firestore, openAdmission(firestore, config.runQuotas)),
    watch: new RunWatch(firestore),
    agents: new AgentStore(firestore),
    keys: new KeyStore(firestore),
    idTokens: new IdTokens(config.idTokens),
    customTokens: new CustomTokens(config.customTokens),
    publisher: new Publisher(config),
    artifacts: new Artifacts(config, storage),
    objects: new StoredObjects(storage),
    builds: new Builds(config.builds, config.cloudBuildEmulatorHost),
    settings: config.builds,
    secretRule: config.secretRule,
    publicUrl: config.publicUrl,
    log,
    now: () => new Date(),
    random: randomBytes,
    closing,
  };
}
