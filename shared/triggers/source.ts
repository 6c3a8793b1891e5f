import { AgentIdOrName } from "../agent/agent.ts";
import { Labels } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";

const closed = { additionalProperties: false };

/** Ticks of a clock. */
const ScheduleSource = Type.Object(
  {
    kind: Type.Literal("schedule"),
    cron: Type.String({ minLength: 1, maxLength: 100, examples: ["0 3 * * 1-5"] }),
    timeZone: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, examples: ["Europe/Berlin"], default: "UTC" }),
    ),
    missed: Type.Optional(
      Type.Enum(["skip", "once"], {
        description:
          "What becomes of ticks that nobody could fire within five minutes. Default: skip.",
      }),
    ),
  },
  { ...closed, title: "ticks of a clock" },
);

/** How a hook's sender shows that it is the sender. */
const Verification = Type.Union([
  Type.Object({ scheme: Type.Literal("standard") }, { ...closed, title: "Standard Webhooks" }),
  Type.Object({ scheme: Type.Literal("github") }, { ...closed, title: "GitHub's signature" }),
  Type.Object({ scheme: Type.Literal("bearer") }, { ...closed, title: "a bearer token" }),
  Type.Object(
    {
      scheme: Type.Literal("hmac"),
      header: Type.String({ minLength: 1, maxLength: 100, examples: ["X-Signature"] }),
      algorithm: Type.Optional(Type.Enum(["sha256", "sha512"])),
      encoding: Type.Optional(Type.Enum(["hex", "base64"])),
      prefix: Type.Optional(Type.String({ maxLength: 32, examples: ["sha256="] })),
    },
    { ...closed, title: "an HMAC of the body in a header" },
  ),
]);
export type Verification = Static<typeof Verification>;

/** What is posted to `POST /v1/hooks/{id}`. */
const WebhookSource = Type.Object(
  { kind: Type.Literal("webhook"), verify: Verification },
  { ...closed, title: "posts to a hook" },
);

/** What arrives at `trigger-events`, by Eventarc or by HTTP at `receiveEvent`. */
const EventSource = Type.Object(
  {
    kind: Type.Literal("event"),
    type: Type.String({ minLength: 1, maxLength: 200 }),
    source: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
    subject: Type.Optional(
      Type.String({ minLength: 1, maxLength: 500, description: "The beginning of the subject." }),
    ),
  },
  { ...closed, title: "events of a type" },
);

/** The end of one of the owner's runs. */
const RunSource = Type.Object(
  {
    kind: Type.Literal("run"),
    status: Type.Enum(["succeeded", "failed", "timed_out", "cancelled", "expired", "any"]),
    agent: Type.Optional(AgentIdOrName),
    labels: Type.Optional(Labels),
  },
  { ...closed, title: "the end of a run" },
);

/** Where a trigger's events come from. */
export const TriggerSource = Type.Union([ScheduleSource, WebhookSource, EventSource, RunSource]);
export type TriggerSource = Static<typeof TriggerSource>;
