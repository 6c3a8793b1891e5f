import type { Page } from "playwright-core";
import { startEndpoint } from "../functions/events/endpoint.ts";
import { eventually } from "./eventually.ts";
import type { World } from "./world.ts";

const SLOW = { timeout: 60_000 };

/** What the page does with triggers and webhooks, as a person would have it do. */
export async function eventsAreSeen(world: World, page: Page): Promise<void> {
  await using endpoint = await startEndpoint();
  await page.getByRole("link", { name: "Events" }).first().click();
  await page.getByRole("heading", { name: "There is no trigger yet" }).waitFor(SLOW);
  await webhookIsMade(page, endpoint.url);
  const hook = await hookIsMade(page);
  for (const n of [2, 1]) await post(world, hook, { n });
  const run = await firingsAreSeen(page);
  await world.call(`/runs/${run}`, { headers: { prefer: "wait=60" } });
  await page.locator(`a[href="/?run=${run}"]`).click();
  await page.getByRole("link", { name: "Deliveries" }).click();
  await eventually(async () => {
    await page.getByRole("button", { name: "Look again" }).click();
    expect(await page.locator(".entry", { hasText: "runyard.run.succeeded.v1" }).count()).toBe(1);
  });
  await page.getByRole("link", { name: "Webhook", exact: true }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete it" }).click();
  await page.getByRole("heading", { name: "There is no webhook yet" }).waitFor(SLOW);
}

async function webhookIsMade(page: Page, url: string): Promise<void> {
  await page.getByRole("link", { name: "Webhooks" }).click();
  await page.getByRole("link", { name: "New webhook" }).click();
  await page.getByLabel("Address").fill("ftp://127.0.0.1/");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText(/^It .*https:\/\//).waitFor(SLOW);
  await page.getByLabel("Address").fill(url);
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText(/^whsec_/).waitFor(SLOW);
  await page.getByRole("button", { name: "Ping" }).click();
  await page.getByText("1 attempt. It answered 2").waitFor(SLOW);
  await page.getByRole("button", { name: "Redeliver" }).click();
  await page.getByText("2 attempts. It answered 2").waitFor(SLOW);
  await page.getByText("Request and answers").click();
  await page.getByText('"type":"runyard.webhook.ping.v1"').waitFor(SLOW);
}

/** A hook that was tried before it was stored. */
async function hookIsMade(page: Page): Promise<{ path: string; secret: string }> {
  await page.getByRole("link", { name: "Events" }).first().click();
  await page.getByRole("link", { name: "New trigger" }).click();
  await page.getByLabel("Name").fill("<b>inbox</b>");
  await page.getByLabel("Fires on").selectOption("webhook");
  await page.getByLabel("Verified by").selectOption("bearer");
  await page.getByLabel("Filter").fill("event.data.n >");
  await page.getByLabel("Prompt").fill("echo {{ event.data.n }}");
  await page.getByLabel("Event, as JSON").fill('{"data": {"n": 2}}');
  await page.getByRole("button", { name: "Create" }).click();
  await page.locator("#write-filter-hint.bad").waitFor(SLOW);
  await page.getByLabel("Filter").fill("event.data.n > 1.0");
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByText("It would start a run").waitFor(SLOW);
  await page.getByText("echo 2").waitFor(SLOW);
  await page.getByRole("button", { name: "Create" }).click();
  const shown = page.getByRole("region", { name: "Secret" }).locator("code");
  await shown.waitFor(SLOW);
  const path = await page.locator(".asked code").textContent();
  return { path: path ?? "", secret: (await shown.textContent()) ?? "" };
}

async function post(
  { local }: World,
  { path, secret }: { path: string; secret: string },
  json: object,
): Promise<void> {
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
  const url = new URL(path, local.address.apiUrl);
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(json) });
  expect(response.status).toBe(202);
}

/** @returns the run that the first event started */
async function firingsAreSeen(page: Page): Promise<string> {
  await page.getByRole("link", { name: "Firings" }).click();
  const entries = page.locator(".entry");
  const filtered = entries.filter({ hasText: "Filtered" });
  const matched = entries.filter({ hasText: "Matched" });
  await eventually(async () => {
    await page.getByRole("button", { name: "Look again" }).click();
    expect([await filtered.count(), await matched.count()]).toEqual([1, 1]);
  });
  const href = await matched.getByRole("link", { name: "Run" }).getAttribute("href");
  await filtered.getByRole("link", { name: "Test" }).click();
  await page.getByRole("heading", { name: /^Filtered Filtered: / }).waitFor(SLOW);
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Filter").fill("");
  const change = page.getByRole("region", { name: "What saving changes" });
  await change.getByRole("row", { name: "removed event.data.n > 1.0" }).waitFor(SLOW);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "Firings" }).click();
  await filtered.getByRole("button", { name: "Redeliver" }).click();
  await entries.filter({ hasText: "Redelivered." }).filter({ hasText: "Matched" }).waitFor(SLOW);
  await page.getByRole("button", { name: "Disable" }).click();
  await page.getByRole("heading", { name: /<b>inbox<\/b> is disabled$/ }).waitFor(SLOW);
  return new URLSearchParams(href?.slice(2)).get("run") ?? "";
}
