import { Agent, AgentVersion, CreateAgent } from "../../agent/agent.ts";
import { ArtifactPatterns } from "../../agent/artifacts.ts";
import { Check, OnFailure } from "../../agent/checks.ts";
import { Repository } from "../../agent/repository.ts";
import { SecretReference } from "../../agent/secret-reference.ts";
import { AgentSettings, McpServer } from "../../agent/settings.ts";
import { Deliver, RepositoryResult } from "../../documents/deliver.ts";
import { Delivery } from "../../documents/delivery.ts";
import { AgentEvent, Event, ReportProgress } from "../../documents/event.ts";
import { GivenFiles, GivenWorkspace } from "../../documents/files.ts";
import { ChangedFile } from "../../documents/manifest.ts";
import {
  AgentRef,
  Artifact,
  CreateAgentRun,
  CreateRun,
  CreateTurn,
  Overrides,
  RunError,
  RunRequest,
  Usage,
} from "../../documents/run.ts";
import { RunAnswer } from "../../documents/run-answer.ts";
import {
  CreateWebhook,
  Webhook,
  WebhookEvents,
  WebhookWithSecret,
} from "../../documents/webhook.ts";
import { Labels } from "../../schema/schema.ts";
import { TriggerSource } from "../../triggers/source.ts";
import { CreateTrigger, Firing, TriggerAnswer } from "../../triggers/trigger.ts";
import { ConversationWithTurns } from "../conversations.ts";
import { DryRun } from "../dry-run.ts";
import { LegacyAgent, LegacyAgentContent, LegacyError } from "../legacy.ts";
import { Problem } from "../problem.ts";
import { TestEvent, TriggerTest } from "../triggers.ts";
import type { JsonSchema } from "./types.ts";

/** Schemas that the document names; every other one stands where it is used. */
const NAMED: Readonly<Record<string, object>> = {
  Run: RunAnswer,
  CreateRun,
  CreateTurn,
  CreateAgentRun,
  GivenFiles,
  GivenWorkspace,
  Deliver,
  RepositoryResult,
  DryRun,
  Overrides,
  RunRequest,
  ReportProgress,
  RunError,
  Usage,
  Artifact,
  ChangedFile,
  Labels,
  Conversation: ConversationWithTurns,
  Agent,
  AgentVersion,
  AgentRef,
  CreateAgent,
  AgentSettings,
  McpServer,
  Repository,
  SecretReference,
  Check,
  OnFailure,
  ArtifactPatterns,
  Trigger: TriggerAnswer,
  CreateTrigger,
  TestEvent,
  TriggerTest,
  TriggerSource,
  Firing,
  CreateWebhook,
  Webhook,
  WebhookWithSecret,
  WebhookEvents,
  Delivery,
  LegacyAgent,
  LegacyAgentContent,
  LegacyError,
  Event,
  AgentEvent,
  Problem,
};

const PREFIX = "#/components/schemas/";

/** `schema` as it stands in the document, with references to named ones in the place of these. */
export function published(schema: object): JsonSchema {
  const name = Object.keys(NAMED).find((key) => isSame(NAMED[key] as object, schema));
  return name === undefined ? spelledOut(schema) : { $ref: `${PREFIX}${name}` };
}

/**
 * The named schemas that `part` of the document refers to, and those that they refer to, by name.
 */
export function referredSchemas(part: object): Record<string, JsonSchema> {
  const found = new Map<string, JsonSchema>();
  const visit = (value: unknown) => {
    for (const name of namesIn(value)) {
      if (found.has(name)) continue;
      const schema = spelledOut(NAMED[name] as object);
      found.set(name, schema);
      visit(schema);
    }
  };
  visit(part);
  const inOrder = Object.keys(NAMED).filter((name) => found.has(name));
  return Object.fromEntries(inOrder.map((name) => [name, found.get(name) as JsonSchema]));
}

/** `Type.Optional` copies a schema, so the two are compared by what they are made of. */
function isSame(one: object, other: object): boolean {
  const entries = Object.entries(one);
  return (
    entries.length === Object.keys(other).length &&
    entries.every(([key, value]) => (other as JsonSchema)[key] === value)
  );
}

function spelledOut(schema: object): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]: [string, unknown]) => [key, inner(value)]),
  );
}

function inner(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inner);
  return typeof value === "object" && value !== null ? published(value) : value;
}

function namesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) =>
    key === "$ref" && String(item).startsWith(PREFIX)
      ? [String(item).slice(PREFIX.length)]
      : namesIn(item),
  );
}
