import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { pipeline } from "node:stream";
import { buildPage } from "../../infra/page/build-page.ts";
import { accepted } from "../support/api.ts";
import { type Browser, pageOf, pageWithKey, startBrowser } from "../support/browser.ts";
import { startWorld, type World } from "../support/world.ts";

const LONG_MS = 240_000;
const SLOW = { timeout: 90_000 };

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

/** One address for a server that has another port each time it is started. */
async function startFront(port: () => number) {
  const server = createServer((socket) => {
    const behind = connect(port(), "127.0.0.1");
    pipeline(socket, behind, socket, () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

test(
  "keys alone lead from a new run to the lines that it changed",
  async () => {
    const page = await browser.open(pageWithKey(world));
    await page.getByRole("heading", { level: 1 }).waitFor(SLOW);
    await page.keyboard.press("c");
    await page.getByLabel("What shall be done?").waitFor(SLOW);
    await page.keyboard.type("Write hello");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("dialog").waitFor({ state: "detached", ...SLOW });
    await page.getByRole("listitem").filter({ hasText: "1 file." }).waitFor(SLOW);
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
  "a page goes on by itself when its server was killed and started again, in two windows",
  async () => {
    await using front = await startFront(() => Number(new URL(pageOf(world)).port));
    const { id } = await accepted(world, "/runs", { prompt: "wait 20 seconds" });
    const [list, run] = await Promise.all([
      browser.open(`${front.url}/#key=${world.local.key}`),
      browser.open(`${front.url}/?run=${id}#key=${world.local.key}`),
    ]);
    await run.getByRole("heading", { name: /running Bash/ }).waitFor(SLOW);
    await list.getByRole("listitem").filter({ hasText: "wait 20 seconds" }).waitFor(SLOW);
    await world.restart();
    await run.getByRole("heading", { name: /^Succeeded / }).waitFor(SLOW);
    const row = list.getByRole("listitem").filter({ hasText: "wait 20 seconds" });
    await row.getByRole("img", { name: "Succeeded" }).waitFor(SLOW);
    for (const page of [list, run]) {
      await page.getByText("No connection since").waitFor({ state: "detached", ...SLOW });
    }
    browser.complaints.splice(0);
  },
  LONG_MS,
);
