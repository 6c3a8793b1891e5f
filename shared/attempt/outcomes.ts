import type { ERROR_KINDS } from "../documents/run.ts";

interface OutcomeEntry {
  status: "succeeded" | "failed" | "timed_out" | "cancelled" | "expired";
  /**
   * The sentence that people read in the usual case; `…` is what differs, as in the words of
   * others.
   */
  says: string;
  /** The same where it may be another. */
  orSays?: string;
  kind?: (typeof ERROR_KINDS)[number];
  /** Whether a further attempt is made by ourselves, and the caller may hope for one. */
  retry?: boolean;
  remedy?: string;
}

const AGAIN = "Send the run again; if it keeps failing, look at the build's log.";

/**
 * Every way an attempt can end, with the run's status, who can mend it, and how. `retry` marks
 * causes that lie outside the request: these get a further attempt. `docs/outcomes.md` is made of
 * this table.
 */
export const OUTCOMES = {
  succeeded: { status: "succeeded", says: "Done." },
  succeeded_with_denials: { status: "succeeded", says: "Done, but denied: …." },
  succeeded_with_omissions: { status: "succeeded", says: "Done, but not kept: …." },
  background_ended: {
    status: "succeeded",
    says: "Done, but commands that were still at work in the background ended with the agent: ….",
    orSays: "Done, but processes that the agent left did not end in time: ….",
  },
  cancelled: { status: "cancelled", says: "Cancelled." },
  permission_denied: {
    status: "failed",
    says: "Every tool that the agent asked for was denied: ….",
    kind: "agent",
    remedy:
      "Allow the denied tools (settings.allowedTools) or choose another settings.permissionMode.",
  },
  nothing_done: {
    status: "failed",
    says: "The agent ended at once: no answer, no tool used.",
    kind: "agent",
    remedy: "Say in the prompt what shall be done; the agent ended without an answer or a change.",
  },
  no_result: {
    status: "failed",
    says: "The agent ended without a result (…).…",
    kind: "agent",
    remedy: "Look at events.jsonl and at the build's log: the agent ended without a result.",
  },
  agent_error: {
    status: "failed",
    says: "…",
    kind: "agent",
    remedy: "Look at result.json and events.jsonl.",
  },
  checks_failed: {
    status: "failed",
    says: "Done, but checks did not pass: ….",
    kind: "agent",
    remedy:
      "Look at what the checks said, in checks.log, and have the agent go on from there, as settings.onFailure does by itself; or mend the command or the time of settings.checks.",
  },
  result_contradicted: {
    status: "failed",
    says: "The agent's result has an … that the model never gave.",
    kind: "agent",
    remedy: "Look at events.jsonl: something that the agent started spoke in the agent's name.",
  },
  agent_not_started: {
    status: "failed",
    says: "…",
    kind: "infrastructure",
    remedy: "Mend what the message names where builds run, then send the run again.",
  },
  storage_unavailable: {
    status: "failed",
    says: "The storage did not answer for … s: ….",
    kind: "infrastructure",
    retry: true,
    remedy: "Look at Cloud Storage and whether builds reach it; then send the run again.",
  },
  checkout_failed: {
    status: "failed",
    says: "…",
    kind: "request",
    remedy:
      "Mend settings.repository: its address, its ref, its credential, or whether builds may reach it.",
  },
  setup_failed: {
    status: "failed",
    says: "…",
    kind: "request",
    remedy: "Look at setup.log and mend the command of settings.setupCommands that failed.",
  },
  refused: {
    status: "failed",
    says: "The model refused the request.",
    kind: "model",
    remedy: "Change the prompt: the model refused it.",
  },
  output_schema_unmet: {
    status: "failed",
    says: "The output does not fit its schema: ….",
    kind: "agent",
    remedy:
      "Ask in the prompt for an answer in the form of settings.outputSchema, or make it simpler.",
  },
  max_turns: {
    status: "failed",
    says: "The agent reached its maximum number of turns.",
    kind: "limit",
    remedy: "Raise settings.maxTurns or split the task.",
  },
  budget_exhausted: {
    status: "failed",
    says: "The agent reached its spending cap.",
    kind: "limit",
    remedy:
      "Raise settings.maxBudgetUsd or split the task; of an owner's day, wait for the next (UTC) or have RUNYARD_DAILY_BUDGETS raised.",
  },
  out_of_memory: {
    status: "failed",
    says: "The agent used more memory than it may.",
    kind: "limit",
    remedy: "Choose a larger settings.machineType or a smaller task.",
  },
  too_many_processes: {
    status: "failed",
    says: "The agent had more processes and threads than it may.",
    kind: "limit",
    remedy: "Have fewer things done at the same time: the agent started too many processes.",
  },
  out_of_disk: {
    status: "failed",
    says: "The agent wrote more than it may, or all that its machine's disk had room for.",
    kind: "limit",
    remedy:
      "Have the agent remove what it no longer needs, split the task, or give builds a larger disk.",
  },
  timed_out: {
    status: "timed_out",
    says: "The agent was still working when its time was over.",
    kind: "limit",
    remedy: "Raise settings.timeoutSeconds or split the task.",
  },
  idle: {
    status: "timed_out",
    says: "The agent said nothing for too long and was stopped.",
    kind: "agent",
    remedy: "Send the run again: the agent said nothing for too long and was stopped.",
  },
  model_unauthorized: {
    status: "failed",
    says: "The model's API refuses the key.",
    kind: "infrastructure",
    remedy: "Give the builds a key that the model's API accepts.",
  },
  model_rejected: {
    status: "failed",
    says: "…",
    kind: "request",
    remedy:
      "Mend what the model's API complains about: model name, length, or the account's credit.",
  },
  output_too_long: {
    status: "failed",
    says: "The model's answer was longer than it may be.",
    kind: "model",
    remedy: "Ask for a shorter answer or for files instead.",
  },
  model_overloaded: {
    status: "failed",
    says: "…",
    kind: "infrastructure",
    retry: true,
    remedy: AGAIN,
  },
  model_unreachable: {
    status: "failed",
    says: "The model's API at … takes no connections (ECONNREFUSED).",
    kind: "infrastructure",
    retry: true,
    remedy:
      "Look at the address that the message names (ANTHROPIC_BASE_URL where builds run), and whether builds can reach it; then send the run again.",
  },
  terminated: {
    status: "failed",
    says: "The build was ended from outside while the agent worked.",
    kind: "infrastructure",
    retry: true,
    remedy: AGAIN,
  },
  build_lost: {
    status: "failed",
    says: "The build failed before the agent's result was kept.",
    kind: "infrastructure",
    retry: true,
    remedy: AGAIN,
  },
  build_expired: {
    status: "expired",
    says: "Cloud Build did not start the build in time.",
    kind: "infrastructure",
    retry: true,
    remedy: "Cloud Build had no room in time: send the run again later or raise the quota.",
  },
  build_timed_out: {
    status: "timed_out",
    says: "The build ran out of time before the agent's result was kept.",
    kind: "limit",
    remedy: "Raise settings.timeoutSeconds or split the task.",
  },
  build_cancelled: {
    status: "cancelled",
    says: "The build was cancelled in Cloud Build.",
    kind: "infrastructure",
    remedy: "Somebody cancelled the build in Cloud Build; send the run again.",
  },
  build_rejected: {
    status: "failed",
    says: "Cloud Build refused the build: …",
    kind: "infrastructure",
    remedy: "Mend what Cloud Build complains about: configuration, permissions or quota.",
  },
  secret_refused: {
    status: "failed",
    says: "Refused: …",
    kind: "request",
    remedy:
      "Name a secret that the operator gives to the run's owner in RUNYARD_SECRET_PREFIXES, and a variable that steers no program.",
  },
  secret_missing: {
    status: "failed",
    says: "The secret … is not there: ….",
    kind: "request",
    remedy: "Add the secret as the message says, then send the run again.",
  },
  secret_unreadable: {
    status: "failed",
    says: "The build may not read the secret …: …",
    kind: "infrastructure",
    remedy:
      "Mend what the message says, as by letting the builds' service account read the secret.",
  },
  submission_lost: {
    status: "failed",
    says: "It is not known whether Cloud Build took the build; it was replaced.",
    kind: "infrastructure",
    retry: true,
    remedy: AGAIN,
  },
  artifact_missing: {
    status: "failed",
    says: "The build succeeded but left no manifest.",
    kind: "infrastructure",
    remedy: AGAIN,
  },
} as const satisfies Record<string, OutcomeEntry>;
export type Outcome = keyof typeof OUTCOMES;

/** An outcome, with the sentence that a person reads. */
export type Judgement = readonly [outcome: Outcome, message: string];

/** The entry of an outcome with its optional fields in sight. */
export function outcomeEntry(outcome: Outcome): OutcomeEntry {
  return OUTCOMES[outcome];
}
