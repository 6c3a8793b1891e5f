import { Conversation } from "../documents/conversation.ts";
import { CreateTurn } from "../documents/run.ts";
import { RunAnswer } from "../documents/run-answer.ts";
import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { RUN_ACCEPTED } from "./accepted.ts";
import { IDEMPOTENCY_KEY, PREFER, TRACEPARENT } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { pageOf, paging } from "./page.ts";

/**
 * `GET /v1/conversations/{id}`: the conversation with its turns, oldest first; those of deleted
 * runs are left out.
 */
export const ConversationWithTurns = Type.Object({
  ...Conversation.properties,
  items: Type.Array(RunAnswer),
});

/** A conversation in their list. */
export const ListedConversation = Type.Object({
  ...Conversation.properties,
  last: nullable(
    Type.Object({
      promptPreview: RunAnswer.properties.promptPreview,
      status: RunAnswer.properties.status,
      done: RunAnswer.properties.done,
    }),
    { description: "What `lastRun` is about. Null: it was deleted." },
  ),
});
export type ListedConversation = Static<typeof ListedConversation>;

/** `GET /v1/conversations`: the query's parameters. */
const ListConversations = Type.Object(paging, { additionalProperties: false });

export const CONVERSATION_OPERATIONS = [
  {
    id: "listConversations",
    method: "get",
    path: "/v1/conversations",
    tag: "Conversations",
    summary: "List conversations, newest first",
    access: "read",
    query: ListConversations,
    answers: {
      200: { description: "A page of conversations.", schema: pageOf(ListedConversation) },
    },
    problems: ["invalid"],
  },
  {
    id: "getConversation",
    method: "get",
    path: "/v1/conversations/{id}",
    tag: "Conversations",
    summary: "Get a conversation with its turns",
    access: "read",
    answers: { 200: { description: "The conversation.", schema: ConversationWithTurns } },
    problems: ["not_found"],
  },
  {
    id: "createTurn",
    method: "post",
    path: "/v1/conversations/{id}/runs",
    tag: "Conversations",
    summary: "Continue a conversation: the same agent session and files, on a fresh machine",
    access: "run",
    headers: { ...IDEMPOTENCY_KEY, ...PREFER, ...TRACEPARENT },
    body: CreateTurn,
    answers: RUN_ACCEPTED,
    problems: [
      "not_found",
      "upload_expired",
      "prompt_expired",
      "conflict",
      "conversation_busy",
      "agent_archived",
      "idempotency_key_reused",
      "limit_reached",
      "budget_spent",
      "no_sandbox",
    ],
  },
] as const satisfies readonly Operation[];
