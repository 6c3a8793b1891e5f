import { AgentChoice } from "../documents/agent-choice.ts";
import { Instant, Labels, nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { TriggerSource } from "./source.ts";

/** What happens while a run of the same lane is not over. */
const Overlap = Type.Enum(["allow", "skip", "queue", "cancel"], {
  description:
    "What becomes of an event while a run of the trigger, or of the same conversation, is not over: it runs beside it, is dropped, waits, or ends it first. Default: allow.",
});

const runsPerHour = Type.Integer({ minimum: 1, maximum: 10_000 });
const runsPerDay = Type.Integer({ minimum: 1, maximum: 100_000 });
const usdPerDay = Type.Number({ exclusiveMinimum: 0, maximum: 100_000 });

/** Most runs in a clock hour and in a day (UTC), and most dollars in a day. */
const TriggerLimits = Type.Object(
  { runsPerHour, runsPerDay, usdPerDay: Type.Optional(usdPerDay) },
  { additionalProperties: false },
);
export type TriggerLimits = Static<typeof TriggerLimits>;

/** The same as a caller writes them. */
const SomeLimits = Type.Object(
  {
    runsPerHour: Type.Optional(runsPerHour),
    runsPerDay: Type.Optional(runsPerDay),
    usdPerDay: Type.Optional(usdPerDay),
  },
  {
    additionalProperties: false,
    description:
      "Most runs in a clock hour and in a day (UTC), and most USD in a day. Default: 60, 500, no bound but the owner's.",
  },
);

const name = Type.String({
  minLength: 1,
  maxLength: 100,
  ...formed({ pattern: "\\S", form: "a name that is not blank", example: "nightly" }),
});
const filter = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: "CEL over `event`. Default: each event matches.",
  examples: ["event.data.action == 'opened'"],
});
const prompt = Type.String({
  minLength: 1,
  maxLength: 16_384,
  description: "A Liquid template over `event`.",
  examples: ["Look at issue {{ event.data.issue.number }}, which is in event.json."],
});
const dedupe = Type.String({
  minLength: 1,
  maxLength: 1024,
  description:
    "CEL over `event`: of all events with one value of it one starts a run. Default: the source and the id of the event.",
});
const conversation = Type.String({
  minLength: 1,
  maxLength: 1024,
  description:
    "CEL over `event`: events with one value of it are turns of one conversation. Default: each is a run of its own.",
});

/** What a caller may write of a trigger, each part of it there. */
const content = {
  name,
  source: TriggerSource,
  filter: nullable(filter),
  prompt,
  agent: nullable(AgentChoice),
  labels: Labels,
  dedupe: nullable(dedupe),
  conversation: nullable(conversation),
  overlap: Overlap,
  limits: TriggerLimits,
  enabled: Type.Boolean(),
};

/** The body of `POST /v1/triggers`. */
export const CreateTrigger = Type.Object(
  {
    name,
    source: TriggerSource,
    filter: Type.Optional(filter),
    prompt,
    agent: Type.Optional(AgentChoice),
    labels: Type.Optional(Labels),
    dedupe: Type.Optional(dedupe),
    conversation: Type.Optional(conversation),
    overlap: Type.Optional(Overlap),
    limits: Type.Optional(SomeLimits),
    enabled: Type.Optional(Type.Boolean({ description: "Default: true." })),
  },
  { additionalProperties: false },
);
export type CreateTrigger = Static<typeof CreateTrigger>;

/** Secrets of a hook, sealed; a hook that is verified by a bearer token has its SHA-256. */
const HookSecrets = Type.Object({
  current: Type.String(),
  previous: nullable(Type.String()),
  /** Until when the previous one is taken. */
  previousUntil: nullable(Instant),
});
export type HookSecrets = Static<typeof HookSecrets>;

/** The document `triggers/{id}`. */
export const Trigger = Type.Object({
  id: Type.String(),
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  /** Raised by one with each change by a caller; the ETag. */
  revision: Type.Integer(),
  ...content,
  /** Why it paused itself; null: it did not. */
  pausedWhy: nullable(Type.String()),
  /** Errors and failed runs in a row since that change by a caller. Absent: there was none. */
  failures: Type.Optional(Type.Object({ revision: Type.Integer(), inRow: Type.Integer() })),
  /** What events ask for, see `route`; null: it is disabled, or nothing is routed to it. */
  route: nullable(Type.String()),
  /** The next tick of a schedule that is enabled; that it was paused is to be told then. */
  dueAt: nullable(Instant),
  /** Of hooks alone. */
  secrets: nullable(HookSecrets),
  createdAt: Instant,
  updatedAt: Instant,
});
export type Trigger = Static<typeof Trigger>;

/** A trigger over HTTP. */
export const TriggerAnswer = Type.Object({
  id: Type.String(),
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  revision: Type.Integer({ description: "Raised by one with each change; the ETag." }),
  ...content,
  pausedWhy: nullable(Type.String(), {
    description: "Why it paused itself. Null: it did not. A PATCH of `enabled` to true resumes it.",
  }),
  dueAt: nullable(Instant, { description: "The next tick of a schedule." }),
  hook: nullable(
    Type.Object({
      path: Type.String({ examples: ["/v1/hooks/trg_07v95U8FE5rN5wVURJ4k9b"] }),
      previousUntil: nullable(Instant, {
        description: "Until when the secret before the last is taken, too.",
      }),
    }),
    { description: "Where a webhook is posted to. Null: its source is none." },
  ),
  secret: Type.Optional(
    Type.String({ description: "The hook's secret: shown once, where it was made." }),
  ),
  today: Type.Optional(
    Type.Object(
      {
        runs: Type.Integer(),
        usd: nullable(Type.Number(), {
          description:
            "Spent, or set aside for runs at work. Null: without `usdPerDay` none counts.",
        }),
      },
      { description: "What it started on this day (UTC); where it is read or listed." },
    ),
  ),
  createdAt: Instant,
  updatedAt: Instant,
});
export type TriggerAnswer = Static<typeof TriggerAnswer>;

/** What became of an event at a trigger. */
export const FIRING_OUTCOMES = [
  "matched",
  "filtered",
  "duplicate",
  "limited",
  "missed",
  "error",
] as const;

/** The document `firings/{id}`: one event at one trigger. */
export const Firing = Type.Object({
  id: Type.String(),
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  triggerId: Type.String(),
  /** The trigger's, when it was decided. */
  revision: Type.Integer(),
  event: Type.Object({
    source: Type.String(),
    id: Type.String(),
    type: Type.String(),
    subject: nullable(Type.String()),
    time: nullable(Type.String()),
    /** The object `events/{sha256}` with the whole event. */
    object: Type.String(),
  }),
  outcome: Type.Enum(FIRING_OUTCOMES),
  why: nullable(Type.String(), { description: "Why it started no run, in words." }),
  /** The dedupe key's value. */
  key: nullable(Type.String()),
  runId: nullable(Type.String()),
  redeliveryOf: nullable(Type.String()),
  depth: Type.Integer(),
  /** When the same event came again, at most ten times. */
  duplicates: Type.Array(Instant),
  createdAt: Instant,
  expireAt: Instant,
});
export type Firing = Static<typeof Firing>;
export type FiringOutcome = Firing["outcome"];
