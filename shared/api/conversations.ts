import { Conversation } from "../documents/conversation.ts";
import { CreateTurn, RunAnswer } from "../documents/run.ts";
import { Type } from "../schema/type.ts";
import { IDEMPOTENCY_KEY, PREFER } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { RUN_ACCEPTED } from "./runs.ts";

/** `GET /v1/conversations/{id}`: the conversation with its turns, oldest first; those of deleted runs are left out. */
export const ConversationWithTurns = Type.Object({
  ...Conversation.properties,
  items: Type.Array(RunAnswer),
});

export const CONVERSATION_OPERATIONS = [
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
    headers: { ...IDEMPOTENCY_KEY, ...PREFER },
    body: CreateTurn,
    answers: RUN_ACCEPTED,
    problems: [
      "not_found",
      "conversation_busy",
      "agent_archived",
      "idempotency_key_reused",
      "limit_reached",
    ],
  },
] as const satisfies readonly Operation[];
