import { type Browser, startBrowser } from "../../../support/browser.ts";
import { eventually } from "../../../support/eventually.ts";
import { overRun } from "../../../support/page-run.ts";
import { type PageStage, startPageStage } from "../../../support/page-stage.ts";

let stage: PageStage;
let browser: Browser;
beforeAll(async () => {
  [stage, browser] = await Promise.all([startPageStage(), startBrowser()]);
}, 60_000);
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

const PATCH = `diff --git a/src/billing/round.ts b/src/billing/round.ts
index 1..2 100644
--- a/src/billing/round.ts
+++ b/src/billing/round.ts
@@ -1,4 +1,5 @@ class Money {
+import { Decimal } from "decimal.js";
 /** Money in whole cents. */
-export function toCents(amount: number) {
+export function toCents(amount: Decimal) {
   return "<img src=x onerror=alert(1)>";
 }
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
diff --git a/old.txt b/gone.txt
similarity index 100%
rename from old.txt
rename to gone.txt
# Runyard: 2 files are left out
`;

const artifact = (sizeBytes: number) => ({
  name: "patch.diff",
  uri: "gs://bucket/patch.diff",
  contentType: "text/x-diff",
  sizeBytes,
  sha256: "0",
});

const changed = (id: string, bytes = PATCH.length) =>
  overRun({ id, changes: { files: 3, added: 2, removed: 1 }, artifacts: [artifact(bytes)] });

test("a patch is drawn side by side, in colours, with the words that changed", async () => {
  stage.stage(changed("run_split"), { patch: PATCH });
  const page = await browser.open(stage.address("?run=run_split"), {
    viewport: { width: 1440, height: 900 },
  });
  const file = page.getByRole("region", { name: "src/billing/round.ts" });
  await file.getByRole("cell", { name: "Lines 1–5, in class Money {" }).waitFor();
  expect(await file.getByRole("row").nth(3).getByRole("cell").allTextContents()).toEqual([
    "2",
    "export function toCents(amount: number) {",
    "3",
    "export function toCents(amount: Decimal) {",
  ]);
  expect(await file.locator("mark").allTextContents()).toEqual(["number", "Decimal"]);
  expect(await file.locator(".k").first().textContent()).toBe("import");
  expect(await file.locator(".c").first().textContent()).toBe("/** Money in whole cents. */");
  await page.getByText("2 files are left out").waitFor();
  await page.getByRole("region", { name: "run.sh" }).getByText("mode 100644 → 100755").waitFor();
  await page.getByRole("region", { name: "gone.txt" }).getByText("was old.txt").waitFor();
  await page.getByRole("button", { name: "Unified" }).click();
  await eventually(async () => {
    expect(await file.getByRole("row").nth(3).getByRole("cell").allTextContents()).toEqual([
      "2",
      "",
      "export function toCents(amount: number) {",
    ]);
  });
  expect(browser.complaints).toEqual([]);
});

test("what was seen is folded, here and when it is opened again", async () => {
  stage.stage(changed("run_seen"), { patch: PATCH });
  const page = await browser.open(stage.address("?run=run_seen"));
  const seen = page.getByRole("region", { name: "run.sh" }).getByRole("checkbox");
  await seen.check();
  await page.getByText("3 files, 1 seen").waitFor();
  await page.reload();
  await page.getByRole("button", { name: /run\.sh/, expanded: false }).waitFor();
  await page.getByRole("button", { name: /gone\.txt/, expanded: true }).waitFor();
  expect(await seen.isChecked()).toBe(true);
});

test("keys go from file to file, also where there is room for one text only", async () => {
  stage.stage(changed("run_keys"), { patch: PATCH });
  const page = await browser.open(stage.address("?run=run_keys"), {
    viewport: { width: 360, height: 640 },
  });
  await page.getByRole("region", { name: "gone.txt" }).waitFor();
  const focused = () => page.locator(":focus").textContent();
  await page.keyboard.press("]");
  await eventually(async () => expect(await focused()).toContain("round.ts"));
  await page.keyboard.press("]");
  await eventually(async () => expect(await focused()).toContain("run.sh"));
  await page.keyboard.press("[");
  await eventually(async () => expect(await focused()).toContain("round.ts"));
  expect(await page.getByRole("button", { name: "Split" }).count()).toBe(0);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
});

test("a patch that is too large to show is downloaded", async () => {
  stage.stage(changed("run_large", 500_001), { patch: PATCH });
  const page = await browser.open(stage.address("?run=run_large"));
  await page.getByText("Too large to show: download the patch.").waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Patch, 500 kB" }).click();
  expect((await download).suggestedFilename()).toBe("run_large.patch");
});
