import type { Conversation, Run } from "../../../client/types.ts";
import {
  conversationHead,
  costOf,
  touchedFiles,
  turnsOf,
} from "../../../page/conversation/turns.ts";
import { answered, overRun, pageRun } from "../../support/page-run.ts";

const turn = (number: number, run: Run): Run => ({
  ...run,
  id: `run_${number}`,
  conversation: { ...run.conversation, id: "conv_1", turn: number },
});
const over = (number: number, overrides: Partial<Run> = {}) => turn(number, overRun(overrides));
const waiting = (number: number, status: Run["status"] = "pending") =>
  turn(number, pageRun({ status }));
const conversation = (...items: Run[]) => ({ id: "conv_1", items }) as Conversation;

test("turns stand in their order, each in its latest state, with those that came since", () => {
  const [first, second] = [over(1), waiting(2)];
  const history = [
    { version: 9, status: "running", at: first.createdAt, cause: "started" },
  ] as const;
  const later = { ...second, status: "running" as const, history: [...history] };
  const stranger = { ...over(3), conversation: { ...first.conversation, id: "conv_2" } };
  const live = [waiting(3), later, stranger];
  const turns = turnsOf(conversation(second, first), live);
  expect(turns.map(({ id, status }) => [id, status])).toEqual([
    ["run_1", "succeeded"],
    ["run_2", "running"],
    ["run_3", "pending"],
  ]);
  // What is older than what was asked for says nothing.
  expect(turnsOf(conversation(later), [second])[0]?.status).toBe("running");
});

test.each([
  ["One turn: succeeded", [over(1)]],
  ["2 turns; the last: failed", [over(1), over(2, { status: "failed" })]],
  ["Turn 2 is at work", [over(1), waiting(2, "running")]],
  ["Turn 2 is at work, 2 wait", [over(1), waiting(2, "cancelling"), waiting(3), waiting(4)]],
  ["Turn 1 waits, 1 waits", [waiting(1, "queued"), waiting(2)]],
  ["No turn is left", []],
])("%s", (head, turns) => {
  expect(conversationHead(turns)).toBe(head);
});

test("costs and files are those of all turns together", () => {
  const file = (path: string, added: number) =>
    ({ path, status: "modified", added, removed: 1 }) as const;
  const output = (...changedFiles: ReturnType<typeof file>[]) => ({
    ...answered(""),
    changedFiles,
  });
  const usage = { costUsd: 0.25, inputTokens: 1, outputTokens: 1, turns: 1, incomplete: false };
  const turns = [
    over(1, { usage, output: output(file("a", 2), file("b", 3)) }),
    over(2, { usage, output: output(file("a", 4)) }),
    waiting(3, "running"),
  ];
  expect(costOf(turns)).toBe("$0.50 in 2 turns");
  expect(costOf([waiting(1)])).toBeUndefined();
  expect(touchedFiles(turns)).toEqual([
    { path: "a", added: 6, removed: 2 },
    { path: "b", added: 3, removed: 1 },
  ]);
});
