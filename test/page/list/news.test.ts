import { newsOf } from "../../../page/list/news.ts";
import { overRun, pageRun } from "../../support/page-run.ts";

test("what began and what ended is told, once, and nothing of runs that only came into the list", () => {
  const [waits, works] = [pageRun({ id: "a" }), pageRun({ id: "b", status: "running" })];
  const before = new Map([waits, works].map((run) => [run.id, run]));
  const after = new Map([
    ["a", { ...waits, status: "running" as const }],
    ["b", overRun({ id: "b", promptPreview: "Fix it\nnow" })],
    ["c", overRun({ id: "c" })],
  ]);
  expect(newsOf(before, after)).toEqual(["Started: Do it.", "Succeeded: Fix it."]);
  expect(newsOf(after, after)).toEqual([]);
});
