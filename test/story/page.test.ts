import { buildPage } from "../../infra/page/build-page.ts";
import { accepted } from "../support/api.ts";
import { type Browser, pageOf, pageWithKey, startBrowser } from "../support/browser.ts";
import { startWorld, type World } from "../support/world.ts";

const LONG_MS = 180_000;
const SLOW = { timeout: 60_000 };

let world: World;
let browser: Browser;
beforeAll(async () => {
  buildPage();
  [world, browser] = await Promise.all([startWorld(), startBrowser()]);
}, LONG_MS);
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
}, LONG_MS);

test(
  "a run appears in the open list, ends there, and is opened with its transcript and its changes",
  async () => {
    const page = await browser.open(pageWithKey(world));
    await page.getByRole("heading", { name: "No runs in 7 days" }).waitFor(SLOW);
    expect(page.url()).toBe(pageOf(world));
    const prompt = "Write <b>hello</b>\u202e";
    const { id } = await accepted(world, "/runs", { prompt, labels: { team: "docs" } });
    const row = page.getByRole("listitem").filter({ hasText: "Write <b>hello</b>⟨RLO⟩" });
    await row.waitFor(SLOW);
    await row.getByText("1 file.").waitFor(SLOW);
    await row.getByRole("link").click();
    expect(page.url()).toBe(pageOf(world, `?run=${id}`));
    await page
      .getByRole("heading", { name: /^Succeeded Done in .*: 1 file changed$/ })
      .waitFor(SLOW);
    await page.getByRole("region", { name: "hello.txt" }).getByRole("cell").last().waitFor(SLOW);
    await page.keyboard.press("1");
    await page
      .getByRole("region", { name: "Answer" })
      .getByText(/hello\.txt/)
      .first()
      .waitFor(SLOW);
    await page.getByRole("link", { name: "Transcript" }).click();
    await page
      .getByRole("button", { name: /Write.*hello\.txt/ })
      .first()
      .waitFor(SLOW);
    await page.keyboard.press("Escape");
    await page.getByRole("heading", { name: "Today" }).waitFor(SLOW);
    expect(browser.complaints).toEqual([]);
  },
  LONG_MS,
);

test(
  "a run is written in the sheet, watched at work, and cancelled",
  async () => {
    const page = await browser.open(pageWithKey(world));
    await page.getByRole("heading", { level: 1 }).waitFor(SLOW);
    await page.keyboard.press("c");
    await page.getByLabel("What shall be done?").fill("wait 60 seconds");
    await page.getByText("Costs at most, about").waitFor(SLOW);
    await page.keyboard.press("Control+Enter");
    await page.getByRole("link", { name: "Open", exact: true }).click();
    await page.getByRole("heading", { name: /Turn 1: running Bash/ }).waitFor(SLOW);
    await page.keyboard.press("x");
    await page.getByRole("button", { name: "Cancel the run" }).click();
    await page.getByRole("heading", { name: /^Cancelled Cancelled/ }).waitFor(SLOW);
    await page.getByRole("button", { name: "Continue", exact: true }).waitFor(SLOW);
    expect(browser.complaints).toEqual([]);
  },
  LONG_MS,
);

test(
  "without a key the page asks for one, and says that it is wrong",
  async () => {
    const page = await browser.open(pageOf(world));
    await page.getByLabel("Key").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The API does not take this key.").waitFor(SLOW);
    await page.getByLabel("Key").fill(world.local.key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("navigation", { name: "Main" }).waitFor(SLOW);
    const refused = /401/;
    expect(browser.complaints.filter((line) => !refused.test(line))).toEqual([]);
  },
  LONG_MS,
);
