import type {
  Agent,
  AgentVersion,
  Artifact,
  Delivery,
  DryRun,
  Firing,
  ListedConversation,
  Run,
  RunEvent,
  Trigger,
  TriggerTest,
  Usages,
  Webhook,
} from "../client/types.ts";
import { usageFault } from "./failure.ts";
import { jsonLine, oneLine } from "./terminal.ts";

/** Names of the fields of what a command prints as JSON: each of `T`, and no other. */
type FieldsOf<T> = Record<keyof T, true>;

export const RUN_FIELDS: FieldsOf<Run> = {
  id: true,
  schemaVersion: true,
  owner: true,
  status: true,
  done: true,
  why: true,
  promptPreview: true,
  agent: true,
  conversation: true,
  parentRunId: true,
  labels: true,
  labelPairs: true,
  attempt: true,
  progress: true,
  queue: true,
  verdict: true,
  output: true,
  error: true,
  usage: true,
  changes: true,
  phases: true,
  checkpoint: true,
  artifacts: true,
  repository: true,
  repositories: true,
  pullRequestUrls: true,
  isolation: true,
  history: true,
  createdAt: true,
  updatedAt: true,
  finishedAt: true,
  archivedAt: true,
};

export const WEBHOOK_FIELDS: FieldsOf<Webhook> = {
  id: true,
  schemaVersion: true,
  owner: true,
  revision: true,
  url: true,
  events: true,
  format: true,
  agent: true,
  labels: true,
  description: true,
  headers: true,
  enabled: true,
  disabledWhy: true,
  failingSince: true,
  nextProbeAt: true,
  previousSecretUntil: true,
  createdAt: true,
  updatedAt: true,
};

export const DELIVERY_FIELDS: FieldsOf<Delivery> = {
  id: true,
  webhookId: true,
  runId: true,
  event: true,
  status: true,
  attempts: true,
  nextAttemptAt: true,
  body: true,
  log: true,
  createdAt: true,
};

export const EVENT_FIELDS: FieldsOf<RunEvent> = {
  id: true,
  schemaVersion: true,
  owner: true,
  runId: true,
  at: true,
  expireAt: true,
  event: true,
};

export const CONVERSATION_FIELDS: FieldsOf<ListedConversation> = {
  id: true,
  schemaVersion: true,
  owner: true,
  turns: true,
  activeRun: true,
  queue: true,
  lastRun: true,
  agent: true,
  createdAt: true,
  updatedAt: true,
  last: true,
};

export const DRY_RUN_FIELDS: FieldsOf<DryRun> = {
  valid: true,
  agent: true,
  maxCostUsd: true,
  queue: true,
  usually: true,
  repository: true,
  repositories: true,
};

export const AGENT_FIELDS: FieldsOf<Agent> = {
  id: true,
  schemaVersion: true,
  owner: true,
  version: true,
  revision: true,
  name: true,
  labels: true,
  settings: true,
  archivedAt: true,
  createdAt: true,
  updatedAt: true,
};

export const VERSION_FIELDS: FieldsOf<AgentVersion> = {
  agentId: true,
  schemaVersion: true,
  owner: true,
  version: true,
  name: true,
  labels: true,
  settings: true,
  createdAt: true,
};

export const TRIGGER_FIELDS: FieldsOf<Trigger> = {
  id: true,
  schemaVersion: true,
  owner: true,
  revision: true,
  name: true,
  source: true,
  filter: true,
  prompt: true,
  agent: true,
  labels: true,
  dedupe: true,
  conversation: true,
  overlap: true,
  limits: true,
  enabled: true,
  pausedWhy: true,
  dueAt: true,
  hook: true,
  secret: true,
  today: true,
  createdAt: true,
  updatedAt: true,
};

export const FIRING_FIELDS: FieldsOf<Firing> = {
  id: true,
  schemaVersion: true,
  owner: true,
  triggerId: true,
  revision: true,
  event: true,
  outcome: true,
  why: true,
  key: true,
  runId: true,
  redeliveryOf: true,
  depth: true,
  duplicates: true,
  createdAt: true,
  expireAt: true,
};

export const TEST_FIELDS: FieldsOf<TriggerTest> = {
  outcome: true,
  why: true,
  isOfSource: true,
  matches: true,
  key: true,
  conversation: true,
  prompt: true,
  agent: true,
};

export const ARTIFACT_FIELDS: FieldsOf<Artifact> = {
  name: true,
  uri: true,
  contentType: true,
  sizeBytes: true,
  sha256: true,
};

export const USAGE_FIELDS: FieldsOf<Usages["items"][number]> = {
  key: true,
  isRest: true,
  runs: true,
  costUsd: true,
  inputTokens: true,
  outputTokens: true,
  phases: true,
  statuses: true,
};

/** Prints an object as a line of JSON on standard output, with the fields that are wanted. */
export type JsonPrinter = (value: object) => void;

/**
 * What `--json` or `--json=a,b` asks for.
 *
 * @param given undefined: it is not there; empty: all fields
 * @throws {Failure} that names the field that there is not, and those that there are
 */
export function jsonPrinter(
  given: string | undefined,
  known: Readonly<Record<string, true>>,
): JsonPrinter | undefined {
  if (given === undefined) return undefined;
  const wanted = given.split(",").map((field) => field.trim());
  const fields = given === "" ? undefined : wanted;
  const unknown = fields?.find((field) => !Object.hasOwn(known, field));
  if (unknown !== undefined) {
    const all = Object.keys(known).join(", ");
    throw usageFault(
      `--json: there is no field ${oneLine(unknown) || "without a name"}; there are ${all}`,
    );
  }
  return (value) => void process.stdout.write(`${jsonLine(picked(value, fields))}\n`);
}

function picked(value: object, fields: readonly string[] | undefined): object {
  if (fields === undefined) return value;
  const all = value as Record<string, unknown>;
  return Object.fromEntries(fields.map((field) => [field, all[field] ?? null]));
}
