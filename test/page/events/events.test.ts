import { type Browser, startBrowser } from "../../support/browser.ts";
import {
  pageDelivery,
  pageFiring,
  pageTrigger,
  pageWebhook,
  stageEvents,
} from "../../support/page-events.ts";
import { answerProblem, type PageStage, startPageStage } from "../../support/page-stage.ts";

let stage: PageStage;
let browser: Browser;
beforeAll(async () => {
  [stage, browser] = await Promise.all([startPageStage(), startBrowser()]);
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});
beforeEach(() => stageEvents(stage));
afterEach(() => {
  stage.answers.clear();
  browser.complaints.splice(0);
});

/** Tries to be run, to be read as markup, and to change what stands around it. */
const HOSTILE = "<img src=x onerror=alert(1)>\u202e{{ event }}";
const WIDE_TEXT = `${HOSTILE}${"w".repeat(2000)}`;
const NARROW = { viewport: { width: 360, height: 740 }, hasTouch: true };

test.each([
  ["triggers", "There is no trigger yet", "New trigger"],
  ["webhooks", "There is no webhook yet", "New webhook"],
])("an owner without %s is told what they are for", async (view, head, link) => {
  stage.answers.set(`/${view}`, { items: [] });
  const page = await browser.open(stage.address(`?view=${view}`));
  await page.getByRole("heading", { name: head }).waitFor();
  await page.getByRole("link", { name: link }).waitFor();
});

test.each([
  {
    at: "?view=triggers",
    path: "/triggers",
    status: 403,
    code: "forbidden",
    says: "it is forbidden.",
  },
  {
    at: "?view=webhooks",
    path: "/webhooks",
    status: 500,
    code: "internal",
    says: "it is internal.",
  },
  {
    at: "?view=triggers&id=trg_issues",
    path: "/triggers/trg_issues",
    status: 403,
    code: "forbidden",
    says: "it is forbidden.",
  },
  {
    at: "?view=webhooks&id=whk_none",
    path: "/webhooks/whk_none",
    status: 404,
    code: "not_found",
    says: "There is no such webhook",
  },
])("$at says why it shows nothing: $code", async ({ at, path, says, ...problem }) => {
  const { status, code } = problem;
  stage.answers.set(path, (_request, response) => answerProblem(response, status, code));
  const page = await browser.open(stage.address(at));
  await page.getByText(says).waitFor();
});

test("firings come by pages, by outcome, and what is known stays without a connection", async () => {
  const firings = Array.from({ length: 120 }, (_, i) => pageFiring({ id: `fir_${i}` }));
  stage.answers.set("/triggers/trg_issues/firings", ({ query }, response) => {
    const from = Number(query["pageToken"] ?? 0);
    const items = query["outcome"] === "error" ? [] : firings.slice(from, from + 50);
    const nextPageToken =
      from + 50 < firings.length && items.length > 0 ? String(from + 50) : undefined;
    response.json({ items, nextPageToken });
  });
  const page = await browser.open(stage.address("?view=triggers&id=trg_issues&tab=firings"));
  const entries = page.locator(".entry");
  await entries.nth(49).waitFor();
  expect(await entries.count()).toBe(50);
  await page.getByRole("button", { name: "Older ones" }).click();
  await entries.nth(99).waitFor();
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Look again" }).click();
  await page.getByRole("alert").getByText("The server does not answer.").waitFor();
  expect(await entries.count()).toBe(100);
  await page.context().setOffline(false);
  await page.getByLabel("Outcome").selectOption("error");
  await page.getByText("No event came to that in 30 days.").waitFor();
  expect(page.url()).toContain("by=error");
});

test("a trigger that somebody else changed meanwhile keeps what was written, over theirs", async () => {
  const sent: { body: unknown; match: unknown }[] = [];
  const theirs = pageTrigger({ revision: 4, filter: "true", labels: { team: "theirs" } });
  stage.answers.set("/triggers/trg_issues", (request, response) => {
    if (request.method === "GET") {
      response.json(sent.length === 0 ? pageTrigger() : theirs);
      return;
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const match = request.headers["if-match"];
      sent.push({ body: JSON.parse(Buffer.concat(chunks).toString()), match });
      if (match === '"4"') response.json({ ...theirs, revision: 5 });
      else answerProblem(response, 412, "precondition_failed");
    });
  });
  const page = await browser.open(stage.address("?view=triggers&id=trg_issues&tab=edit"));
  await page.getByLabel("Filter").fill("event.data.n > 1");
  await page.getByLabel("USD a day").fill("20");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody else changed it meanwhile.").waitFor();
  expect(await page.getByLabel("Filter").inputValue()).toBe("event.data.n > 1");
  expect(await page.getByLabel("Labels of its runs").inputValue()).toBe("team:theirs");
  const change = page.getByRole("region", { name: "What saving changes" });
  await change.getByRole("row", { name: "removed true" }).waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  const body = { filter: "event.data.n > 1", limits: { usdPerDay: 20 } };
  expect(sent).toEqual([
    { body, match: '"3"' },
    { body, match: '"4"' },
  ]);
});

test("faults that the API finds stand at their fields", async () => {
  stage.answers.set("/triggers", (_request, response) => {
    const errors = [
      { pointer: "/source/cron", detail: "has four fields" },
      { pointer: "/filter", detail: "cannot be read at 1:7" },
    ];
    const body = {
      title: "invalid",
      status: 400,
      code: "invalid",
      detail: "it is invalid",
      errors,
    };
    response.status(400).type("application/problem+json").send(JSON.stringify(body));
  });
  const page = await browser.open(stage.address("?view=triggers&id=new"));
  await page.getByRole("button", { name: "Create" }).click();
  expect(await page.getByText("This is needed.").count()).toBe(3);
  await page.getByLabel("Name").fill("a");
  await page.getByLabel("Cron").fill("* * * *");
  await page.getByLabel("Prompt").fill("a");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("It has four fields.").waitFor();
  await page.getByText("It cannot be read at 1:7.").waitFor();
  expect(await page.getByLabel("Filter").getAttribute("aria-invalid")).toBe("true");
});

test("a secret is shown once: whoever comes back does not find it", async () => {
  const made = { ...pageWebhook(), secret: "whsec_shown_once" };
  stage.answers.set("/webhooks/whk_shop/rotate", made);
  const page = await browser.open(stage.address("?view=webhooks&id=whk_shop"));
  await page.getByRole("button", { name: "New secret" }).click();
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("whsec_shown_once").waitFor();
  await page.getByRole("link", { name: "Webhooks", exact: true }).click();
  await page.getByRole("link", { name: "hooks.example.com" }).click();
  await page
    .getByRole("heading", { name: "hooks.example.com is told each final status" })
    .waitFor();
  expect(await page.getByText("whsec_shown_once").count()).toBe(0);
  const kept = "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state])";
  expect(await page.evaluate(kept)).not.toContain("whsec");
});

test("a delivery that is under way is looked for until it is over", async () => {
  let asked = 0;
  stage.answers.set("/webhooks/whk_shop/deliveries", (_request, response) => {
    asked += 1;
    const nextAttemptAt = new Date().toISOString();
    const pending = { status: "pending" as const, attempts: 0, nextAttemptAt, log: [] };
    response.json({ items: [pageDelivery(asked < 2 ? pending : {})] });
  });
  const page = await browser.open(stage.address("?view=webhooks&id=whk_shop&tab=deliveries"));
  await page.getByText("0 attempts").waitFor();
  await page.getByText("1 attempt. It answered 204, in 38 ms").waitFor();
  await page.getByRole("button", { name: "Redeliver" }).click();
  await page.getByText("Not done: it is not_found.").waitFor();
});

test("texts of others are data, and fit a phone", async () => {
  const event = { ...pageFiring().event, type: WIDE_TEXT, subject: HOSTILE };
  stage.answers.set("/triggers", { items: [pageTrigger({ name: WIDE_TEXT, pausedWhy: HOSTILE })] });
  stage.answers.set("/triggers/trg_issues", pageTrigger({ name: WIDE_TEXT, prompt: WIDE_TEXT }));
  stage.answers.set("/triggers/trg_issues/firings", {
    items: [pageFiring({ event, outcome: "error", why: WIDE_TEXT })],
  });
  stage.answers.set("/triggers/trg_issues/test", {
    ...{ outcome: "error", why: WIDE_TEXT, isOfSource: false, matches: null, key: HOSTILE },
    ...{ conversation: WIDE_TEXT, prompt: HOSTILE, agent: null },
  });
  const attempt = {
    at: event.time,
    status: 500,
    error: HOSTILE,
    milliseconds: 1,
    answer: WIDE_TEXT,
  };
  stage.answers.set(
    "/webhooks/whk_shop",
    pageWebhook({ url: `https://x/${WIDE_TEXT}`, description: HOSTILE }),
  );
  stage.answers.set("/webhooks/whk_shop/deliveries", {
    items: [
      pageDelivery({ body: WIDE_TEXT, log: [{ ...attempt, at: "2026-01-02T03:04:05.000Z" }] }),
    ],
  });
  const page = await browser.open(stage.address("?view=triggers"), NARROW);
  for (const rest of [
    "?view=triggers",
    "?view=triggers&id=trg_issues",
    "?view=triggers&id=trg_issues&tab=firings",
    "?view=triggers&id=trg_issues&tab=fir_matched",
    "?view=triggers&id=trg_issues&tab=edit",
    "?view=webhooks&id=whk_shop",
    "?view=webhooks&id=whk_shop&tab=deliveries",
  ]) {
    await page.goto(stage.address(rest));
    await page.getByText("⟨RLO⟩").or(page.locator("form .field")).first().waitFor();
    for (const summary of await page.locator("summary").all()) await summary.click();
    expect([rest, await page.evaluate("document.documentElement.scrollWidth")]).toEqual([
      rest,
      360,
    ]);
  }
  expect(await page.locator("img").count()).toBe(0);
  expect(browser.complaints).toEqual([]);
});
