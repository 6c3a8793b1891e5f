import { groupsOf, listSentence, wordsOf } from "../../../page/list/groups.ts";
import { drawnOf, topOf } from "../../../page/list/visible-rows.ts";
import { overRun, pageRun, secondsAfter } from "../../support/page-run.ts";

const now = secondsAfter(120);
const none = { now, words: [], isUnread: () => false };
const failed = overRun({ id: "run_failed", status: "failed" });
const working = pageRun({ id: "run_working", status: "running" });
const waiting = pageRun({ id: "run_waiting", createdAt: "2026-01-02T03:04:59.000Z" });
const done = overRun({ id: "run_done", labelPairs: ["team:docs"] });
const old = overRun({ id: "run_old", createdAt: "2025-12-24T03:04:05.000Z" });
const all = [old, done, working, waiting, failed];

test("what needs attention stands on top, then what is at work, then the days", () => {
  const groups = groupsOf(all, none);
  expect(groups.map(({ title, runs }) => [title, runs.map(({ id }) => id)])).toEqual([
    ["Needs attention", ["run_failed"]],
    ["At work", ["run_waiting", "run_working"]],
    ["Today", ["run_done"]],
    ["Earlier", ["run_old"]],
  ]);
  expect(listSentence(groups)).toBe("1 at work, 1 waits, 1 needs a look");
  expect(listSentence(groupsOf([done], none))).toBe("Nothing is at work");
});

test("a search finds runs that have every word, in prompt, id or labels", () => {
  const found = (q: string) =>
    groupsOf(all, { ...none, words: wordsOf(q) }).flatMap(({ runs }) => runs.map(({ id }) => id));
  expect(found("TEAM:docs it")).toEqual(["run_done"]);
  expect(found("run_old")).toEqual(["run_old"]);
  expect(found("nothing")).toEqual([]);
});

test("of ten thousand runs those are drawn that are seen", () => {
  const runs = Array.from({ length: 10_000 }, (_, i) => overRun({ id: `run_${i}` }));
  const groups = [
    { title: "Needs attention", runs: [failed], isTall: true },
    { title: "Today", runs, isTall: false },
  ];
  const heights = { head: 64, tall: 58, low: 36 };
  const [first, second] = drawnOf(groups, heights, { top: 36_000, bottom: 36_900 });
  expect(first).toMatchObject({ from: 1, to: 1 });
  expect(second?.from).toBeGreaterThan(990);
  expect((second?.to ?? 0) - (second?.from ?? 0)).toBeLessThanOrEqual(26);
  expect(topOf(groups, heights, "run_0")).toEqual({ top: 64 + 58 + 64, height: 36 });
  expect(topOf(groups, heights, "run_none")).toBeUndefined();
});
