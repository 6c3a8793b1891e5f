import { existsSync } from "node:fs";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { World } from "./world.ts";

/** Where systems have it. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What a page does may wait long for a processor, beside other tests. */
const PATIENCE_MS = 90_000;

/** Chromium with a profile of its own. */
export interface Browser extends AsyncDisposable {
  /** A window. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
  /** Times a page's tasks from now on, one page at a time. */
  timeTasks(page: Page): Promise<void>;
  /**
   * How long each task took that could be felt, in milliseconds: what it had of a processor, so
   * that others at work on the machine do not count.
   */
  longTasks(): Promise<number[]>;
  /** What consoles had to complain about, violations of the page's policy among it. */
  complaints: string[];
}

/** @throws {Error} if there is no Chromium */
export async function startBrowser(): Promise<Browser> {
  const executablePath = PLACES.find((place) => existsSync(place));
  if (executablePath === undefined) throw new Error(`no Chromium: apt-get install chromium`);
  const browser = await chromium.launch({ executablePath, args: FLAGS, timeout: PATIENCE_MS });
  const complaints: string[] = [];
  return {
    complaints,
    async open(url, options = {}) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      page.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
      page.on("pageerror", (error) => complaints.push(String(error)));
      await page.goto(url);
      return page;
    },
    async timeTasks(page) {
      // One that a test left when it failed is of no use to the next.
      await browser.stopTracing().catch(() => {});
      await browser.startTracing(page, { categories: ["toplevel"] });
    },
    longTasks: async () => longTasksIn((await browser.stopTracing()).toString()),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** A task as Chromium traces it; times in microseconds. */
interface Traced {
  name: string;
  pid: number;
  tid: number;
  tdur?: number;
  args: { name?: string };
}

/** What is felt, as the Long Tasks API has it. */
const LONG_MS = 50;

function longTasksIn(trace: string): number[] {
  const { traceEvents } = JSON.parse(trace) as { traceEvents: Traced[] };
  const isMain = ({ name, args }: Traced) =>
    name === "thread_name" && args.name === "CrRendererMain";
  const main = new Set(traceEvents.filter(isMain).map(({ pid, tid }) => `${pid} ${tid}`));
  return traceEvents
    .filter(({ name, pid, tid }) => name.endsWith("RunTask") && main.has(`${pid} ${tid}`))
    .map(({ tdur = 0 }) => Math.round(tdur / 1000))
    .filter((ms) => ms > LONG_MS);
}

/** The address of the page of a world's server. */
export const pageOf = ({ local }: World, rest = ""): string =>
  new URL(`/${rest}`, local.address.apiUrl).href;

/** The same as `npm start` prints it. */
export const pageWithKey = (world: World): string => pageOf(world, `#key=${world.local.key}`);

/** A browser that allows notifications and says what it was told, and a page that can be hidden. */
export const HIDEABLE = `
  window.told = [];
  window.Notification = class {
    static permission = "default";
    static async requestPermission() { return (Notification.permission = "granted"); }
    constructor(title) { window.told.push(title); }
    close() {}
  };
  let isHidden = false;
  Object.defineProperty(document, "hidden", { get: () => isHidden });
  window.setHidden = (value) => {
    isHidden = value;
    document.dispatchEvent(new Event("visibilitychange"));
  };
`;
