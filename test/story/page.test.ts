import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { readKey, readServerAddress } from "../../cli/local-server.ts";
import { createClient } from "../../client/client.ts";
import type { CreateRun } from "../../client/types.ts";
import { type Browser, startBrowser } from "../support/browser.ts";
import { type RunningCommand, startCommand } from "../support/command.ts";

const LONG_MS = 240_000;
const SLOW = { timeout: 90_000 };

const state = mkdtempSync(join(tmpdir(), "state-"));
let server: RunningCommand;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
}, LONG_MS);
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  server.killEverything();
  await server.exitCode;
  rmSync(state, { recursive: true, force: true });
}, LONG_MS);

afterEach(() => void browser.complaints.splice(0));

async function startServer(): Promise<RunningCommand> {
  const command = startCommand(["start", "--no-sample", "--state", state]);
  await command.prints(/Serving/);
  return command;
}

/** Of the server that was started last; empty: there is none now. */
const apiUrl = (): string => readServerAddress(state)?.apiUrl ?? "";
const keyOf = (): string => readKey(state) ?? "";
const pageAt = (rest = ""): string => new URL(`/${rest}`, apiUrl()).href;
const pageWithKey = (): string => pageAt(`#key=${keyOf()}`);

const send = (order: CreateRun) => createClient({ url: apiUrl(), key: keyOf() }).runs.create(order);

/** One address for a server that has another port each time it is started. */
async function startFront() {
  const server = createServer((socket) => {
    const url = apiUrl();
    if (url === "") return socket.destroy();
    const behind = connect(Number(new URL(url).port), "127.0.0.1");
    pipeline(socket, behind, socket, () => {});
    return undefined;
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

test(
  "a run appears in the open list, ends there, and is opened with its transcript and its changes",
  async () => {
    const page = await browser.open(pageWithKey());
    await page.getByRole("heading", { name: "No runs in 7 days" }).waitFor(SLOW);
    expect(page.url()).toBe(pageAt());
    const prompt = "Write <b>hello</b>\u202e";
    const { id } = await send({ prompt, labels: { team: "docs" } });
    const row = page.getByRole("listitem").filter({ hasText: "Write <b>hello</b>⟨RLO⟩" });
    await row.waitFor(SLOW);
    await row.getByText("1 file.").waitFor(SLOW);
    await row.getByRole("link").click();
    expect(page.url()).toBe(pageAt(`?run=${id}`));
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
    const page = await browser.open(pageWithKey());
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
    const page = await browser.open(pageAt());
    await page.getByLabel("Key").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The API does not take this key.").waitFor(SLOW);
    await page.getByLabel("Key").fill(keyOf());
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("navigation", { name: "Main" }).waitFor(SLOW);
    const refused = /401/;
    expect(browser.complaints.filter((line) => !refused.test(line))).toEqual([]);
  },
  LONG_MS,
);

test(
  "keys alone lead from a new run to the lines that it changed",
  async () => {
    const page = await browser.open(pageWithKey());
    await page.getByRole("heading", { level: 1 }).waitFor(SLOW);
    await page.keyboard.press("c");
    await page.getByLabel("What shall be done?").waitFor(SLOW);
    await page.keyboard.type("Write hello");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("dialog").waitFor({ state: "detached", ...SLOW });
    await page
      .getByRole("listitem")
      .filter({ hasText: /Write hello.*1 file\./ })
      .waitFor(SLOW);
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page
      .getByRole("heading", { name: /^Succeeded Done in .*: 1 file changed$/ })
      .waitFor(SLOW);
    await page.getByRole("region", { name: "hello.txt" }).getByRole("cell").last().waitFor(SLOW);
    await page.keyboard.press("]");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: /hello\.txt/, expanded: false }).waitFor(SLOW);
    await page.keyboard.press("p");
    await page
      .getByRole("region", { name: "Phases of attempt 1" })
      .getByText("agent")
      .waitFor(SLOW);
    expect(browser.complaints).toEqual([]);
  },
  LONG_MS,
);

test(
  "a page goes on by itself when its server got SIGKILL and was started again, in two windows",
  async () => {
    await using front = await startFront();
    const prompt = "wait 10 seconds";
    const { id } = await send({ prompt });
    const [list, run] = await Promise.all([
      browser.open(`${front.url}/#key=${keyOf()}`),
      browser.open(`${front.url}/?run=${id}#key=${keyOf()}`),
    ]);
    await run.getByRole("heading", { name: /running Bash/ }).waitFor(SLOW);
    await list.getByRole("listitem").filter({ hasText: prompt }).waitFor(SLOW);
    server.killEverything();
    await server.exitCode;
    server = await startServer();
    await run.getByRole("heading", { name: /^Succeeded / }).waitFor(SLOW);
    const row = list.getByRole("listitem").filter({ hasText: prompt });
    await row.getByRole("img", { name: "Succeeded" }).waitFor(SLOW);
    for (const page of [list, run]) {
      await page.getByText("No connection since").waitFor({ state: "detached", ...SLOW });
    }
  },
  LONG_MS,
);
