import type { Run } from "../../../client/types.ts";
import {
  answeredIds,
  canContinue,
  needsAttention,
  remedyOf,
  waitsTooLong,
} from "../../../page/words/attention.ts";
import { overRun, pageRun, secondsAfter } from "../../support/page-run.ts";

const soon = secondsAfter(120);
const later = secondsAfter(3 * 24 * 3600);
const seen = { isUnread: false, isAnswered: false, now: soon };

const error = (kind: "limit" | "agent" | "infrastructure", retryable = false): Run["error"] => ({
  code: "x",
  kind,
  message: "It failed.",
  remedy: "Mend it.",
  retryable,
});
const failed = overRun({ status: "failed", error: error("agent") });

test("a fault asks for a look until it is answered, or was seen and is a day old", () => {
  expect(needsAttention(failed, seen)).toBe(true);
  expect(needsAttention(failed, { ...seen, now: later })).toBe(false);
  expect(needsAttention(failed, { ...seen, now: later, isUnread: true })).toBe(true);
  expect(needsAttention(failed, { ...seen, isUnread: true, isAnswered: true })).toBe(false);
});

test("so do denials, and nothing that ended as it was meant to", () => {
  const verdict = { outcome: "succeeded_with_denials", deniedTools: ["WebFetch"] };
  expect(needsAttention(overRun({ verdict }), seen)).toBe(true);
  expect(needsAttention(overRun(), { ...seen, isUnread: true })).toBe(false);
  expect(needsAttention(overRun({ status: "cancelled" }), seen)).toBe(false);
});

test("so does a wait for capacity of more than ten minutes, but not one for the turn before", () => {
  expect(waitsTooLong(pageRun(), secondsAfter(600))).toBe(false);
  expect(waitsTooLong(pageRun(), secondsAfter(601))).toBe(true);
  expect(waitsTooLong(pageRun({ status: "running" }), later)).toBe(false);
  const turn = { ...pageRun().conversation, turn: 2 };
  expect(waitsTooLong(pageRun({ conversation: turn }), later)).toBe(false);
  expect(needsAttention(pageRun({ status: "queued" }), { ...seen, now: later })).toBe(true);
});

test("a remedy is offered only if the API takes it", () => {
  expect(remedyOf(pageRun())).toBe("cancel");
  expect(remedyOf(overRun())).toBeUndefined();
  expect(remedyOf(failed)).toBe("change");
  const again = overRun({ status: "failed", error: error("infrastructure", true) });
  expect(remedyOf(again)).toBe("rerun");
  expect(remedyOf(overRun({ status: "timed_out", error: error("limit") }))).toBe("continue");
  expect(canContinue(failed)).toBe(false);
  expect(canContinue(overRun({ status: "cancelled" }))).toBe(true);
});

test("a run is answered by one that repeats it, and by a later turn", () => {
  const conversation = (turn: number, id = "conv_a") => ({ ...pageRun().conversation, id, turn });
  const runs = [
    pageRun({ id: "run_3", conversation: conversation(3) }),
    pageRun({ id: "run_1", conversation: conversation(1) }),
    pageRun({ id: "run_4", conversation: conversation(1, "conv_b"), parentRunId: "run_0" }),
  ];
  expect([...answeredIds(runs)].sort()).toEqual(["run_0", "run_1"]);
});
