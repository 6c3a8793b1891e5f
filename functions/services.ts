import { randomBytes } from "node:crypto";
import type { BuildSettings } from "../shared/build-plan.ts";
import type { RandomBytes } from "../shared/ids.ts";
import { Artifacts } from "./cloud/artifacts.ts";
import { Builds } from "./cloud/builds.ts";
import { Publisher } from "./cloud/publisher.ts";
import { RunStore } from "./cloud/run-store.ts";
import type { Config } from "./config.ts";
import { type Log, log } from "./log.ts";

/** Everything outside a handler that it may touch. Tests hand in others. */
export interface Services {
  runs: RunStore;
  publisher: Publisher;
  artifacts: Artifacts;
  builds: Builds;
  settings: BuildSettings;
  /** The API's address as builds reach it. */
  publicUrl: string;
  log: Log;
  now(): Date;
  random: RandomBytes;
}

/** The real ones, where the configuration points them. */
export function openServices(config: Config): Services {
  return {
    runs: new RunStore(config),
    publisher: new Publisher(config),
    artifacts: new Artifacts(config),
    builds: new Builds(config.builds, config.cloudBuildEmulatorHost),
    settings: config.builds,
    publicUrl: config.publicUrl,
    log,
    now: () => new Date(),
    random: randomBytes,
  };
}
