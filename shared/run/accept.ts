import { type ResolvedAgent, resolveAgent } from "../agent/settings.ts";
import { after } from "../clock.ts";
import { deliveredOf } from "../delivery/repository-name.ts";
import { addTurn, type Conversation, newConversation } from "../documents/conversation.ts";
import type { Deliver } from "../documents/deliver.ts";
import type { Event } from "../documents/event.ts";
import type { PlacedFile, SentTree } from "../documents/files.ts";
import type { AgentRef, Run, RunRequest } from "../documents/run.ts";
import { type Session, workspaceOf } from "../documents/session.ts";
import { RUN_LIMITS, TIMING } from "../limits.ts";
import { preview } from "../text.ts";
import { deliveryOf } from "./owed-delivery.ts";
import type { RunOrigin, RunRecord, RunState } from "./record.ts";
import type { Retention } from "./retention.ts";
import { STATE_VERSION, UNSAID } from "./stored.ts";
import type { TraceContext } from "./trace.ts";
import { withEvents } from "./transition.ts";

/** What shall be done, by whom it may be asked for in different ways. */
export interface Order {
  prompt: string;
  /** The stored agent that the settings are of; null: they came with the request. */
  agent: AgentRef | null;
  settings: RunRequest["settings"];
  labels: Run["labels"];
  /** The run that this one repeats or continues. */
  parentRunId: string | null;
  /** What is put into the workspace. Absent: nothing. */
  files?: readonly PlacedFile[] | undefined;
  /** What another run left, with whose files this one begins. Absent: nothing. */
  workspace?: Session | undefined;
  /** The sent tree that all of that began with. Absent: none. */
  tree?: SentTree | undefined;
  /** How what it changes is handed back to its repository. Absent: it is not. */
  deliver?: Deliver | undefined;
  /** The webhook that is told of this run in any case. Absent: none. */
  webhook?: string | undefined;
}

/** What the API adds to an order. */
export interface Acceptance {
  id: string;
  owner: string;
  nonce: string;
  sessionId: string;
  requestHash: string;
  writer: string;
  now: Date;
  /** Where in a trace it is accepted. Default: in none. */
  trace?: TraceContext | null;
  /** Of what the run leaves; absent: nothing is said about it. */
  retention?: Retention | undefined;
  /** The event that it is for, and what it waits for. Absent: a request asks for it. */
  fired?: FiredBy | undefined;
}

/** What started a run without a request. */
export interface FiredBy {
  origin: RunOrigin;
  /** The conversation that it begins, if it begins one. Default: of its own id. */
  conversationId?: string | undefined;
  /** The lane that it is in, and whether it waits there. */
  lane?: { triggerId: string; waits: boolean } | undefined;
}

/** A run's request with its agent's settings resolved, and with its files' contents. */
export type ResolvedRequest = Omit<RunRequest, "settings" | "files" | "tree"> & {
  settings: ResolvedAgent;
  files?: readonly PlacedFile[];
  tree?: SentTree;
};

/** The documents of a new run: written in one commit, or not at all. */
export interface Accepted extends RunRecord {
  request: ResolvedRequest;
  events: Event[];
  /** As it is with this run. */
  conversation: Conversation;
}

/** A run that begins a conversation of its own. */
export function acceptRun(order: Order, acceptance: Acceptance): Accepted {
  const { now, sessionId, fired } = acceptance;
  const run = newRun(order, acceptance);
  const conversation = newConversation(run, now, fired?.conversationId);
  const waits = fired?.lane?.waits ?? false;
  const placed = {
    ...run,
    ...(waits && { why: "Waiting for the trigger's run before it to end." }),
    conversation: { ...run.conversation, id: conversation.id },
  };
  const { workspace } = order;
  const restore = workspace ? workspaceOf(workspace, sessionId) : null;
  return { ...accepted(placed, { order, acceptance, restore, waits }), conversation };
}

/** A run that is the next turn of a conversation; it waits if another turn is at work. */
export function acceptTurn(
  order: Order,
  acceptance: Acceptance,
  before: { conversation: Conversation; session: Session | null },
): Accepted {
  const { id, now } = acceptance;
  const conversation = addTurn(before.conversation, { id, agent: order.agent }, now);
  const waits = conversation.activeRun !== id;
  const run = newRun(order, acceptance);
  const placed = {
    ...run,
    ...(waits && { why: "Waiting for the turn before it to end." }),
    conversation: { ...run.conversation, id: conversation.id, turn: conversation.turns },
  };
  const restore = waits ? null : before.session;
  return { ...accepted(placed, { order, acceptance, restore, waits }), conversation };
}

interface Rest {
  order: Order;
  acceptance: Acceptance;
  restore: Session | null;
  waits?: boolean;
}

function accepted(run: Run, { order, acceptance, restore, waits = false }: Rest) {
  const { prompt, agent, labels, files = [], workspace, tree, deliver, webhook } = order;
  const settings = resolveAgent(order.settings);
  const places = deliver ? deliveredOf(deliver, settings) : [];
  const owed = deliver && places.length > 0 ? deliveryOf(run, deliver, places) : undefined;
  const state: RunState = {
    ...newState(settings, acceptance),
    ...(owed && { delivery: owed.delivery }),
    ...(webhook !== undefined && { webhook }),
    restore,
    waitsForTurn: waits,
    waitsSince: waits ? null : acceptance.now,
    dueAt: after(acceptance.now, waits ? TIMING.turnDue : TIMING.pendingDue),
    tellAt: after(acceptance.now, TIMING.tell),
  };
  const status = { type: "status", status: run.status, why: run.why } as const;
  const placed = { ...run, ...owed?.run };
  const { record, events } = withEvents({ run: placed, state }, [status], acceptance.now);
  const asked = { runId: run.id, prompt, agent, settings, labels };
  const more = {
    ...(files.length > 0 && { files }),
    ...(workspace && { workspace: { run: workspace.runId } }),
    ...(tree && { tree }),
    ...(deliver && { deliver }),
  };
  return { ...record, events, request: { ...asked, ...more } };
}

function newRun(
  { prompt, agent, labels, parentRunId }: Order,
  { id, owner, now }: Acceptance,
): Run {
  return {
    id,
    schemaVersion: 1,
    owner,
    status: "pending",
    done: false,
    why: "Waiting to be submitted to Cloud Build.",
    promptPreview: preview(prompt, RUN_LIMITS.promptPreviewLength),
    agent,
    conversation: { id: "", turn: 1, session: null, remark: "" },
    parentRunId,
    labels,
    labelPairs: Object.entries(labels).map(([key, value]) => `${key}:${value}`),
    attempt: 1,
    progress: null,
    phases: [],
    changes: null,
    verdict: null,
    output: null,
    error: null,
    usage: null,
    checkpoint: null,
    artifacts: [],
    isolation: null,
    history: [{ version: 1, status: "pending", at: now, cause: "accepted" }],
    createdAt: now,
    updatedAt: now,
    finishedAt: null,
    archivedAt: null,
  };
}

function newState(agent: ResolvedAgent, acceptance: Acceptance): RunState {
  const {
    owner,
    nonce,
    sessionId,
    requestHash,
    writer,
    trace = null,
    retention,
    fired,
  } = acceptance;
  return {
    ...UNSAID,
    schemaVersion: STATE_VERSION,
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
    machineType: agent.machineType,
    model: agent.model ?? null,
    acceptedAt: acceptance.now,
    dueAt: null,
    told: 0,
    tellAt: null,
    deadlineAt: null,
    cancelRequestedAt: null,
    timeoutSeconds: agent.timeoutSeconds,
    budgetUsd: agent.maxBudgetUsd,
    asideMicros: null,
    chargedMicros: 0,
    trace,
    requestHash,
    writer,
    ...(retention && { retention }),
    origin: fired?.origin ?? null,
    lane: fired?.lane?.triggerId ?? null,
  };
}
