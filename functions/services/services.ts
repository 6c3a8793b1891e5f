import type { SecretRule } from "../../shared/agent/environment.ts";
import type { BuildSettings } from "../../shared/attempt/build-plan.ts";
import type { Clock } from "../../shared/clock.ts";
import type { CommitAuthor } from "../../shared/documents/deliver.ts";
import type { WebhookNet } from "../../shared/events/target.ts";
import type { RandomBytes } from "../../shared/ids.ts";
import type { RetentionTable } from "../../shared/run/retention.ts";
import type { EventGrant } from "../../shared/triggers/grants.ts";
import type { Log } from "../log.ts";
import type { AgentStore } from "./agents.ts";
import type { Builds, Publisher } from "./builds.ts";
import type { CustomTokens, IdTokens, KeyStore } from "./callers.ts";
import type { CapacityStore } from "./capacity.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { EventObjects } from "./event-objects.ts";
import type { Expressions } from "./expressions.ts";
import type { FiringStore } from "./firings.ts";
import type { Artifacts, StoredObjects } from "./objects.ts";
import type { PushHosts } from "./push-hosts.ts";
import type { Repositories } from "./repositories.ts";
import type { RepositoryHost } from "./repository-host.ts";
import type { ConversationStore, RunStore, RunWatch } from "./runs.ts";
import type { SchemaChecks } from "./schemas.ts";
import type { Sealing } from "./sealing.ts";
import type { KnownSecrets, SecretValues } from "./secrets.ts";
import type { Telemetry } from "./telemetry.ts";
import type { TriggerStore } from "./triggers.ts";
import type { Uploads } from "./uploads.ts";
import type { UsageStore } from "./usage.ts";
import type { DeliveryStore, WebhookSender, WebhookStore, WebhookTurns } from "./webhooks.ts";

/**
 * Everything outside a handler that it may touch, in our own words. `functions/cloud` has the real
 * ones; tests hand in others.
 */
export interface Services {
  runs: RunStore;
  /** See `Config`. */
  retention: RetentionTable;
  conversations: ConversationStore;
  watch: RunWatch;
  agents: AgentStore;
  triggers: TriggerStore;
  expressions: Expressions;
  /** See `Config`. */
  eventGrants: readonly EventGrant[];
  firings: FiringStore;
  capacity: CapacityStore;
  usage: UsageStore;
  /** See `Config`. */
  mostWaiting: number;
  keys: KeyStore;
  idTokens: IdTokens;
  customTokens: CustomTokens;
  /** See `Config`. */
  googleClientId: string | undefined;
  publisher: Publisher;
  /** CloudEvents' `source` of what this project tells. */
  eventSource: string;
  artifacts: Artifacts;
  objects: StoredObjects;
  events: EventObjects;
  uploads: Uploads;
  deadLetters: DeadLetters;
  repositoryHost: RepositoryHost;
  pushHosts: PushHosts;
  /** See `Config`. */
  commitAuthor: CommitAuthor | undefined;
  builds: Builds;
  settings: BuildSettings;
  /** The secrets that agents may name. */
  secretRule: SecretRule;
  secrets: KnownSecrets;
  secretValues: SecretValues;
  sealing: Sealing;
  webhooks: WebhookStore;
  deliveries: DeliveryStore;
  webhookSender: WebhookSender;
  webhookTurns: WebhookTurns;
  /** See `Config`. */
  webhookNets: readonly WebhookNet[];
  /** See `Config`. */
  onlyPrompt: string | undefined;
  schemas: SchemaChecks;
  repositories: Repositories;
  /** The API's address as builds reach it. */
  publicUrl: string;
  log: Log;
  telemetry: Telemetry;
  now(): Date;
  /** What happens later. */
  timers: Timers;
  random: RandomBytes;
  /** A random number from 0 to 1, for what is to be spread. */
  chance(): number;
  /** Aborts when the process is told to end. */
  closing: AbortSignal;
}

/** A clock's timers. */
type Timers = Pick<Clock, "after" | "every">;
