import { RUN_LIMITS } from "../limits.ts";
import { Instant } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { cutText, utf8Length } from "../text.ts";

const text = Type.String({ maxLength: RUN_LIMITS.eventTextBytes });
const tool = Type.String({ maxLength: 200 });
const input = Type.String({ maxLength: RUN_LIMITS.eventInputBytes });
/** The engine's id of a tool call: what belongs to one call has the same. */
const callId = Type.String({ maxLength: 200 });
const count = Type.Integer({ minimum: 0 });
const ms = Type.Integer({ minimum: 0 });

/**
 * What an attempt goes through, in this order: it waits for Cloud Build (`queue`), the build starts
 * (`image`), and its runner takes the attempt, gets the repository, brings back what was left, runs
 * the setup commands, lets the agent work, runs the checks and stores what came out. Steps that a
 * run has no use for are left out.
 */
export const PHASE_NAMES = [
  "queue",
  "image",
  "claim",
  "checkout",
  "restore",
  "setup",
  "agent",
  "checks",
  "upload",
] as const;

/** A phase that is over, and how long it took. */
export const PhaseTime = Type.Object({ name: Type.Enum([...PHASE_NAMES]), ms });
export type PhaseTime = Static<typeof PhaseTime>;

/** What a workspace's changes come to. Lines of binary files are not counted. */
export const ChangeCounts = Type.Object(
  { files: count, added: count, removed: count },
  { additionalProperties: false },
);
export type ChangeCounts = Static<typeof ChangeCounts>;

/** What an agent does, as its runner reports it. */
export const AgentEvent = Type.Union([
  /** The agent's words. */
  Type.Object({ type: Type.Literal("text"), text }, { additionalProperties: false }),
  /** A tool call and the part of its input that says most. */
  Type.Object(
    {
      type: Type.Literal("tool"),
      tool,
      input,
      callId: Type.Optional(callId),
    },
    { additionalProperties: false },
  ),
  /** What a call came to, the beginning of what it gave, and how long it took. */
  Type.Object(
    {
      type: Type.Literal("tool_result"),
      callId,
      isError: Type.Boolean(),
      preview: Type.String({ maxLength: RUN_LIMITS.eventPreviewBytes }),
      ms,
    },
    { additionalProperties: false },
  ),
  /** A tool that was denied, and the call that it was denied for. */
  Type.Object(
    {
      type: Type.Literal("denied"),
      tool,
      input: Type.Optional(input),
      callId: Type.Optional(callId),
    },
    { additionalProperties: false },
  ),
  /** A phase of the attempt has begun, or is over: then it says how long it took. */
  Type.Object(
    {
      type: Type.Literal("phase"),
      name: Type.Enum([...PHASE_NAMES]),
      state: Type.Enum(["started", "done", "failed"]),
      ms: Type.Optional(ms),
    },
    { additionalProperties: false },
  ),
  /** What the attempt has used with the model's last answer, as its runner counts. */
  Type.Object(
    {
      type: Type.Literal("usage"),
      inputTokens: count,
      outputTokens: count,
      costUsd: Type.Number({ minimum: 0 }),
    },
    { additionalProperties: false },
  ),
  /** What the agent has changed so far, with each checkpoint and at the end. */
  Type.Object(
    { type: Type.Literal("changes"), ...ChangeCounts.properties },
    { additionalProperties: false },
  ),
  /** The agent tries the model's API again. */
  Type.Object({ type: Type.Literal("retry"), text }, { additionalProperties: false }),
  /** A request to the model's API that the runner refused, and why. */
  Type.Object({ type: Type.Literal("refused"), text }, { additionalProperties: false }),
  /** What the attempt has cost, as its runner counted, when the agent is done. */
  Type.Object(
    {
      type: Type.Literal("cost"),
      costUsd: Type.Number({ minimum: 0 }),
      turns: Type.Integer({ minimum: 0 }),
    },
    { additionalProperties: false },
  ),
]);
export type AgentEvent = Static<typeof AgentEvent>;

/** The agent's words, or ours about its events, cut to what an event may hold. */
export function textEvent(text: string): AgentEvent {
  return { type: "text", text: cutText(text.toWellFormed(), RUN_LIMITS.eventTextBytes) };
}

/**
 * An event as a build reports it. `number` counts from 1 in each attempt: whoever gets it twice can
 * tell.
 */
export const ReportedEvent = Type.Object({
  number: Type.Integer({ minimum: 1 }),
  /** How long before the report it happened, in milliseconds. Default: at that moment. */
  agoMs: Type.Optional(ms),
  event: AgentEvent,
});
export type ReportedEvent = Static<typeof ReportedEvent>;

/** How a build's key for tokens is written: its public half. */
export const TokensKey = Type.String({
  ...formed({
    pattern: "^[A-Za-z0-9_-]{43}$",
    form: "a point of X25519 as base64url",
    example: "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo",
  }),
});

/** The body of `POST /v1/runs/{id}/progress`, which only a run's own build may call. */
export const ReportProgress = Type.Object(
  {
    attempt: Type.Integer({ minimum: 1 }),
    buildId: Type.String({ minLength: 1, maxLength: 64 }),
    text: Type.String({ maxLength: 500 }),
    turn: Type.Integer({ minimum: 0 }),
    /** What happened since the last report, oldest first. */
    events: Type.Optional(Type.Array(ReportedEvent, { maxItems: RUN_LIMITS.reportedEvents })),
    /** The last report: the manifest is there, and the build ends. */
    done: Type.Optional(Type.Boolean()),
    /** It wants tokens for its repositories, sealed for this key; see `repository-tokens.ts`. */
    opens: Type.Optional(TokensKey),
  },
  { additionalProperties: false },
);
export type ReportProgress = Static<typeof ReportProgress>;

/** The run has another status. */
const StatusEvent = Type.Object({
  type: Type.Literal("status"),
  status: Type.String(),
  why: Type.String(),
});

/** What one event says. */
export type EventContent = AgentEvent | Static<typeof StatusEvent>;

/**
 * `{attempt}-{seq}`, `seq` with six digits and growing over all attempts: ids sort as events
 * happened.
 */
export const EVENT_ID = "^[1-9]-[0-9]{6}$";

/**
 * One list, in the order of its ids, of everything that happened to a run. Each transition of the
 * run and each report of its build adds to it in the same commit.
 */
export const Event = Type.Object({
  id: Type.String(formed({ pattern: EVENT_ID, form: "attempt and number", example: "1-000001" })),
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  runId: Type.String(),
  /** When it happened; later than that of the event before. */
  at: Instant,
  expireAt: Instant,
  event: Type.Union([AgentEvent, StatusEvent]),
});
export type Event = Static<typeof Event>;

/**
 * The document `runs/{id}/events/{attempt-seq}`: the last of the events that a commit adds, with
 * those before it, oldest first: a document costs the same whatever it holds. Whoever looks for
 * what comes after an event finds it by the document's id, which is the last one's. Deleted by
 * Firestore's TTL on `expireAt`.
 */
export type EventDocument = Event & { earlier?: Pick<Event, "id" | "at" | "event">[] };

/** The documents of events that one commit adds, each with as many as it may hold. */
export function eventDocuments(events: readonly Event[]): EventDocument[] {
  const documents: Event[][] = [];
  let left = 0;
  for (const event of events) {
    // Most commits add one.
    const bytes = events.length === 1 ? 0 : utf8Length(JSON.stringify(event));
    const last = bytes > left ? undefined : documents.at(-1);
    left = (last ? left : RUN_LIMITS.eventDocumentBytes) - bytes;
    if (last) last.push(event);
    else documents.push([event]);
  }
  return documents.map((held) => {
    const earlier = held.slice(0, -1).map(({ id, at, event }) => ({ id, at, event }));
    return { ...(held.at(-1) as Event), ...(earlier.length > 0 && { earlier }) };
  });
}

/** The events that a document holds, oldest first. */
export function eventsIn({ earlier = [], ...last }: EventDocument): Event[] {
  return [...earlier.map((event) => ({ ...last, ...event })), last];
}
