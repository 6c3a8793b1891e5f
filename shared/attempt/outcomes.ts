import type { ERROR_KINDS } from "../documents/run.ts";

interface OutcomeEntry {
  status: "succeeded" | "failed" | "timed_out" | "cancelled" | "expired";
  kind?: (typeof ERROR_KINDS)[number];
  /** Whether a further attempt is made by ourselves, and the caller may hope for one. */
  retry?: boolean;
  remedy?: string;
}

const AGAIN = "Send the run again; if it keeps failing, look at the build's log.";

/**
 * Every way an attempt can end, with the run's status, who can mend it, and how. `retry` marks causes
 * that lie outside the request: these get a further attempt.
 */
export const OUTCOMES = {
  succeeded: { status: "succeeded" },
  succeeded_with_denials: { status: "succeeded" },
  cancelled: { status: "cancelled" },
  permission_denied: {
    status: "failed",
    kind: "agent",
    remedy:
      "Allow the denied tools (settings.allowedTools) or choose another settings.permissionMode.",
  },
  nothing_done: {
    status: "failed",
    kind: "agent",
    remedy: "Say in the prompt what shall be done; the agent ended without an answer or a change.",
  },
  no_result: {
    status: "failed",
    kind: "agent",
    remedy: "Look at events.jsonl and at the build's log: the agent ended without a result.",
  },
  agent_error: { status: "failed", kind: "agent", remedy: "Look at result.json and events.jsonl." },
  agent_not_started: {
    status: "failed",
    kind: "infrastructure",
    remedy: "Mend what the message names where builds run, then send the run again.",
  },
  checkout_failed: {
    status: "failed",
    kind: "request",
    remedy:
      "Mend settings.repository: its address, its ref, or whether builds may reach and read it.",
  },
  setup_failed: {
    status: "failed",
    kind: "request",
    remedy: "Look at setup.log and mend the command of settings.setupCommands that failed.",
  },
  refused: { status: "failed", kind: "model", remedy: "Change the prompt: the model refused it." },
  output_schema_unmet: {
    status: "failed",
    kind: "agent",
    remedy:
      "Ask in the prompt for an answer in the form of settings.outputSchema, or make it simpler.",
  },
  max_turns: {
    status: "failed",
    kind: "limit",
    remedy: "Raise settings.maxTurns or split the task.",
  },
  budget_exhausted: {
    status: "failed",
    kind: "limit",
    remedy: "Raise settings.maxBudgetUsd or split the task.",
  },
  out_of_memory: {
    status: "failed",
    kind: "limit",
    remedy: "Choose a larger settings.machineType or a smaller task.",
  },
  timed_out: {
    status: "timed_out",
    kind: "limit",
    remedy: "Raise settings.timeoutSeconds or split the task.",
  },
  idle: {
    status: "timed_out",
    kind: "agent",
    remedy: "Send the run again: the agent said nothing for too long and was stopped.",
  },
  model_unauthorized: {
    status: "failed",
    kind: "infrastructure",
    remedy: "Give the builds a key that the model's API accepts.",
  },
  model_rejected: {
    status: "failed",
    kind: "request",
    remedy:
      "Mend what the model's API complains about: model name, length, or the account's credit.",
  },
  output_too_long: {
    status: "failed",
    kind: "model",
    remedy: "Ask for a shorter answer or for files instead.",
  },
  model_overloaded: { status: "failed", kind: "infrastructure", retry: true, remedy: AGAIN },
  model_unreachable: {
    status: "failed",
    kind: "infrastructure",
    retry: true,
    remedy: "See whether builds can reach the model's API, then send the run again.",
  },
  terminated: { status: "failed", kind: "infrastructure", retry: true, remedy: AGAIN },
  build_lost: { status: "failed", kind: "infrastructure", retry: true, remedy: AGAIN },
  build_expired: {
    status: "expired",
    kind: "infrastructure",
    retry: true,
    remedy: "Cloud Build had no room in time: send the run again later or raise the quota.",
  },
  build_timed_out: {
    status: "timed_out",
    kind: "limit",
    remedy: "Raise settings.timeoutSeconds or split the task.",
  },
  build_cancelled: {
    status: "cancelled",
    kind: "infrastructure",
    remedy: "Somebody cancelled the build in Cloud Build; send the run again.",
  },
  build_rejected: {
    status: "failed",
    kind: "infrastructure",
    remedy: "Mend what Cloud Build complains about: configuration, permissions or quota.",
  },
  submission_lost: { status: "failed", kind: "infrastructure", retry: true, remedy: AGAIN },
  artifact_missing: { status: "failed", kind: "infrastructure", remedy: AGAIN },
} as const satisfies Record<string, OutcomeEntry>;
export type Outcome = keyof typeof OUTCOMES;

/** The entry of an outcome with its optional fields in sight. */
export function outcomeEntry(outcome: Outcome): OutcomeEntry {
  return OUTCOMES[outcome];
}
