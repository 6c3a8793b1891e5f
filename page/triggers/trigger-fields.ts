import type { Field, Written } from "../events/field.ts";

const SCHEDULE = ["source/kind", "schedule"] as const;
const HOOK = ["source/kind", "webhook"] as const;
const EVENT = ["source/kind", "event"] as const;
const RUN = ["source/kind", "run"] as const;
const HMAC = ["source/verify/scheme", "hmac"] as const;

/** What a hook's sender is known by. */
export const SCHEMES: Readonly<Record<string, string>> = {
  github: "GitHub’s signature",
  standard: "Standard Webhooks",
  bearer: "a bearer token",
  hmac: "an HMAC in a header",
};

/** How the runs ended that it fires on. */
export const STATUSES: Readonly<Record<string, string>> = {
  succeeded: "succeeded",
  failed: "failed",
  timed_out: "timed out",
  cancelled: "were cancelled",
  expired: "expired",
  any: "ended",
};

/** The fields in which a trigger is written. */
export const TRIGGER_FIELDS: readonly Field[] = [
  { at: "name", label: "Name", isRequired: true },
  {
    at: "source/kind",
    label: "Fires on",
    choices: {
      schedule: "a schedule",
      webhook: "posts to a hook",
      event: "events of the project",
      run: "ends of runs",
    },
  },
  {
    at: "source/cron",
    label: "Cron",
    hint: "Minute, hour, day, month, weekday: 0 3 * * 1-5. Up to 60 s late.",
    when: SCHEDULE,
    isRequired: true,
  },
  { at: "source/timeZone", label: "Time zone", hint: "Empty: UTC.", when: SCHEDULE },
  {
    at: "source/missed",
    label: "Missed ticks",
    hint: "Those that nobody could fire within five minutes.",
    choices: { "": "are left out", once: "the latest fires" },
    when: SCHEDULE,
  },
  { at: "source/verify/scheme", label: "Verified by", choices: SCHEMES, when: HOOK },
  {
    at: "source/verify/header",
    label: "Header",
    hint: "X-Signature",
    when: HMAC,
    isRequired: true,
  },
  {
    at: "source/verify/algorithm",
    label: "Algorithm",
    choices: { "": "default", sha256: "SHA-256", sha512: "SHA-512" },
    when: HMAC,
  },
  {
    at: "source/verify/encoding",
    label: "Encoding",
    choices: { "": "default", hex: "hex", base64: "base64" },
    when: HMAC,
  },
  { at: "source/verify/prefix", label: "Prefix", hint: "sha256=", when: HMAC },
  {
    at: "source/type",
    label: "Type",
    hint: "google.cloud.storage.object.v1.finalized",
    when: EVENT,
    isRequired: true,
  },
  { at: "source/source", label: "Source", hint: "Empty: any.", when: EVENT },
  {
    at: "source/subject",
    label: "Subject begins with",
    hint: "Whole segments: objects/in/",
    when: EVENT,
  },
  {
    at: "source/status",
    label: "Runs that",
    choices: STATUSES,
    when: RUN,
  },
  { at: "source/agent", label: "Of the agent", kind: "agent", when: RUN },
  { at: "source/labels", label: "With labels", kind: "labels", hint: "key:value", when: RUN },
  {
    at: "filter",
    label: "Filter",
    kind: "code",
    hint: 'CEL over event: event.data.action == "opened". Empty: each event.',
  },
  {
    at: "prompt",
    label: "Prompt",
    kind: "long",
    hint: "Liquid over event, which lies in the workspace as event.json: better point to it than paste it.",
    isRequired: true,
  },
  { at: "agent", label: "Agent", kind: "agent", hint: "None: every setting’s default." },
  { at: "labels", label: "Labels of its runs", kind: "labels", hint: "key:value" },
  {
    at: "dedupe",
    label: "Dedupe key",
    hint: "CEL. One run for each value; empty: the event’s source and id.",
  },
  {
    at: "conversation",
    label: "Conversation key",
    hint: "CEL. Events with one value are turns of one conversation.",
  },
  {
    at: "overlap",
    label: "While a run of it is at work",
    choices: {
      allow: "another runs beside it",
      skip: "events are dropped",
      queue: "events wait",
      cancel: "it is cancelled first",
    },
  },
  { at: "limits/runsPerHour", label: "Runs an hour", kind: "number", hint: "Empty: 60." },
  { at: "limits/runsPerDay", label: "Runs a day", kind: "number", hint: "Empty: 500." },
  {
    at: "limits/usdPerDay",
    label: "USD a day",
    kind: "number",
    hint: "Empty: no bound but the owner’s.",
  },
];

export const NEW_TRIGGER: Written = {
  "source/kind": "schedule",
  "source/verify/scheme": "github",
  "source/status": "succeeded",
  overlap: "allow",
};
