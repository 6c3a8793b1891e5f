import { Instant, nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { AgentRef, type Run } from "./run.ts";

/** Ids of conversations: `conv_…`. */
export const CONVERSATION_ID = "^conv_[0-9A-Za-z]{22}$";

/** The document `conversations/{id}`: the runs that continue one agent session, one at a time. */
export const Conversation = Type.Object({
  id: Type.String(
    formed({
      pattern: CONVERSATION_ID,
      form: "the id of a conversation",
      example: "conv_2MApo7WXve5lCHoJCSaJKN",
    }),
  ),
  schemaVersion: Type.Literal(1),
  owner: Type.String(),
  turns: Type.Integer({ description: "Turns so far, those that wait included." }),
  activeRun: nullable(Type.String(), {
    description: "The run whose turn it is; taken with the POST, released with the run's end.",
  }),
  queue: Type.Array(Type.String(), { description: "Runs that wait for their turn, in order." }),
  lastRun: nullable(Type.String(), {
    description: "The run that was active last: what it left is what the next turn begins with.",
  }),
  agent: nullable(AgentRef, { description: "The agent of the latest turn." }),
  createdAt: Instant,
  updatedAt: Instant,
});
export type Conversation = Static<typeof Conversation>;

/** The conversation that a run begins; its id is made of the run's. */
export function newConversation({ id, owner, agent }: Run, now: Date): Conversation {
  return {
    id: id.replace(/^run_/, "conv_"),
    schemaVersion: 1,
    owner,
    turns: 1,
    activeRun: id,
    queue: [],
    lastRun: id,
    agent,
    createdAt: now,
    updatedAt: now,
  };
}

/** The conversation with one more turn: at work at once if nobody else is, else waiting. */
export function addTurn(
  conversation: Conversation,
  run: Pick<Run, "id" | "agent">,
  now: Date,
): Conversation {
  const next = { ...conversation, turns: conversation.turns + 1, agent: run.agent, updatedAt: now };
  return conversation.activeRun === null
    ? { ...next, activeRun: run.id, lastRun: run.id }
    : { ...next, queue: [...conversation.queue, run.id] };
}

/**
 * The conversation after a run's end: the next in the queue has its turn, if the run was at work.
 */
export function endTurn(conversation: Conversation, runId: string, now: Date): Conversation {
  if (conversation.activeRun !== runId) {
    const queue = conversation.queue.filter((id) => id !== runId);
    return { ...conversation, queue, updatedAt: now };
  }
  const [activeRun = null, ...queue] = conversation.queue;
  const lastRun = activeRun ?? conversation.lastRun;
  return { ...conversation, activeRun, queue, lastRun, updatedAt: now };
}
