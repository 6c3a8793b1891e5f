import { ListedConversation } from "../../../shared/api/conversations.ts";
import { CONVERSATION_ID, type Conversation } from "../../../shared/documents/conversation.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { answerOf } from "../../../shared/documents/run-answer.ts";
import { AppError } from "../../../shared/errors.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { type Acceptance, acceptTurn, type Order } from "../../../shared/run/accept.ts";
import { positionOf } from "../../services/page.ts";
import type { BeforeTurn } from "../../services/runs.ts";
import type { Services } from "../../services/services.ts";
import {
  acceptanceOf,
  acceptRequest,
  confirmAccepted,
  refuseTooMuch,
} from "../accept/accept-order.ts";
import { filesOf } from "../accept/files.ts";
import { type Chosen, chosenAgent } from "../agents/chosen-agent.ts";
import type { Call, CallOf } from "../http/call.ts";
import { answerPage } from "../http/page.ts";

/** `GET /v1/conversations`: newest first. */
export async function listConversations(
  { conversations }: Services,
  call: CallOf<"listConversations">,
): Promise<void> {
  await answerPage(call, call.query, {
    read: async (part) => {
      const found = await conversations.list(call.owner, part);
      const runs = await conversations.lastRunsOf(found);
      return found.map((one) => ({ ...one, last: aboutOf(runs.get(one.lastRun ?? "")) }));
    },
    positionOf,
    show: inOrderOf,
  });
}

function aboutOf(run: Run | undefined): ListedConversation["last"] {
  if (run === undefined) return null;
  const { promptPreview, status, done } = answerOf(run);
  return { promptPreview, status, done };
}

/** A document's fields come back in alphabetical order. */
const inOrderOf = (conversation: ListedConversation): unknown =>
  Object.fromEntries(
    Object.keys(ListedConversation.properties).map((name) => [
      name,
      conversation[name as keyof ListedConversation],
    ]),
  );

/** `GET /v1/conversations/{id}`: the conversation and its turns. */
export async function getConversation(
  services: Services,
  call: CallOf<"getConversation">,
): Promise<void> {
  const conversation = await conversationOf(services, call.owner, call.params.id);
  const runs = await services.conversations.listTurns(conversation);
  call.response.json({ ...conversation, items: runs.map(answerOf) });
}

/**
 * `POST /v1/conversations/{id}/runs`: the next turn, with the agent of the latest unless it names
 * one.
 */
export async function createTurn(services: Services, call: CallOf<"createTurn">): Promise<void> {
  const { prompt, agent, labels, files, deliver, onBusy = "refuse" } = call.body;
  const conversation = await conversationOf(services, call.owner, call.params.id);
  await acceptRequest(services, call, async () => {
    const chosen =
      agent === undefined
        ? await agentOfLatest(services, conversation)
        : {
            ...(await chosenAgent(services, call.owner, agent)),
            tree: (await requestOfLatest(services, conversation))?.tree,
          };
    return placeTurn(services, call, {
      conversationId: conversation.id,
      order: {
        prompt,
        ...chosen,
        labels: { ...chosen.labels, ...labels },
        parentRunId: null,
        files: await filesOf(services, call.owner, files),
        ...(deliver && { deliver }),
      },
      refuses: (before) => {
        if (onBusy === "refuse") refuseBusy(before);
      },
    });
  });
}

/** A run that shall be the next turn of a conversation. */
interface Turn {
  conversationId: string;
  order: Order;
  /** Throws if this turn may not be added to the conversation as it is. */
  refuses(before: BeforeTurn): void;
}

/**
 * Accepts a run as the next turn of a conversation.
 *
 * @throws {AppError} conversation_busy, limit_reached, idempotency_key_reused, invalid
 */
export async function placeTurn(services: Services, call: Call, turn: Turn): Promise<Run> {
  await refuseTooMuch(services, call.owner, turn.order);
  const acceptance: Acceptance = acceptanceOf(services, call);
  const created = await services.conversations.createTurn(turn.conversationId, {
    id: acceptance.id,
    owner: acceptance.owner,
    accept: (before) => {
      turn.refuses(before);
      refuseFull(before.conversation);
      return acceptTurn(turn.order, acceptance, before);
    },
  });
  if (created === undefined) throw noConversation(turn.conversationId);
  return confirmAccepted(services, call, { acceptance, record: created });
}

/** @throws {AppError} conversation_busy if a turn is at work */
function refuseBusy({ conversation: { id, activeRun } }: BeforeTurn): void {
  if (activeRun === null) return;
  const detail = `run ${activeRun} is at work in conversation ${id}; wait for it, cancel it, or send onBusy: "queue"`;
  throw new AppError("conversation_busy", { detail });
}

/** @throws {AppError} limit_reached if too many turns wait */
export function refuseFull({ id, queue }: Conversation): void {
  if (queue.length < RUN_LIMITS.queuedTurns) return;
  const detail = `${queue.length} turns of conversation ${id} wait already; wait for some of them to end`;
  throw new AppError("limit_reached", { detail });
}

/**
 * What the latest turn ran with: the same version, or its settings, and delivered as it was.
 * Without one: the defaults.
 *
 * @throws {AppError} prompt_expired if the turn is there, and what it ran with is not
 */
export async function agentOfLatest(
  services: Services,
  conversation: Conversation,
): Promise<Chosen & Pick<Order, "tree" | "deliver">> {
  const request = await requestOfLatest(services, conversation);
  if (request !== undefined) {
    const { agent, settings, tree, deliver } = request;
    return { agent, settings, labels: {}, tree, deliver };
  }
  const { runs } = services;
  const latest = latestOf(conversation);
  if (latest === null || (await runs.getRun(latest)) === undefined) {
    return { agent: null, settings: {}, labels: {} };
  }
  const detail = `the settings of the turn before, run ${latest}, are no longer kept; say with agent what this turn shall run with`;
  throw new AppError("prompt_expired", { detail });
}

const latestOf = ({ queue, lastRun }: Conversation): string | null => queue.at(-1) ?? lastRun;

async function requestOfLatest({ runs }: Services, conversation: Conversation) {
  const latest = latestOf(conversation);
  return latest === null ? undefined : runs.getRequest(latest);
}

/**
 * A conversation of this owner; one that is absent and one of another owner look the same.
 *
 * @throws {AppError} not_found
 */
export async function conversationOf(
  { conversations }: Services,
  owner: string,
  id: string,
): Promise<Conversation> {
  const hasForm = new RegExp(CONVERSATION_ID).test(id);
  const conversation = hasForm ? await conversations.get(id) : undefined;
  if (conversation?.owner !== owner) throw noConversation(id);
  return conversation;
}

function noConversation(id: string): AppError {
  return new AppError("not_found", { detail: `there is no conversation ${id}` });
}
