import type { Field, Written } from "../events/field.ts";

/** The fields in which a webhook is written. */
export const WEBHOOK_FIELDS: readonly Field[] = [
  {
    at: "url",
    label: "Address",
    hint: "https://example.com/hooks/runyard",
    isRequired: true,
  },
  {
    at: "format",
    label: "Sends",
    choices: {
      standard: "a signed CloudEvent",
      slack: "a message for Slack",
      "google-chat": "a message for Google Chat",
    },
  },
  {
    at: "events",
    label: "Events",
    kind: "lines",
    hint: "One a line: runyard.run.failed.v1; done: each final status; *: everything. Empty: done.",
  },
  { at: "agent", label: "Only runs of the agent", kind: "agent" },
  { at: "labels", label: "Only runs with labels", kind: "labels", hint: "key:value" },
  {
    at: "headers",
    label: "Headers",
    kind: "headers",
    hint: "Name: value, one a line; they are never shown. What is empty stays; “Name:” takes one away.",
  },
  { at: "description", label: "Description" },
];

export const NEW_WEBHOOK: Written = { format: "standard" };
