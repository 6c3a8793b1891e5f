import type { RunEvent } from "../../../client/types.ts";
import { type Browser, startBrowser } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import { answered, eventsOf, overRun, pageRun } from "../../support/page-run.ts";
import { type PageStage, startPageStage } from "../../support/page-stage.ts";

let stage: PageStage;
let browser: Browser;
beforeAll(async () => {
  [stage, browser] = await Promise.all([startPageStage(), startBrowser()]);
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

type Content = RunEvent["event"];
const call = (callId: string, input: string): Content => ({
  type: "tool",
  tool: "Bash",
  input,
  callId,
});
const result = (callId: string, isError = false): Content => ({
  type: "tool_result",
  callId,
  isError,
  preview: "one\ntwo",
  ms: 900,
});
const phase = (name: "queue" | "agent" | "setup", state: "started" | "done"): Content => ({
  type: "phase",
  name,
  state,
  ...(state === "done" && { ms: 900 }),
});

/** The same as of an attempt. */
const asAttempt = (attempt: number, events: RunEvent[]): RunEvent[] =>
  events.map((event) => ({ ...event, id: `${attempt}-${event.id.slice(2)}` }));

test("a failed call is found from the phases, by a click and by keys", async () => {
  const events = eventsOf(
    phase("queue", "done"),
    phase("agent", "started"),
    ...Array.from({ length: 60 }, (_, i) => [
      call(`c${i}`, `step ${i}`),
      result(`c${i}`, i === 3),
    ]).flat(),
    phase("agent", "done"),
  );
  stage.stage(overRun({ id: "run_drill", status: "failed" }), { events });
  const page = await browser.open(stage.address("?run=run_drill"));
  const phases = page.getByRole("region", { name: "Phases of attempt 1" });
  await phases.getByText("1 failed").waitFor();
  await phases.getByText("did not run").waitFor();
  await page.getByText("20 earlier turns not shown.").waitFor();
  await phases.getByRole("button", { name: "tools, 60" }).focus();
  await page.keyboard.press("Enter");
  await phases.getByText("30 shorter calls are in the transcript.").waitFor();
  await phases.getByRole("button", { name: "Bash step 3", exact: true }).press("Enter");
  await eventually(async () => {
    expect(await page.locator(":focus").textContent()).toContain("step 3");
  }, 5);
  await page.getByText("step 3\n\none\ntwo").waitFor();
  await page.locator("rect.tick.bad").first().click();
  await page.keyboard.press("]");
  await eventually(async () => {
    expect(await page.locator(":focus").textContent()).toBe("Turn 5");
  }, 5);
  expect(browser.complaints).toEqual([]);
});

test("an attempt that was given up is folded below the one that goes on", async () => {
  const events = [
    ...asAttempt(1, eventsOf(phase("queue", "done"), phase("setup", "started"))),
    ...asAttempt(2, eventsOf(phase("queue", "done"), phase("agent", "started"))),
  ];
  stage.stage(pageRun({ id: "run_twice", status: "running", attempt: 2 }), { events });
  const page = await browser.open(stage.address("?run=run_twice"));
  await page.getByRole("region", { name: "Phases of attempt 2" }).waitFor();
  await page.getByRole("button", { name: /Attempt 1, given up after .* in setup/ }).click();
  const earlier = page.getByRole("region", { name: "Phases of attempt 1" });
  await earlier.getByText("did not run").first().waitFor();
});

test("what was delivered is named, and its pull request is a link of the web's alone", async () => {
  const repository = {
    url: "https://github.com/octo/site",
    branch: "runyard/run_x\u202e",
    baseCommit: "b",
    headCommit: "h",
    conflict: true,
    pullRequest: { number: 7, url: "https://github.com/octo/site/pull/7", state: "draft" },
    delivery: "done",
    why: "Delivered, and the two conflict.",
  } as const;
  stage.stage(overRun({ id: "run_delivered", status: "failed", repository }));
  const page = await browser.open(stage.address("?run=run_delivered"), {
    viewport: { width: 1440, height: 900 },
  });
  const beside = page.getByRole("complementary");
  const link = beside.getByRole("link", { name: "#7" });
  expect(await link.getAttribute("href")).toBe(repository.pullRequest.url);
  await beside.getByText("runyard/run_x⟨RLO⟩").waitFor();
  await beside.getByText("Delivered, and the two conflict.").waitFor();
  // A run that ended well has it in its row.
  const plain = { ...repository, conflict: false };
  stage.stage(overRun({ id: "run_fine", repository: plain }));
  const fine = await browser.open(stage.address("?run=run_fine"));
  await fine.getByText("Delivered").filter({ visible: true }).waitFor();
  await fine.getByRole("link", { name: "#7" }).filter({ visible: true }).waitFor();
  const pullRequest = { ...repository.pullRequest, url: "javascript:alert(1)" };
  const forged = { ...repository, pullRequest };
  stage.stage(overRun({ id: "run_forged", status: "failed", repository: forged }));
  const other = await browser.open(stage.address("?run=run_forged"), {
    viewport: { width: 1440, height: 900 },
  });
  await other.getByRole("complementary").getByText("#7 draft").waitFor();
  expect(await other.getByRole("link", { name: "#7" }).count()).toBe(0);
});

test("a verdict says what to change, and what the run was allowed", async () => {
  const remedy = 'Allow them. As it was, this would do: "allowedTools": ["Bash(ls)"].';
  const error = { code: "permission_denied", kind: "agent", message: "Denied.", remedy } as const;
  const denied = overRun({
    id: "run_denied",
    status: "failed",
    why: "Every tool was denied.",
    verdict: { outcome: "permission_denied", deniedTools: ["Bash", "Bash", "Write"] },
    error: { ...error, retryable: false },
    output: answered("All done."),
    usage: { costUsd: 0.04, inputTokens: 1, outputTokens: 1, turns: 2, incomplete: false },
  });
  const settings = { allowedTools: ["Read"], maxBudgetUsd: 5, model: "opus" };
  const events = eventsOf(call("a", "ls"), { type: "denied", tool: "Bash", callId: "a" });
  stage.stage(denied, { request: { settings }, events });
  const page = await browser.open(stage.address("?run=run_denied"), {
    viewport: { width: 1440, height: 900 },
  });
  await page.getByText('+ settings.allowedTools ["Read","Bash(ls)"]').waitFor();
  await page.getByText("Bash 2 times, Write once").waitFor();
  await page.getByText("“All done.”").waitFor();
  await page.getByRole("complementary").getByText("$0.04 of $5.00").waitFor();
  await page.getByRole("link", { name: "Request" }).click();
  await page.getByText('"maxBudgetUsd": 5').waitFor();
});

test("checks that failed are shown with what they said, as text", async () => {
  const unit = { name: "unit", state: "failed", required: true, exitCode: 1, ms: 1500 } as const;
  const checks = [
    { ...unit, output: "<b>1 of 9</b> failed\u202e", editedByAgent: true },
    {
      ...unit,
      name: "lint",
      state: "passed" as const,
      exitCode: 0,
      output: "",
      editedByAgent: false,
    },
  ];
  const message = "Done, but checks did not pass: unit (exit code 1).";
  const error = { code: "checks_failed", kind: "agent", message, remedy: "Mend it." } as const;
  const run = overRun({
    id: "run_checked",
    status: "failed",
    why: message,
    verdict: { outcome: "checks_failed", deniedTools: [], checks, verified: false },
    error: { ...error, retryable: false },
  });
  stage.stage(run, {});
  const page = await browser.open(stage.address("?run=run_checked"));
  await page.getByText("1 passed, 1 did not: unit failed with exit code 1 after 1.5 s").waitFor();
  await page.getByRole("link", { name: /^Checks/ }).waitFor();
  await page.getByText("<b>1 of 9</b> failed⟨RLO⟩").waitFor();
  await page.getByText("The agent changed a file that its command names.").waitFor();
  await page.getByRole("heading", { name: "lint: passed after 1.5 s" }).waitFor();
  expect(browser.complaints).toEqual([]);
});

const file = (name: string, contentType: string, sizeBytes: number) => ({
  ...{ name, contentType, sizeBytes },
  uri: `gs://bucket/${name}`,
  sha256: "0",
});
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const REFUSED_IN_FRAME = /sandboxed and the 'allow-scripts'|Content Security Policy/;
const HOSTILE_PAGE = `<p onclick="this.id='by-script'">A report</p>
<img src=x onerror="document.body.id='by-script'">
<script>document.write('<p id=by-script>' + parent.document.title)</script>`;

test("artifacts are looked at, texts as texts, and downloaded", async () => {
  const artifacts = [
    file("a.html", "text/html", 30),
    file("long.log", "text/plain", 90_000),
    file("shots/a.png", "image/png", 70),
    file("all.tar", "application/x-tar", 2_400_000),
  ];
  stage.stage(overRun({ id: "run_left", artifacts }), {
    artifacts: {
      "a.html": HOSTILE_PAGE,
      "long.log": "x".repeat(90_000),
      "shots/a.png": Buffer.from(PIXEL, "base64"),
    },
  });
  const page = await browser.open(stage.address("?run=run_left&tab=artifacts"));
  await page.getByRole("button", { name: "a.html", exact: true }).click();
  // It is shown, and neither runs, nor asks for anything, nor knows whose frame it is.
  const shown = page.frameLocator("iframe.preview");
  await shown.getByText("A report").waitFor();
  expect(await shown.locator("#by-script").count()).toBe(0);
  expect(await page.locator("iframe.preview").getAttribute("sandbox")).toBe("");
  await page.getByRole("button", { name: "long.log", exact: true }).click();
  await page.getByText("Only its beginning is shown: download it.").waitFor();
  await page.getByRole("button", { name: "shots/a.png", exact: true }).click();
  const image = page.getByRole("img", { name: "shots/a.png" });
  await eventually(async () => {
    expect(
      await image.evaluate((node) => (node as unknown as { naturalWidth: number }).naturalWidth),
    ).toBe(1);
  }, 5);
  expect(await page.getByRole("button", { name: "all.tar", exact: true }).count()).toBe(0);
  await page.getByText("2.4 MB").waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download shots/a.png" }).click();
  expect((await download).suggestedFilename()).toBe("a.png");
  const whole = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download all", exact: true }).click();
  expect((await whole).suggestedFilename()).toBe("run_left.tar");
  // The page's policy and the sandbox hold in the frame; nothing else complains.
  expect(browser.complaints.filter((said) => !REFUSED_IN_FRAME.test(said))).toEqual([]);
  browser.complaints.length = 0;
  expect(browser.complaints).toEqual([]);
});

test("a log that breaks off goes on where it was", async () => {
  let asked = 0;
  stage.stage(pageRun({ id: "run_logs", status: "running" }));
  stage.answers.set("/runs/run_logs/logs", (_request, response) => {
    asked += 1;
    response.type("text/plain").write("one\ntwo\n");
    if (asked === 1) setTimeout(() => response.destroy(), 500);
    else response.end("three\n");
  });
  const page = await browser.open(stage.address("?run=run_logs&tab=logs"));
  const log = page.getByRole("region", { name: "Logs" }).locator("pre");
  await page.getByText("No connection since").waitFor();
  await eventually(async () => expect(await log.textContent()).toBe("one\ntwo\nthree\n"));
  expect(await page.getByText("No connection since").count()).toBe(0);
  expect(asked).toBe(2);
  browser.complaints.splice(0);
});
