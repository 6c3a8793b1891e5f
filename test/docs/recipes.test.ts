import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Run } from "../../shared/documents/run.ts";
import { startEndpoint } from "../functions/events/endpoint.ts";
import { accepted } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { startWorld, type World } from "../support/world.ts";

const doc = readFileSync(join(import.meta.dirname, "../../docs/events.md"), "utf8");

/** The commands of docs/events.md, of which one holds a text, as they stand there. */
function commandsWith(marker: string): string {
  const blocks = [...doc.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
  const found = blocks.filter((block) => block.includes(marker));
  if (found.length !== 1)
    throw new Error(`${found.length} blocks of docs/events.md have ${marker}`);
  return found[0] ?? "";
}

const scratch = mkdtempSync(join(tmpdir(), "recipes-"));
let world: World;
beforeAll(async () => {
  world = await startWorld({ sandbox: "none" });
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

/** What commands print, typed where a reader would. */
async function typed(script: string, env: Record<string, string> = {}): Promise<string> {
  const API = world.local.address.apiUrl;
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", script], {
    cwd: scratch,
    env: { PATH: process.env["PATH"], API, KEY: world.local.key, ...env },
  });
  return stdout;
}

const trigger = async (name: string) =>
  JSON.parse(
    await typed(commandsWith("trigger() {") + commandsWith(`trigger '{"name": "${name}"`)),
  );

/** The run that a trigger started, when it is over, with its prompt. */
async function firedBy(id: string): Promise<Run & { prompt: string }> {
  const get = async (path: string) => (await world.call(path)).json();
  const run = await eventually(async () => {
    const { items } = (await get(`/triggers/${id}/firings?outcome=matched`)) as {
      items: { runId: string }[];
    };
    const one = (await get(`/runs/${items[0]?.runId}`)) as Run;
    expect(one).toMatchObject({ status: "succeeded" });
    return one;
  });
  const { prompt } = (await get(`/runs/${run.id}/request`)) as { prompt: string };
  return { ...run, prompt };
}

/** A nightly job. */
async function nightlyJob() {
  const { id, dueAt } = await trigger("nightly");
  expect(dueAt).toMatch(/T0[12]:00:00/);
  const tick = new Date(Math.floor(Date.now() / 60_000) * 60_000);
  await world.firestore.doc(`triggers/${id}`).update({ dueAt: tick });
  await world.local.tick();
  const { prompt } = await firedBy(id);
  expect(prompt).toContain(`Update the dependencies. It is ${tick.toISOString()}.`);
}

/** An issue of GitHub's starts a run. */
async function githubIssue() {
  const { id, hook, secret } = await trigger("issues");
  const issue = { number: 17, html_url: "https://github.com/acme/shop/issues/17" };
  writeFileSync(join(scratch, "issue.json"), JSON.stringify({ action: "opened", issue }));
  const origin = new URL(world.local.address.apiUrl).origin;
  const posted = commandsWith("SIGNATURE=$(").replaceAll("http://127.0.0.1:8080", origin);
  await typed(posted, { SECRET: secret, HOOK_PATH: hook.path });
  expect((await firedBy(id)).prompt).toContain("Issue 17, opened: event.json has what was said.");
}

/** A file in a bucket starts a run. */
async function fileInBucket() {
  const { id } = await trigger("invoices");
  const [bucket] = await world.storage.createBucket("invoices");
  await bucket.file("in/1.txt").save("one");
  const { prompt } = await firedBy(id);
  expect(prompt).toContain("gs://invoices/in/1.txt is new: event.json says more.");
}

/** A run that fails is a message in a chat. */
async function chatMessage() {
  await using chat = await startEndpoint();
  const url = '"https://hooks.slack.com/services/…"';
  const commands = commandsWith(url).replace(url, `"${chat.url}/services/T/B/x"`);
  expect(JSON.parse(await typed(commands))).toMatchObject({ format: "slack" });
  const { id } = await accepted(world, "/runs", { prompt: "fail with 400" });
  await eventually(() => expect(chat.received).toHaveLength(1));
  const { text } = JSON.parse(chat.received[0]?.body ?? "");
  expect(text).toMatch(/^\*failed\* /);
  expect(text).toContain(`${id}`);
  expect(text).toContain(": fail with 400");
}

/** A run starts the next. */
async function nextRun() {
  const { id } = await trigger("review");
  const labels = { step: "write" };
  const first = await accepted(world, "/runs", { prompt: "Create hello.txt", labels });
  const { prompt } = await firedBy(id);
  expect(prompt).toMatch(new RegExp(`Review ${first.id}, which said: \\S`));
}

// Side by side: each waits for a run, and for nothing of another.
test("each recipe of docs/events.md does what it says, as it stands there", async () => {
  await Promise.all([nightlyJob(), githubIssue(), fileInBucket(), chatMessage(), nextRun()]);
}, 180_000);
