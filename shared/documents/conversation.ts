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

/** Whose turn it is, and who waits, in order. */
export type Turns = Pick<Conversation, "activeRun" | "queue" | "lastRun" | "updatedAt">;

/** The conversation that a run begins; its id is made of the run's, unless it is said. */
export function newConversation(
  { id, owner, agent }: Run,
  now: Date,
  conversationId = id.replace(/^run_/, "conv_"),
): Conversation {
  return {
    id: conversationId,
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
  const next = takeTurn(conversation, run.id, now);
  return { ...next, turns: conversation.turns + 1, agent: run.agent };
}

/** Those whose turn it is with one more run, which may have to wait. */
export function takeTurn<T extends Turns>(turns: T, runId: string, now: Date): T {
  return turns.activeRun === null
    ? { ...turns, activeRun: runId, lastRun: runId, updatedAt: now }
    : { ...turns, queue: [...turns.queue, runId], updatedAt: now };
}

/** The same after a run's end: the next in the queue has its turn, if the run was at work. */
export function endTurn<T extends Turns>(turns: T, runId: string, now: Date): T {
  if (turns.activeRun !== runId) {
    const queue = turns.queue.filter((id) => id !== runId);
    return { ...turns, queue, updatedAt: now };
  }
  const [activeRun = null, ...queue] = turns.queue;
  const lastRun = activeRun ?? turns.lastRun;
  return { ...turns, activeRun, queue, lastRun, updatedAt: now };
}
