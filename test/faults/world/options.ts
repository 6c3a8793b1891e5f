import { createRequire } from "node:module";
import type { Config } from "../../../functions/config.ts";
import { readIndexCatalog } from "../../../infra/emulators/firestore/index-catalog.ts";
import type { BuildWeather } from "./cloud-build.ts";
import type { MessageFate } from "./delivery.ts";
import type { Plan } from "./fate.ts";
import type { Revision } from "./revision.ts";
import type { VirtualTime } from "./virtual-time.ts";

export const PROJECT = "proof";
export const BUCKET = "bucket";
/** The indexes that there are; a query without one is refused. */
export const CATALOG = readIndexCatalog(
  createRequire(import.meta.url).resolve("../../../firestore.indexes.json"),
);

/** The topics whose messages may go astray. */
export type TopicName = "run-requests" | "cloud-builds";
/** Those that only a world of events has. */
export type EventTopicName =
  | "trigger-events"
  | "trigger-fires"
  | "run-events"
  | "webhook-deliveries"
  | "run-deliveries";

export interface WorldOptions {
  seed: number;
  /** When it begins. Default: a noon in January. */
  start?: Date;
  /** What befalls each call. Default: nothing. */
  plan?: Plan;
  /** What befalls each message. Default: nothing. */
  messageFate?: (
    topic: TopicName | EventTopicName,
    data: Buffer,
    time: VirtualTime,
  ) => MessageFate | undefined;
  weather?: Partial<BuildWeather>;
  /** Builds that may be live at a time. Default: more than any world has runs. */
  slots?: number;
  /** Whether they are there from the beginning. Default: no, the first run has them made. */
  areSlotsMade?: boolean;
  /** What the target is told that it may create. Default: 60. */
  createsPerMinute?: number;
  /** By how much the clock of a new process is wrong, in seconds. Default: 0. */
  skewSeconds?: (time: VirtualTime) => number;
  /** Whether a sweep begins; called each minute. Default: yes. */
  isSwept?: (time: VirtualTime) => boolean;
  /** Seconds from a build's beginning to its runner's. */
  startSeconds?: readonly [least: number, most: number];
  /** Whether runners reach the API. Default: yes. */
  hearsReports?: boolean;
  /** Variables of the functions' configuration. */
  env?: Record<string, string>;
  /**
   * Which revision of the functions a new process runs. Default: this one. Where several do, what
   * only this one promises is not held to.
   */
  revisionOf?: (time: VirtualTime) => Revision;
  /** Whether each line of the trace is kept. */
  isTraced?: boolean;
}

/** The configuration of the functions in every world. */
const ENV = {
  GOOGLE_CLOUD_PROJECT: PROJECT,
  RUNYARD_BUCKET: BUCKET,
  RUNYARD_PUBLIC_URL: "http://api",
  RUNYARD_IMAGE: "agent",
  RUNYARD_BUILD_SERVICE_ACCOUNT: `projects/${PROJECT}/serviceAccounts/a@b.iam.gserviceaccount.com`,
  RUNYARD_LOGS_BUCKET: "gs://logs",
  RUNYARD_MODEL_KEY_SECRET: "projects/proof/secrets/key/versions/1",
  FUNCTION_TARGET: "api",
};

/** As a revision reads it, with variables of a world's own. */
export const configOf = ({ readConfig }: Revision, env: Record<string, string> = {}): Config =>
  readConfig({ ...ENV, ...env });
