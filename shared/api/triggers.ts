import { AgentRef } from "../documents/run.ts";
import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { CreateTrigger, FIRING_OUTCOMES, Firing, TriggerAnswer } from "../triggers/trigger.ts";
import { IDEMPOTENCY_KEY } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { pageOf, paging } from "./page.ts";

const ListTriggers = Type.Object(paging, { additionalProperties: false });

/** `GET /v1/triggers/{id}/firings`: the query's parameters. */
export const ListFirings = Type.Object(
  {
    outcome: Type.Optional(
      Type.Enum(FIRING_OUTCOMES, { description: "Only firings of this outcome." }),
    ),
    ...paging,
  },
  { additionalProperties: false },
);

/** What a merge patch may hold; what it makes of the trigger must be as CreateTrigger says. */
const PatchTrigger = Type.Record(Type.String(), Type.Unknown(), {
  description:
    "Members of CreateTrigger; null puts back the default. `source` and `agent` are replaced whole.",
});

/** The body of `POST /v1/triggers/{id}/secret`. */
const RotateSecret = Type.Object(
  {
    secret: Type.Optional(
      Type.String({
        minLength: 16,
        maxLength: 256,
        description: "The one that the sender made. Default: one is made.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** An event to try a trigger on, as CloudEvents has it. */
export const TestEvent = Type.Object(
  {
    id: Type.Optional(Type.String({ minLength: 1 })),
    source: Type.Optional(Type.String({ minLength: 1 })),
    type: Type.Optional(Type.String({ minLength: 1 })),
    subject: Type.Optional(Type.String({ minLength: 1 })),
    time: Type.Optional(Type.String({ minLength: 1 })),
    datacontenttype: Type.Optional(Type.String({ minLength: 1 })),
    data: Type.Optional(Type.Unknown()),
  },
  {
    additionalProperties: Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
    description: "A CloudEvent; what is left out is that of a test. Or name a firing.",
  },
);
export type TestEvent = Static<typeof TestEvent>;

const tried = {
  event: Type.Optional(TestEvent),
  firing: Type.Optional(
    Type.String({ minLength: 1, description: "The id of a firing whose event is tried." }),
  ),
};

/** The body of `POST /v1/triggers/{id}/test`. */
const TryTrigger = Type.Object(tried, { additionalProperties: false });

/** The body of `POST /v1/triggers/test`. */
const TryNewTrigger = Type.Object(
  { trigger: CreateTrigger, ...tried },
  { additionalProperties: false },
);

/** What an event would come to at a trigger; nothing is made. */
export const TriggerTest = Type.Object({
  outcome: Type.Enum(FIRING_OUTCOMES),
  why: nullable(Type.String(), { description: "Why it would start no run. Null: it would." }),
  isOfSource: Type.Boolean({ description: "Whether the trigger would be asked about the event." }),
  matches: nullable(Type.Boolean(), { description: "The filter's value. Null: it failed." }),
  key: nullable(Type.String(), { description: "The dedupe key. Null: it did not match." }),
  conversation: nullable(Type.String(), { description: "The key of its conversation." }),
  prompt: nullable(Type.String(), { description: "As the agent would get it." }),
  agent: nullable(AgentRef, { description: "The version of a stored agent that would run." }),
});
export type TriggerTest = Static<typeof TriggerTest>;

const ETAG = { ETag: "The trigger's revision, for If-Match." } as const;
const ONE = { 200: { description: "The trigger.", schema: TriggerAnswer, headers: ETAG } } as const;
const IF_MATCH = { "If-Match": "The ETag of the trigger as it was read; required." } as const;

export const TRIGGER_OPERATIONS = [
  {
    id: "createTrigger",
    method: "post",
    path: "/v1/triggers",
    tag: "Triggers",
    summary: "Store a trigger; a hook's secret is shown in this answer alone",
    access: "run",
    headers: IDEMPOTENCY_KEY,
    body: CreateTrigger,
    answers: {
      201: {
        description: "Stored.",
        schema: TriggerAnswer,
        headers: {
          ...ETAG,
          Location: "The trigger's path.",
          "Idempotency-Replayed": "true: it was there already; its secret is not shown again.",
        },
      },
    },
    problems: ["idempotency_key_reused", "conflict", "agent_archived", "limit_reached"],
  },
  {
    id: "testNewTrigger",
    method: "post",
    path: "/v1/triggers/test",
    tag: "Triggers",
    summary: "Try a trigger that is not stored on an event; nothing is made",
    access: "run",
    body: TryNewTrigger,
    answers: { 200: { description: "What would become of it.", schema: TriggerTest } },
    problems: ["not_found", "conflict", "agent_archived"],
  },
  {
    id: "listTriggers",
    method: "get",
    path: "/v1/triggers",
    tag: "Triggers",
    summary: "List triggers, newest first",
    access: "read",
    query: ListTriggers,
    answers: { 200: { description: "A page of triggers.", schema: pageOf(TriggerAnswer) } },
    problems: ["invalid"],
  },
  {
    id: "getTrigger",
    method: "get",
    path: "/v1/triggers/{id}",
    tag: "Triggers",
    summary: "Get a trigger",
    access: "read",
    answers: ONE,
    problems: ["not_found"],
  },
  {
    id: "patchTrigger",
    method: "patch",
    path: "/v1/triggers/{id}",
    tag: "Triggers",
    summary:
      "Change a trigger by a JSON merge patch; `enabled` true resumes one that paused itself",
    access: "run",
    headers: IF_MATCH,
    body: PatchTrigger,
    bodyType: "application/merge-patch+json",
    answers: ONE,
    problems: [
      "not_found",
      "conflict",
      "agent_archived",
      "precondition_failed",
      "precondition_required",
    ],
  },
  {
    id: "deleteTrigger",
    method: "delete",
    path: "/v1/triggers/{id}",
    tag: "Triggers",
    summary: "Delete a trigger; its runs and, for 30 days, its firings stay",
    access: "run",
    answers: { 204: { description: "Deleted." } },
    problems: ["not_found"],
  },
  {
    id: "rotateTriggerSecret",
    method: "post",
    path: "/v1/triggers/{id}/secret",
    tag: "Triggers",
    summary: "Give a hook a new secret; the one of before is taken for 24 hours more",
    access: "run",
    body: RotateSecret,
    isBodyOptional: true,
    answers: ONE,
    problems: ["not_found", "conflict"],
  },
  {
    id: "testTrigger",
    method: "post",
    path: "/v1/triggers/{id}/test",
    tag: "Triggers",
    summary: "Try a trigger on an event or on that of a firing; nothing is made",
    access: "run",
    body: TryTrigger,
    isBodyOptional: true,
    answers: { 200: { description: "What would become of it.", schema: TriggerTest } },
    problems: ["not_found", "conflict", "agent_archived"],
  },
  {
    id: "listFirings",
    method: "get",
    path: "/v1/triggers/{id}/firings",
    tag: "Triggers",
    summary: "List what became of a trigger's events, newest first, for 30 days",
    access: "read",
    query: ListFirings,
    answers: { 200: { description: "A page of firings.", schema: pageOf(Firing) } },
    problems: ["not_found", "invalid"],
  },
  {
    id: "redeliverFiring",
    method: "post",
    path: "/v1/triggers/{id}/firings/{firing}/redeliver",
    tag: "Triggers",
    summary: "Ask a trigger once more about the event of a firing, of itself or of another trigger",
    access: "run",
    headers: IDEMPOTENCY_KEY,
    answers: { 200: { description: "The firing that came of it.", schema: Firing } },
    problems: ["not_found", "conflict"],
  },
] as const satisfies readonly Operation[];
