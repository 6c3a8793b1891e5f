import { type Browser, startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { HUGE, NARROW } from "../support/page-huge.ts";
import { eventsOf, overRun, pageRun } from "../support/page-run.ts";
import { answerProblem, type PageStage, startPageStage } from "../support/page-stage.ts";

let stage: PageStage;
let browser: Browser;
beforeAll(async () => {
  [stage, browser] = await Promise.all([startPageStage(), startBrowser()]);
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});
afterEach(() => {
  stage.answers.clear();
  browser.complaints.splice(0);
});

test.each(HUGE)("$name, hostile in every field, runs nothing and fits a phone", async (huge) => {
  huge.stage(stage);
  const page = await browser.open(stage.address(huge.rest), NARROW);
  await huge.use(page);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
  expect(browser.complaints).toEqual([]);
});

describe("a page", () => {
  test("says that nothing is there, and what to do", async () => {
    stage.answers.set("/runs", ({ query }, response) => {
      if (query["follow"] === undefined) response.json({ items: [] });
      else response.type("text/event-stream").write("id: 1\nevent: ready\ndata: {}\n\n");
    });
    const page = await browser.open(stage.address());
    await page.getByRole("heading", { name: "No runs in 7 days" }).waitFor();
    await page.goto(stage.address("?status=failed"));
    await page.getByRole("heading", { name: "No run fits the filter" }).waitFor();
    await page.getByRole("button", { name: "Clear the filter" }).click();
    await page.getByRole("heading", { name: "No runs in 7 days" }).waitFor();
  });

  test("has ghosts in the place of a run that takes its time", async () => {
    stage.stage(pageRun({ id: "run_slow" }));
    let answer = () => {};
    stage.answers.set("/runs/run_slow", (_request, response) => {
      answer = () => void response.json(pageRun({ id: "run_slow" }));
    });
    const page = await browser.open(stage.address("?run=run_slow"));
    await page.locator(".ghost").first().waitFor();
    answer();
    await page.getByRole("heading", { level: 1, name: /Pending/ }).waitFor();
    expect(await page.locator(".ghost").count()).toBe(0);
  });

  test("says that there is no such run", async () => {
    const page = await browser.open(stage.address("?run=run_none"));
    await page.getByRole("heading", { name: "There is no such run" }).waitFor();
    await page.getByRole("link", { name: "All runs" }).click();
    await page.getByRole("heading", { level: 1 }).waitFor();
  });

  test("says that a prompt is no longer kept", async () => {
    stage.stage(overRun({ id: "run_old" }));
    stage.answers.set("/runs/run_old/request", (_request, response) =>
      answerProblem(response, 410, "prompt_expired"),
    );
    const page = await browser.open(stage.address("?run=run_old&tab=request"));
    await page.getByText("prompt_expired").waitFor();
    expect(await page.getByText("Loading.").count()).toBe(0);
  });

  test("asks for another key when its own is no longer taken", async () => {
    stage.answers.set("/runs/run_key", (_request, response) =>
      answerProblem(response, 401, "unauthorized"),
    );
    const page = await browser.open(stage.address("?run=run_key"));
    await page.getByRole("heading", { name: "This key is not valid any more" }).waitFor();
    await page.getByText("It was revoked or has expired.").waitFor();
  });

  test("says that the connection is lost, keeps what it has, and goes on by itself", async () => {
    const run = pageRun({ id: "run_lost", status: "running", why: "It works." });
    stage.stage(run, { events: eventsOf({ type: "text", text: "Before." }) });
    const page = await browser.open(stage.address("?run=run_lost"));
    await page.getByText("Before.").waitFor();
    await page.context().setOffline(true);
    stage.breakOff();
    await page
      .getByText(/No connection since \d\d:\d\d:\d\d\. What you see is from then/)
      .waitFor();
    await page.getByText("Before.").waitFor();
    const events = eventsOf({ type: "text", text: "Before." }, { type: "text", text: "After." });
    stage.stage(run, { events: events.slice(1) });
    await page.context().setOffline(false);
    await page.getByText("After.").waitFor();
    await eventually(async () => {
      expect(await page.getByText("No connection since").count()).toBe(0);
    });
  });
});
