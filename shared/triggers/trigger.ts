import { AgentChoice } from "../documents/agent-choice.ts";
import { Instant, Labels, nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { TriggerSource } from "./source.ts";

/** What happens while a run of the same lane is not over. */
const Overlap = Type.Enum(["allow", "skip", "queue", "cancel"]);

/** Most runs in a clock hour and in a day (UTC), and most dollars in a day. */
const TriggerLimits = Type.Object(
  {
    runsPerHour: Type.Integer({ minimum: 1, maximum: 10_000 }),
    runsPerDay: Type.Integer({ minimum: 1, maximum: 100_000 }),
    usdPerDay: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 100_000 })),
  },
  { additionalProperties: false },
);
export type TriggerLimits = Static<typeof TriggerLimits>;

/** What a caller may write of a trigger, each part of it there. */
const content = {
  name: Type.String({ minLength: 1, maxLength: 100 }),
  source: TriggerSource,
  /** CEL over `event`; null: each event matches. */
  filter: nullable(Type.String({ minLength: 1, maxLength: 4096 })),
  /** A Liquid template over `event`. */
  prompt: Type.String({ minLength: 1, maxLength: 16_384 }),
  agent: nullable(AgentChoice),
  labels: Labels,
  /** CEL over `event`; null: the source and the id of the event. */
  dedupe: nullable(Type.String({ minLength: 1, maxLength: 1024 })),
  /** CEL over `event`: events of one key are turns of one conversation; null: each is a run. */
  conversation: nullable(Type.String({ minLength: 1, maxLength: 1024 })),
  overlap: Overlap,
  limits: TriggerLimits,
  enabled: Type.Boolean(),
};

/** Secrets of a hook, sealed; a hook that is verified by a bearer token has its SHA-256. */
const HookSecrets = Type.Object({
  current: Type.String(),
  previous: nullable(Type.String()),
  /** Until when the previous one is taken. */
  previousUntil: nullable(Instant),
});

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
  /** What events ask for, see `route`; null: it is disabled, or nothing is routed to it. */
  route: nullable(Type.String()),
  /** The next tick of a schedule that is enabled. */
  dueAt: nullable(Instant),
  /** Of hooks alone. */
  secrets: nullable(HookSecrets),
  createdAt: Instant,
  updatedAt: Instant,
});
export type Trigger = Static<typeof Trigger>;

/** What became of an event at a trigger. */
export const FIRING_OUTCOMES = ["matched", "filtered", "duplicate", "limited", "error"] as const;

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
  /** In people's words. */
  why: nullable(Type.String()),
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
