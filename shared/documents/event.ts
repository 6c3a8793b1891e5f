import { RUN_LIMITS } from "../limits.ts";
import { Instant } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { cutText } from "../text.ts";

const text = Type.String({ maxLength: RUN_LIMITS.eventTextBytes });
const tool = Type.String({ maxLength: 200 });

/** What an agent does, as its runner reports it. */
export const AgentEvent = Type.Union([
  /** The agent's words. */
  Type.Object({ type: Type.Literal("text"), text }, { additionalProperties: false }),
  /** A tool call and the part of its input that says most. */
  Type.Object(
    {
      type: Type.Literal("tool"),
      tool,
      input: Type.String({ maxLength: RUN_LIMITS.eventInputBytes }),
    },
    { additionalProperties: false },
  ),
  /** A tool that was denied. */
  Type.Object({ type: Type.Literal("denied"), tool }, { additionalProperties: false }),
  /** The agent tries the model's API again. */
  Type.Object({ type: Type.Literal("retry"), text }, { additionalProperties: false }),
  /** What the run has cost, when the agent is done; without what earlier turns of its session cost. */
  Type.Object(
    { type: Type.Literal("cost"), costUsd: Type.Number(), turns: Type.Integer() },
    { additionalProperties: false },
  ),
]);
export type AgentEvent = Static<typeof AgentEvent>;

/** The agent's words, or ours about its events, cut to what an event may hold. */
export function textEvent(text: string): AgentEvent {
  return { type: "text", text: cutText(text.toWellFormed(), RUN_LIMITS.eventTextBytes) };
}

/** An event as a build reports it. `number` counts from 1 in each attempt: whoever gets it twice can tell. */
export const ReportedEvent = Type.Object({
  number: Type.Integer({ minimum: 1 }),
  event: AgentEvent,
});
export type ReportedEvent = Static<typeof ReportedEvent>;

/** The run has another status. */
const StatusEvent = Type.Object({
  type: Type.Literal("status"),
  status: Type.String(),
  why: Type.String(),
});

/** What one event says. */
export type EventContent = AgentEvent | Static<typeof StatusEvent>;

/** `{attempt}-{seq}`, `seq` with six digits and growing over all attempts: ids sort as events happened. */
export const EVENT_ID = "^[1-9]-[0-9]{6}$";

/**
 * The document `runs/{id}/events/{attempt-seq}`: one list, in the order of its ids, of everything that
 * happened to a run. Each transition of the run and each report of its build adds to it in the same
 * commit. Deleted by Firestore's TTL on `expireAt`.
 */
export const Event = Type.Object({
  id: Type.String({ pattern: EVENT_ID }),
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  runId: Type.String(),
  at: Instant,
  expireAt: Instant,
  event: Type.Union([AgentEvent, StatusEvent]),
});
export type Event = Static<typeof Event>;
