import axe from "axe-core";
import type { Page } from "playwright-core";
import { type Browser, startBrowser } from "../support/browser.ts";
import { stageEvents } from "../support/page-events.ts";
import { answered, eventsOf, overRun, pageRun } from "../support/page-run.ts";
import { type PageStage, startPageStage } from "../support/page-stage.ts";
import { stageViews } from "../support/page-views.ts";

let stage: PageStage;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  [stage, browser] = await Promise.all([startPageStage(), startBrowser()]);
  page = await browser.open("about:blank", { bypassCSP: true });
  stageRuns();
  stageViews(stage);
  stageEvents(stage);
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

const PATCH = `diff --git a/src/round.ts b/src/round.ts
--- a/src/round.ts
+++ b/src/round.ts
@@ -1,3 +1,3 @@
 /** Money in whole cents. */
-export const toCents = (amount: number) => 1;
+export const toCents = (amount: Decimal) => "one";
 // the end
`;

function stageRuns(): void {
  const artifact = { uri: "gs://b/o", sha256: "0", sizeBytes: 100 };
  const artifacts = [
    { ...artifact, name: "patch.diff", contentType: "text/x-diff" },
    { ...artifact, name: "notes.txt", contentType: "text/plain" },
  ];
  const events = eventsOf(
    { type: "phase", name: "queue", state: "done", ms: 900 },
    { type: "phase", name: "agent", state: "started" },
    { type: "text", text: "I look." },
    { type: "tool", tool: "Bash", input: "ls", callId: "a" },
    { type: "tool_result", callId: "a", isError: true, preview: "no\nsuch", ms: 1000 },
    { type: "tool", tool: "Write", input: "a.txt", callId: "b" },
    { type: "denied", tool: "Write", callId: "b" },
    { type: "text", text: "Done." },
    { type: "tool", tool: "Read", input: "b.txt", callId: "c" },
  );
  const request = { settings: { maxBudgetUsd: 5, timeoutSeconds: 600, model: "opus" } };
  const staged = {
    events,
    request,
    patch: PATCH,
    log: "one\ntwo\n",
    artifacts: { "notes.txt": "x" },
  };
  const output = answered("# Title\n\nSome `code` and [a link](https://example.com).");
  const changes = { files: 1, added: 1, removed: 1 };
  stage.stage(overRun({ id: "run_done", artifacts, output, changes }), staged);
  const remedy = 'Allow it. As it was, this would do: "allowedTools": ["Write"].';
  const error = { code: "permission_denied", kind: "agent", message: "No.", remedy } as const;
  const verdict = { outcome: "permission_denied", deniedTools: ["Write"] };
  const failed = overRun({ id: "run_failed", status: "failed", verdict, output });
  stage.stage({ ...failed, error: { ...error, retryable: false } }, staged);
  // One at work since long ago would have a line of its time axis for each day.
  const works = pageRun({ id: "run_works", status: "running", changes });
  const now = new Date().toISOString();
  const told = events.map((event) => ({ ...event, at: now }));
  stage.stage({ ...works, createdAt: now }, { ...staged, events: told });
}

const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 360, height: 740 };

/** Opens what is folded of a view, so that it is looked at as well. */
const OPENED: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  "?run=run_failed": async (page) => {
    await page.locator(".fall button.in").click();
    await page.locator(".call").first().click();
  },
  "?view=usage": (page) => page.getByRole("slider").first().focus(),
  "?view=webhooks&id=whk_shop&tab=deliveries": (page) => page.locator("summary").first().click(),
  "?view=triggers&id=trg_issues&tab=edit": async (page) => {
    await page.getByLabel("Filter").fill("true");
    await page.getByLabel("USD a day").fill("much");
    await page.getByRole("button", { name: "Save" }).click();
  },
  "?run=run_done&tab=artifacts": (page) => page.locator(".artifact button").nth(2).click(),
};

test.each([
  ["", ".run"],
  ["?run=run_works", ".turn"],
  ["?run=run_failed", ".verdict ins"],
  ["?run=run_done", ".diff mark"],
  ["?run=run_done&tab=answer", ".markdown h1"],
  ["?run=run_done&tab=logs", ".log"],
  ["?run=run_done&tab=artifacts", ".artifact"],
  ["?run=run_done&tab=request", ".asked-text"],
  ["?run=run_none", ".mid"],
  ["?view=conversations", "tbody tr"],
  ["?view=conversations&id=conv_turns", "#follow-up"],
  ["?view=agents", "tbody tr"],
  ["?view=agents&id=agent_fixer", ".settings"],
  ["?view=agents&id=agent_fixer&tab=versions", ".ver"],
  ["?view=agents&id=agent_fixer&tab=edit", "form"],
  ["?view=triggers", "tbody tr"],
  ["?view=triggers&id=trg_paused", ".settings"],
  ["?view=triggers&id=trg_issues&tab=firings", ".entry"],
  ["?view=triggers&id=trg_issues&tab=fir_matched", "h2"],
  ["?view=triggers&id=trg_issues&tab=edit", "form"],
  ["?view=webhooks", "tbody tr"],
  ["?view=webhooks&id=whk_fails", ".settings"],
  ["?view=webhooks&id=whk_shop&tab=deliveries", ".entry"],
  ["?view=webhooks&id=new", "form"],
  ["?run=run_done&tab=deliveries", ".entry"],
  ["?view=usage", ".plot-place rect"],
])(
  "axe finds nothing at /%s, wide or narrow, light or dark",
  async (rest, drawn) => {
    await page.setViewportSize(WIDE);
    await page.goto(stage.address(rest));
    await page.locator(drawn).first().waitFor();
    await OPENED[rest]?.(page);
    // The page itself may not load it: it is put in from outside.
    await page.evaluate(axe.source);
    for (const viewport of [WIDE, NARROW]) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const looked = colorScheme === "light" ? "{}" : COLOURS;
        expect(await page.evaluate(foundBy(looked))).toEqual([]);
      }
    }
  },
  120_000,
);

/** What the other scheme can change. */
const COLOURS = '{ runOnly: ["color-contrast", "link-in-text-block"] }';

const foundBy = (options: string) =>
  `axe.run(document, { resultTypes: ["violations"], ...${options} }).then(({ violations }) =>
  violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) =>
    [id, html.slice(0, 200), failureSummary].join("\\n"))))`;
