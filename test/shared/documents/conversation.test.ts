import {
  addTurn,
  type Conversation,
  endTurn,
  newConversation,
} from "../../../shared/documents/conversation.ts";
import { acceptTurn } from "../../../shared/run/accept.ts";
import { next } from "../../../shared/run/run.ts";
import {
  at,
  cancel,
  lease,
  makeOrder,
  makeRun,
  settled,
  after as transitioned,
} from "../../support/make-run.ts";

const FIRST = makeRun();

function conversationWith(...ids: string[]): Conversation {
  const first = newConversation(FIRST.run, at(0));
  return ids.reduce((conversation, id) => addTurn(conversation, { id, agent: null }, at(1)), first);
}

/** A turn after {@link FIRST}. */
function makeTurn(conversation: Conversation) {
  const { id, owner } = FIRST.run;
  const acceptance = {
    id: id.replace(/0$/, "1"),
    owner,
    nonce: "nonce9",
    sessionId: "session9",
    requestHash: "hash",
    writer: "writer",
    now: at(5),
  };
  return acceptTurn(makeOrder(), acceptance, { conversation, session: null });
}

test("a run begins a conversation and has its first turn", () => {
  const conversation = newConversation(FIRST.run, at(0));
  expect(conversation.id).toBe(FIRST.run.id.replace("run_", "conv_"));
  expect(FIRST.run.conversation).toMatchObject({ id: conversation.id, turn: 1 });
  expect(conversation).toMatchObject({ turns: 1, activeRun: FIRST.run.id, queue: [] });
});

test("turns that come while one is at work wait in their order", () => {
  const waiting = conversationWith("b", "c");
  expect(waiting).toMatchObject({ turns: 3, activeRun: FIRST.run.id, queue: ["b", "c"] });
  const second = endTurn(waiting, FIRST.run.id, at(2));
  expect(second).toMatchObject({ activeRun: "b", queue: ["c"], lastRun: "b" });
  const third = endTurn(second, "b", at(3));
  expect(endTurn(third, "c", at(4))).toMatchObject({ activeRun: null, queue: [], lastRun: "c" });
});

test("a turn that ends while it waits leaves the queue and nobody's turn", () => {
  const left = endTurn(conversationWith("b", "c"), "b", at(2));
  expect(left).toMatchObject({ activeRun: FIRST.run.id, queue: ["c"], lastRun: FIRST.run.id });
});

test("a turn in an idle conversation begins at once", () => {
  const idle = endTurn(conversationWith(), FIRST.run.id, at(2));
  const { run, state, conversation } = makeTurn(idle);
  expect(run.conversation).toMatchObject({ id: idle.id, turn: 2 });
  expect(state.waitsForTurn).toBe(false);
  expect(conversation).toMatchObject({ activeRun: run.id, lastRun: run.id, turns: 2 });
});

describe("a turn that waits", () => {
  const waiting = makeTurn(conversationWith());

  test("gets no lease, and is not due for long", () => {
    expect(waiting.run.why).toMatch(/turn before/);
    expect(next(waiting, lease, at(6)).changed).toBe(false);
    expect(Number(waiting.state.dueAt) - Number(at(5))).toBe(3_600_000);
  });

  test("is woken with what the turn before left, once", () => {
    const restore = { sessionId: "s" } as NonNullable<typeof waiting.state.restore>;
    const woken = transitioned(waiting, { type: "turn", restore });
    expect(woken.state).toMatchObject({ waitsForTurn: false, restore, phase: "pending" });
    expect(next(woken, { type: "turn", restore: null }, at(7)).changed).toBe(false);
    expect(next(woken, lease, at(7)).changed).toBe(true);
  });

  test("is cancelled at once", () => {
    const { run } = transitioned(waiting, cancel);
    expect(run.status).toBe("cancelled");
  });
});

test("a run that leaves no session hands on the one that it restored", () => {
  const restore = { sessionId: "s" } as NonNullable<typeof FIRST.state.restore>;
  const turn = transitioned({ ...FIRST, state: { ...FIRST.state, restore } }, lease);
  expect(transitioned(turn, settled("timed_out")).state.session).toBe(restore);
});

test("a later turn that had no session to go on from says so", () => {
  const idle = endTurn(conversationWith(), FIRST.run.id, at(2));
  const result = {
    output: null,
    changes: null,
    usage: null,
    artifacts: [],
    isolation: "none",
    conversation: { session: "new", remark: "" },
  } as const;
  const verdict = { outcome: "succeeded", message: "Done.", deniedTools: [] } as const;
  const settlement = {
    verdict: { ...verdict, deniedTools: [] },
    result: { ...result, artifacts: [] },
  };
  const { run } = transitioned(makeTurn(idle), lease, settled("succeeded", { settlement }));
  expect(run.conversation.session).toBe("lost");
  expect(run.conversation.remark).toMatch(/began anew/);
});
