import type { Page } from "playwright-core";
import type { RunEvent } from "../../client/types.ts";
import { eventually } from "./eventually.ts";
import { answered, eventsOf, overRun } from "./page-run.ts";
import type { PageStage } from "./page-stage.ts";

/** Something huge and hostile that the page is to bear. */
export interface Huge {
  name: string;
  /** Where the page shows it. */
  rest: string;
  stage(stage: PageStage): void;
  /** Looks at all of it as a person would. */
  use(page: Page): Promise<void>;
}

/** Where a phone shows it. */
export const NARROW = { viewport: { width: 360, height: 740 }, hasTouch: true };

/** Tries to be run, to be read as markup, and to change what stands around it. */
const HOSTILE =
  "<img src=x onerror=alert(1)><script>alert(2)</script>\u001b[2J\u202e\u0000&lt;javascript:alert(3)";

/** Waits for a text; what looks for it is not felt itself, as a locator of a text would be. */
const says = (page: Page, text: string): Promise<void> =>
  eventually(async () => {
    const isThere = `document.body.textContent.includes(${JSON.stringify(text)})`;
    if ((await page.evaluate(isThere)) !== true) throw new Error(`nowhere stands: ${text}`);
  });

const CALLS: Huge = {
  name: "5,000 tool calls",
  rest: "?run=run_calls",
  stage(stage) {
    const contents = Array.from({ length: 5000 }, (_, i): RunEvent["event"][] => [
      ...(i % 3 === 0 ? [{ type: "text" as const, text: `${i} ${HOSTILE}` }] : []),
      { type: "tool", tool: HOSTILE, input: `${HOSTILE} ${i}`, callId: `c${i}` },
      { type: "tool_result", callId: `c${i}`, isError: i % 50 === 0, preview: HOSTILE, ms: 10 },
    ]).flat();
    const events = eventsOf(
      { type: "phase", name: "queue", state: "done", ms: 900 },
      { type: "phase", name: "agent", state: "started" },
      ...contents,
    );
    const run = overRun({ id: "run_calls", status: "failed", why: HOSTILE, labelPairs: [HOSTILE] });
    stage.stage({ ...run, promptPreview: HOSTILE }, { events });
  },
  async use(page) {
    await says(page, "4,960 earlier turns not shown");
    await says(page, "⟨RLO⟩␀&lt;");
    await page.locator(".fold button").click();
    await page.locator(".fall button.in").click();
    await says(page, "4970 shorter calls");
  },
};

const ANSWER: Huge = {
  name: "an answer of 20 MB",
  rest: "?run=run_answer&tab=answer",
  stage(stage) {
    const name = "result.json";
    const artifact = { name, uri: "gs://b/o", contentType: "application/json", sha256: "0" };
    const text = `${HOSTILE}\n\n[x](javascript:alert(4)) ${"[".repeat(3000)}${"*a _b ".repeat(1000)}`;
    const output = { ...answered(text), truncated: true, structured: { [HOSTILE]: HOSTILE } };
    const run = overRun({ id: "run_answer", output, artifacts: [{ ...artifact, sizeBytes: 2e7 }] });
    stage.stage(run);
    const content = Buffer.alloc(2e7, `${HOSTILE}\n`);
    stage.answers.set(`/runs/run_answer/artifacts/${name}`, ({ headers }, response) => {
      const [, to] = /^bytes=0-(\d+)$/.exec(headers.range ?? "") ?? [];
      response.send(to === undefined ? content : content.subarray(0, Number(to) + 1));
    });
    stage.answers.set("/runs/run_answer/logs", (_request, response) => void response.send(content));
  },
  async use(page) {
    await says(page, "The answer is longer: 20.0 MB. Its beginning is shown.");
    await says(page, "*a _b");
    if ((await page.locator(".markdown a[href]").count()) > 0) throw new Error("it is a link");
    await page.locator(".tabs a[href*=artifacts]").click();
    await page.locator(".artifact button").first().click();
    await says(page, "Only its beginning is shown: download it.");
    await page.locator(".tabs a[href*=logs]").click();
    await says(page, "The last 20,000 characters.");
  },
};

const PATCH: Huge = {
  name: "a patch of 500 kB with thousands of lines and one long one",
  rest: "?run=run_patch",
  stage(stage) {
    const line = "+  const value = compute(12, 'text'); // words";
    const added = [
      ...Array.from({ length: 4800 }, () => line),
      `+${HOSTILE}`,
      `+${"y".repeat(2e5)}`,
    ];
    const patch = [
      "diff --git a/a.ts b/a.ts",
      "new file mode 100644",
      "--- /dev/null",
      "+++ b/a.ts",
      `@@ -0,0 +1,${added.length} @@ ${HOSTILE}`,
      ...added,
      "",
    ].join("\n");
    const artifact = {
      name: "patch.diff",
      uri: "gs://b/o",
      contentType: "text/x-diff",
      sha256: "0",
    };
    const changes = { files: 1, added: added.length, removed: 0 };
    const artifacts = [{ ...artifact, sizeBytes: patch.length }];
    stage.stage(overRun({ id: "run_patch", changes, artifacts }), { patch });
  },
  async use(page) {
    await says(page, "198000 more characters");
  },
};

export const HUGE: readonly Huge[] = [CALLS, ANSWER, PATCH];
