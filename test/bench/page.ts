import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import type { Run } from "../../client/types.ts";
import { buildPage } from "../../infra/page/build-page.ts";
import { type Browser, startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { HUGE, NARROW } from "../support/page-huge.ts";
import { overRun } from "../support/page-run.ts";
import { type PageStage, startPageStage } from "../support/page-stage.ts";
import {
  type Benchmark,
  type Context,
  interleave,
  medianCell,
  ratioCell,
  type Table,
} from "./benchmark.ts";
import { pageHour } from "./page-hour.ts";
import { temporaryFolder } from "./temporary.ts";

const ROUNDS = 3;
const MANY_RUNS = 10_000;
const PAGE_SIZE = 100;
const BASELINE = "no runs";

/** What a browser loads, and how long a list of many runs takes to come, against an empty one. */
export const page: Benchmark = {
  name: "page",
  summary: "the page: its sizes, the time to its first list, its longest tasks, and an hour's cost",
  run: async (context) => [
    sizes(context),
    await firstLists(context),
    await hugeContents(context),
    await pageHour(context),
  ],
};

function sizes({ cleanup }: Context): Table {
  const folder = temporaryFolder(cleanup, "page");
  buildPage(folder);
  const assets = join(folder, "assets");
  const names = readdirSync(assets);
  const zipped = (name: string) => gzipSync(readFileSync(join(assets, name)), { level: 9 }).length;
  const kB = (of: readonly string[]) =>
    (of.reduce((sum, name) => sum + zipped(name), 0) / 1000).toFixed(1);
  const first = firstView(assets, names);
  const html = gzipSync(readFileSync(join(folder, "index.html")), { level: 9 }).length / 1000;
  return {
    title: "What the page loads, in kB with gzip",
    columns: ["", "files", "kB", "may be"],
    rows: [
      ["index.html", "1", html.toFixed(1), ""],
      ["script and style of the first view", String(first.length), kB(first), "60"],
      ["all scripts and styles", String(names.length), kB(names), "120"],
    ],
    notes: [],
  };
}

/** What the first view's HTML names, and what that imports at once. */
function firstView(assets: string, names: readonly string[]): string[] {
  const found = new Set(names.filter((name) => /^(page|style)-/.test(name)));
  for (const name of found) {
    const text = readFileSync(join(assets, name), "utf8");
    const imported = text.matchAll(/(?:from|import)\s*"\.\/([\w-]+\.js)"/g);
    for (const [, other = ""] of imported) found.add(other);
  }
  return [...found];
}

interface Opened {
  /** From opening the address with the key to the first list, in milliseconds. */
  firstMs: number;
  /** To all runs being there. */
  allMs: number;
  /** The longest task of the page, in milliseconds of a processor. */
  longestMs: number;
}

async function firstLists(context: Context): Promise<Table> {
  const stage = context.cleanup.use(await startPageStage());
  const browser = context.cleanup.use(await startBrowser());
  const variants = [0, MANY_RUNS].map((count) => ({
    name: count === 0 ? BASELINE : `${count.toLocaleString("en")} runs`,
    measure: () => open(stage, browser, count),
  }));
  const samples = await interleave(context, variants, context.rounds ?? ROUNDS);
  const baseline = samples.get(BASELINE) ?? [];
  return {
    title: "From #key to the list",
    columns: ["", "first list, ms", "against none", "all there, ms", "longest task, ms"],
    rows: [...samples].map(([name, all]) => [
      name,
      medianCell(all, ({ firstMs }) => firstMs),
      ratioCell(all, baseline, ({ firstMs }) => firstMs),
      medianCell(all, ({ allMs }) => allMs),
      medianCell(all, ({ longestMs }) => longestMs),
    ]),
    notes: [
      "360 pixels wide; the API's answers are made up. A task is timed by what it has of a processor; 0: none took 50 ms.",
    ],
  };
}

async function open(stage: PageStage, browser: Browser, count: number): Promise<Opened> {
  listed(stage, count);
  const viewport = { width: 360, height: 740 };
  const window = await browser.open("about:blank", { viewport });
  await browser.timeTasks(window);
  const begin = performance.now();
  await window.goto(stage.address());
  await until(window, "document.querySelector('main .run, main .mid') !== null");
  const firstMs = performance.now() - begin;
  await until(window, `${HEIGHT} >= ${count * NARROW_ROW}`);
  const allMs = performance.now() - begin;
  const longestMs = Math.max(0, ...(await browser.longTasks()));
  await window.context().close();
  return { firstMs, allMs, longestMs };
}

/** How long what is huge or hostile holds the page up. */
async function hugeContents(context: Context): Promise<Table> {
  const stage = context.cleanup.use(await startPageStage());
  const browser = context.cleanup.use(await startBrowser());
  const variants = HUGE.map((huge) => ({
    name: huge.name,
    async measure(): Promise<number> {
      huge.stage(stage);
      const window = await browser.open("about:blank", NARROW);
      await browser.timeTasks(window);
      await window.goto(stage.address(huge.rest));
      await huge.use(window);
      const longest = Math.max(0, ...(await browser.longTasks()));
      await window.context().close();
      return longest;
    },
  }));
  const samples = await interleave(context, variants, context.rounds ?? ROUNDS);
  return {
    title: "What is huge and hostile, at 360 pixels",
    columns: ["", "longest task, ms", "may be"],
    rows: [...samples].map(([name, all]) => [name, medianCell(all, (ms) => ms), "200"]),
    notes: [],
  };
}

/** The list has the height of all its rows, though few of them are drawn. */
const HEIGHT =
  "[...document.querySelectorAll('main .list > ol')].reduce((sum, { clientHeight }) => sum + clientHeight, 0)";
const NARROW_ROW = 64;

/** Waits for what the page's policy lets no script of its own look for. */
const until = (window: Page, expression: string): Promise<void> =>
  eventually(async () => {
    if (!(await window.evaluate(expression))) throw new Error(`not yet: ${expression}`);
  }, 120);

function listed({ answers }: PageStage, count: number): void {
  const now = Date.now();
  const runs = Array.from({ length: count }, (_, i): Run => {
    const at = new Date(now - i * 30_000).toISOString();
    return overRun({ id: `run_${i}`, createdAt: at, updatedAt: at, finishedAt: at });
  });
  answers.set("/runs", ({ query }, response) => {
    if (query["follow"] !== undefined) {
      response.type("text/event-stream").write("id: 1\nevent: ready\ndata: {}\n\n");
      return;
    }
    const from = Number(query["pageToken"] ?? 0);
    const to = from + PAGE_SIZE;
    const items = runs.slice(from, to);
    response.json({ items, ...(to < count && { nextPageToken: String(to) }) });
  });
}
