import type {
  Agent as AgentDocument,
  AgentVersion as VersionDocument,
} from "../shared/agent/agent.ts";
import type {
  ConversationWithTurns,
  ListedConversation as Listed,
} from "../shared/api/conversations.ts";
import type { DryRun as DryRunAnswer } from "../shared/api/dry-run.ts";
import type { TriggerTest as TriggerTestAnswer } from "../shared/api/triggers.ts";
import type { Usages } from "../shared/api/usage.ts";
import type { Delivery as DeliveryAnswer } from "../shared/documents/delivery.ts";
import type { Event as EventDocument } from "../shared/documents/event.ts";
import type { Artifact, RunRequest as RequestDocument } from "../shared/documents/run.ts";
import type { RunAnswer } from "../shared/documents/run-answer.ts";
import type { Upload as UploadAnswer } from "../shared/documents/upload.ts";
import type {
  CreateWebhook,
  WebhookWithSecret as SecretAnswer,
  Webhook as WebhookAnswer,
} from "../shared/documents/webhook.ts";
import type { Static } from "../shared/schema/type.ts";
import type { Firing as FiringDocument, TriggerAnswer } from "../shared/triggers/trigger.ts";

export type { CreateAgent } from "../shared/agent/agent.ts";
export type { CreateAgentRun, CreateRun, CreateTurn, Overrides } from "../shared/documents/run.ts";
export type { CreateTrigger } from "../shared/triggers/trigger.ts";
export type { Artifact, CreateWebhook, Usages };

/** A document as JSON has it: its instants are RFC 3339 strings. */
type AsJson<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? AsJson<Item>[]
    : T extends object
      ? { [Key in keyof T]: AsJson<T[Key]> }
      : T;

export type Run = AsJson<RunAnswer>;
export type RunRequest = AsJson<RequestDocument>;
export type RunEvent = AsJson<EventDocument>;
export type Conversation = AsJson<Static<typeof ConversationWithTurns>>;
/** A conversation in their list: without its turns. */
export type ListedConversation = AsJson<Static<typeof Listed>>;
export type Agent = AsJson<AgentDocument>;
export type AgentVersion = AsJson<VersionDocument>;

export type Trigger = AsJson<TriggerAnswer>;
/** What became of an event at a trigger. */
export type Firing = AsJson<FiringDocument>;
export type Webhook = AsJson<WebhookAnswer>;
export type WebhookWithSecret = AsJson<Static<typeof SecretAnswer>>;
/** One event at one webhook. */
export type Delivery = AsJson<DeliveryAnswer>;
/** A JSON merge patch: null removes. */
export type PatchWebhook = { [Name in keyof CreateWebhook]?: CreateWebhook[Name] | null };

/** What an event would come to at a trigger. */
export type TriggerTest = AsJson<TriggerTestAnswer>;

/** What a request for a run would come to. */
export type DryRun = AsJson<DryRunAnswer>;

/** Where a file is to be sent. */
export type Upload = AsJson<UploadAnswer>;

/** What a key can be exchanged for. */
export interface Token {
  /** For `signInWithCustomToken`. */
  token: string;
  /** As whom it signs in. */
  uid: string;
  expiresAt: string;
}
