import type { Page } from "playwright-core";
import type { Run, RunRequest } from "../../client/types.ts";
import { buildPage } from "../../infra/page/build-page.ts";
import { accepted } from "../support/api.ts";
import { type Browser, HIDEABLE, pageOf, pageWithKey, startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { eventsAreSeen } from "../support/page-events-story.ts";
import { startWorld, type World } from "../support/world.ts";

const LONG_MS = 180_000;
const SLOW = { timeout: 60_000 };

let world: World;
let browser: Browser;
beforeAll(async () => {
  buildPage();
  [world, browser] = await Promise.all([startWorld(), startBrowser()]);
}, LONG_MS);

/**
 * Runs that a test begins with; they are started before it, while others look at something else.
 */
const FIRST = {
  talk: { prompt: "Write <i>hello</i>" },
  rerun: {
    prompt: "echo",
    labels: { team: "docs" },
    agent: {
      settings: { allowedTools: ["Read"], permissionMode: "dontAsk" as const, model: "haiku" },
    },
  },
};
const started = new Map<object, ReturnType<typeof accepted>>();
const start = (order: object) => {
  const run = started.get(order) ?? accepted(world, "/runs", order);
  started.set(order, run);
  return run;
};

/** @returns its id, when it is over */
async function overFirst(order: object): Promise<string> {
  const { id } = await start(order);
  await world.call(`/runs/${id}`, { headers: { prefer: "wait=60" } });
  return id;
}

afterEach(() => void browser.complaints.splice(0));
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
}, LONG_MS);

test(
  "usage shows what runs came to in plots and tables, by agent, model and label",
  async () => {
    const page = await browser.open(pageWithKey(world));
    await page.getByRole("link", { name: "Usage" }).first().click();
    await page.getByRole("heading", { name: "No run ended in 30 days" }).waitFor(SLOW);
    const order = {
      prompt: "echo",
      labels: { team: "docs" },
      agent: { settings: { model: "haiku" } },
    };
    const { id } = await accepted(world, "/runs", order);
    await world.call(`/runs/${id}`, { headers: { prefer: "wait=60" } });
    await page.reload();
    await page
      .getByRole("heading", { name: /^\$0.00 in 30 days for 1 run; none failed$/ })
      .waitFor(SLOW);
    await page.getByRole("slider", { name: "Runs a day by outcome, at most 4" }).focus();
    await page.getByText(/^\d+ \w+: 1 succeeded$/).waitFor(SLOW);
    await page.keyboard.press("ArrowLeft");
    await page.getByText(/^\d+ \w+: none$/).waitFor(SLOW);
    expect(await page.getByRole("slider").count()).toBe(4);
    await page.getByRole("row", { name: "succeeded 1 100.0 %" }).waitFor(SLOW);
    await page.getByRole("row", { name: "none 1 $0.00" }).waitFor(SLOW);
    await page.getByRole("combobox", { name: "By" }).selectOption("label");
    await page.getByRole("row", { name: "team:docs 1 $0.00" }).waitFor(SLOW);
    await page.getByRole("combobox", { name: "By" }).selectOption("model");
    await page.getByRole("row", { name: "haiku 1 $0.00" }).waitFor(SLOW);
    await page.getByRole("link", { name: "1 day" }).click();
    await page.getByRole("heading", { name: /today for 1 run/ }).waitFor(SLOW);
    expect(await page.getByRole("slider").count()).toBe(0);
    await Promise.all(Object.values(FIRST).map(start));
    expect(browser.complaints).toEqual([]);
  },
  LONG_MS,
);

test(
  "an agent is created, changed with its difference seen, gone back with, run, and archived",
  async () => {
    const page = await browser.open(pageWithKey(world));
    await page.getByRole("link", { name: "Agents" }).first().click();
    await page.getByRole("link", { name: "New agent" }).click();
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText("Give it a name.").waitFor(SLOW);
    await page.getByLabel("Name").fill("<b>fixer</b>");
    await page.getByLabel("Work at most").fill("soon");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText("Write a time like 20 min or 1 h 30 min.").waitFor(SLOW);
    await page.getByLabel("Work at most").fill("20 min");
    await page.getByLabel("Instructions").fill("Be brief.\nBe kind.");
    await page.getByRole("button", { name: "Create" }).click();
    await page
      .getByRole("heading", { name: "<b>fixer</b>: no run ended in 30 days" })
      .waitFor(SLOW);
    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByLabel("Instructions").fill("Be brief.\nBe exact.");
    const change = page.getByRole("region", { name: "What v2 changes" });
    await change.getByRole("row", { name: "removed Be kind." }).waitFor(SLOW);
    await page.getByRole("button", { name: "Save as v2" }).click();
    await page
      .getByRole("region", { name: "v1 to v2" })
      .getByRole("row", { name: "added Be exact." })
      .waitFor(SLOW);
    await page.getByRole("button", { name: "Go back to v1" }).click();
    await page.getByRole("button", { name: /^v3/ }).waitFor(SLOW);
    const stored = await (await world.call(`/agents/${encodeURIComponent("<b>fixer</b>")}`)).json();
    expect(stored).toMatchObject({
      version: 3,
      settings: { instructions: "Be brief.\nBe kind.", timeoutSeconds: 1200 },
    });
    await page.getByRole("button", { name: "New run with it" }).click();
    await page.getByRole("dialog").getByLabel("Agent").waitFor(SLOW);
    expect(await page.getByRole("dialog").getByLabel("Agent").inputValue()).toBe(
      (stored as { id: string }).id,
    );
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Archive" }).click();
    await page.getByRole("button", { name: "Archive it" }).click();
    await page.getByRole("button", { name: "Take out of the archive" }).waitFor(SLOW);
    await page.getByRole("link", { name: "Agents" }).first().click();
    await page.getByRole("heading", { name: "There is no agent yet" }).waitFor(SLOW);
    await page.getByLabel("Archived too").check();
    await page.getByRole("link", { name: "<b>fixer</b>" }).waitFor(SLOW);
    expect(browser.complaints).toEqual([]);
  },
  LONG_MS,
);

test(
  "a conversation shows its turns as they come, queues one, and cancels the one at work",
  async () => {
    await overFirst(FIRST.talk);
    const page = await browser.open(pageWithKey(world));
    await page.getByRole("link", { name: "Conversations" }).first().click();
    await page.getByRole("link", { name: "Succeeded Write <i>hello</i>" }).click();
    await page.getByRole("heading", { name: /^Succeeded One turn: succeeded$/ }).waitFor(SLOW);
    await page.getByLabel(/^Say what comes next/).fill("wait 60 seconds");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("heading", { name: /Turn 2 is at work/ }).waitFor(SLOW);
    await page.getByLabel(/^Say what comes next/).fill("Update the changelog");
    await page.getByRole("button", { name: "Queue" }).click();
    await page.getByRole("heading", { name: /Turn 2 is at work, 1 waits/ }).waitFor(SLOW);
    await page.getByText("Waiting for the turn before it to end.").waitFor(SLOW);
    await page.getByRole("button", { name: "Cancel turn 2" }).click();
    await page.getByRole("button", { name: "Cancel the run" }).click();
    await page.getByRole("heading", { name: /3 turns; the last: succeeded/ }).waitFor(SLOW);
    await page.getByRole("link", { name: "Update the changelog" }).click();
    await page.getByRole("link", { name: "its conversation" }).first().click();
    await page.getByRole("heading", { name: /3 turns/ }).waitFor(SLOW);
    expect(browser.complaints).toEqual([]);
  },
  LONG_MS,
);

test(
  "a trigger and a webhook are made, tried, fired and told, changed, and deleted on the page",
  async () => {
    await eventsAreSeen(world, await browser.open(pageWithKey(world)));
    // What it wrote that the API refuses: an address, and a filter.
    const refused = expect.stringContaining("status of 422");
    expect(browser.complaints).toEqual([refused, refused]);
  },
  LONG_MS,
);

test(
  "a rerun with changes opens filled, shows what differs, and is sent with the keyboard",
  async () => {
    const { settings } = FIRST.rerun.agent;
    const id = await overFirst(FIRST.rerun);
    const page = await browser.open(`${pageOf(world, `?run=${id}`)}#key=${world.local.key}`);
    await page.getByRole("button", { name: "Rerun with changes" }).click();
    const sheet = page.getByRole("dialog");
    await sheet.getByText("Nothing differs from the run before.").waitFor(SLOW);
    await sheet.getByText("Costs at most, about").waitFor(SLOW);
    await sheet.getByText(/^More; set: .*permission mode/).click();
    expect(await sheet.getByLabel("Allowed tools").inputValue()).toBe("Read");
    await sheet.getByLabel("Allowed tools").fill("Read\nWrite");
    const change = sheet.getByRole("region", { name: "What changes" });
    await change.getByRole("row", { name: "added Write" }).waitFor(SLOW);
    await page.keyboard.press("Control+Enter");
    const sent = await openedRun(page);
    expect(sent.request.settings).toMatchObject({ ...settings, allowedTools: ["Read", "Write"] });
    expect(sent.run).toMatchObject({ parentRunId: id, labels: { team: "docs" } });
    // What a rerun would keep is cleared by a run of its own.
    await page.goto(pageOf(world, `?run=${id}`));
    await page.getByRole("button", { name: "Rerun with changes" }).click();
    await sheet.getByLabel("Model").fill("");
    await sheet.getByText(/without one of them it is sent as a new run/).waitFor(SLOW);
    await page.keyboard.press("Control+Enter");
    const fresh = await openedRun(page);
    expect(fresh.request.settings.model).toBeUndefined();
    expect(fresh.run.parentRunId).toBeNull();
    expect(browser.complaints).toEqual([]);
  },
  LONG_MS,
);

test(
  "keys find runs, go to each view and to the next run, and a sheet names them",
  async () => {
    for (const prompt of ["echo 1", "echo 2"]) await accepted(world, "/runs", { prompt });
    const page = await browser.open(pageWithKey(world));
    await page.getByRole("listitem").nth(1).waitFor(SLOW);
    await page.keyboard.press("/");
    await page.keyboard.type("xylophones");
    await page.getByText("No run fits the filter").waitFor(SLOW);
    await page.getByRole("button", { name: "Clear the filter" }).click();
    await page.getByRole("listitem").nth(1).waitFor(SLOW);
    for (const [keys, name] of [
      ["gu", "Usage"],
      ["ga", "Agents"],
      ["gc", "Conversations"],
      ["gr", "Runs"],
    ] as const) {
      for (const key of keys) await page.keyboard.press(key);
      await page.locator(".bar").getByRole("link", { name, exact: true }).waitFor(SLOW);
      const current = page.locator(".bar [aria-current=page]");
      await eventually(async () => expect(await current.textContent()).toBe(name));
    }
    await page.getByRole("listitem").nth(1).waitFor(SLOW);
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("navigation", { name: "Run" }).waitFor(SLOW);
    const first = page.url();
    await page.keyboard.press("j");
    expect(page.url()).not.toBe(first);
    await page.getByRole("navigation", { name: "Run" }).waitFor(SLOW);
    await page.keyboard.press("k");
    expect(page.url()).toBe(first);
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor(SLOW);
    expect(browser.complaints).toEqual([]);
  },
  LONG_MS,
);

test(
  "a page that is not seen tells of a run that ends, once somebody has asked for it by a click",
  async () => {
    const page = await browser.open("about:blank");
    await page.addInitScript(HIDEABLE);
    await page.goto(pageWithKey(world));
    const told = () => page.evaluate("window.told") as Promise<string[]>;
    const ask = page.getByRole("button", { name: "Tell me of runs that end" });
    await ask.waitFor(SLOW);
    expect(await told()).toEqual([]);
    await ask.click();
    await page.getByRole("button", { name: "Tells of runs that end" }).waitFor(SLOW);
    const asked: string[] = [];
    await page.clock.install();
    await page.evaluate("window.setHidden(true)");
    page.on("request", (request) => asked.push(request.url()));
    const { id } = await accepted(world, "/runs", { prompt: "echo\u202e told" });
    await world.call(`/runs/${id}`, { headers: { prefer: "wait=60" } });
    await eventually(async () => {
      await page.clock.fastForward(61_000);
      expect(await told()).toContain("Succeeded: echo⟨RLO⟩ told");
    });
    // It looks once in a while, and follows nothing.
    expect(asked.every((url) => url.includes("/v1/runs?from="))).toBe(true);
    expect(asked.some((url) => url.includes("follow"))).toBe(false);
    expect(browser.complaints).toEqual([]);
  },
  LONG_MS,
);

/** The run that the sheet has sent, opened by the link that says so. */
async function openedRun(page: Page): Promise<{ run: Run; request: RunRequest }> {
  await page.getByRole("link", { name: "Open", exact: true }).click();
  const id = new URL(page.url()).searchParams.get("run") ?? "";
  const [run, request] = await Promise.all(
    ["", "/request"].map(async (rest) => (await world.call(`/runs/${id}${rest}`)).json()),
  );
  return { run: run as Run, request: request as RunRequest };
}
