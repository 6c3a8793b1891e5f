import { type ResolvedAgent, resolveAgent } from "./agent-settings.ts";
import { RUN_LIMITS, TIMING } from "./limits.ts";
import type { RunRecord, RunState } from "./run-record.ts";
import type { CreateRun, Run, RunRequest } from "./run-schema.ts";
import { preview } from "./text.ts";
import { after } from "./transition.ts";

/** What the API adds to a caller's request. */
export interface Acceptance {
  id: string;
  owner: string;
  nonce: string;
  sessionId: string;
  requestHash: string;
  writer: string;
  now: Date;
}

/** A run's request with its agent's settings resolved. */
export type ResolvedRequest = RunRequest & { agent: ResolvedAgent };

/** The three documents of a new run: written in one commit, or not at all. */
export function acceptRun(
  body: CreateRun,
  acceptance: Acceptance,
): RunRecord & { request: ResolvedRequest } {
  const agent = resolveAgent(body.agent);
  const labels = body.labels ?? {};
  return {
    run: newRun(body, acceptance),
    state: newState(agent, acceptance),
    request: { runId: acceptance.id, prompt: body.prompt, agent, labels },
  };
}

function newRun(body: CreateRun, { id, owner, now }: Acceptance): Run {
  return {
    id,
    schemaVersion: 1,
    owner,
    status: "pending",
    done: false,
    why: "Waiting to be submitted to Cloud Build.",
    promptPreview: preview(body.prompt, RUN_LIMITS.promptPreviewLength),
    labels: body.labels ?? {},
    attempt: 1,
    progress: null,
    verdict: null,
    output: null,
    error: null,
    usage: null,
    artifacts: [],
    isolation: null,
    history: [{ version: 1, status: "pending", at: now, cause: "accepted" }],
    createdAt: now,
    updatedAt: now,
    finishedAt: null,
  };
}

function newState(agent: ResolvedAgent, acceptance: Acceptance): RunState {
  const { owner, nonce, sessionId, requestHash, writer, now } = acceptance;
  return {
    schemaVersion: 1,
    owner,
    version: 1,
    phase: "pending",
    attempt: 1,
    nonce,
    sessionId,
    leaseTaken: false,
    leaseUntil: null,
    notBefore: null,
    progressTokenHash: null,
    build: null,
    dueAt: after(now, TIMING.pendingDue),
    deadlineAt: null,
    obligations: [],
    failures: 0,
    lostSubmissions: 0,
    cancelRequestedAt: null,
    timeoutSeconds: agent.timeoutSeconds,
    requestHash,
    writer,
  };
}
