import { createHash } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { buildPage } from "../../infra/page/build-page.ts";
import { acceptRun } from "../../shared/run/accept.ts";
import { HIDEABLE, startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { after, claimed, lease, makeOrder, submitted } from "../support/make-run.ts";
import type { Context, Table } from "./benchmark.ts";
import { startCountedFirestore } from "./counted-firestore.ts";
import { writeRun } from "./finished-runs.ts";
import { ours, startFunction } from "./functions.ts";
import { PRICES } from "./prices.ts";
import { KEY, openFirestore, startServices } from "./services.ts";
import { temporaryFolder } from "./temporary.ts";

const AT_WORK = 5;
const HOUR_S = 3600;
/** The page's clock moves by so much at a time, and waits for what it has asked, in seconds. */
const STEP_S = 2;

/** The API with its Firestore, and what both have counted so far. */
interface Counted {
  url: string;
  count(): { requests: number; reads: number };
  /** Whether a request waits for its answer, but for streams. */
  isBusy(): boolean;
  /** Ends every stream, as each ends by itself after 59 minutes. */
  endStreams(): void;
}

/**
 * What an open page asks for in an hour: the page's clock is moved, and the API and its Firestore
 * count.
 */
export async function pageHour(context: Context): Promise<Table> {
  const { cleanup, progress } = context;
  buildPage();
  const counted = await startCounted(cleanup);
  const browser = cleanup.use(await startBrowser());
  const window = await browser.open("about:blank");
  await window.addInitScript(HIDEABLE);
  await window.clock.install();
  const rows: string[][] = [];
  const measure = async (name: string, work: () => Promise<unknown>) => {
    progress(name);
    const before = counted.count();
    await work();
    const now = counted.count();
    const [requests, reads] = [now.requests - before.requests, now.reads - before.reads];
    const { firestoreRead, functionRequest } = PRICES;
    const usd =
      (requests * functionRequest.usd) / functionRequest.per +
      (reads * firestoreRead.usd) / firestoreRead.per;
    rows.push([name, String(requests), String(reads), usd.toFixed(5)]);
  };
  await measure("opened", async () => {
    await window.goto(`${counted.url}/#key=${KEY}`);
    await window
      .locator("main .run")
      .nth(AT_WORK - 1)
      .waitFor();
    await pass(window, counted, 4);
  });
  await measure("an hour, seen", async () => {
    await pass(window, counted, HOUR_S - 60);
    counted.endStreams();
    await pass(window, counted, 60);
  });
  await window.evaluate("window.setHidden(true)");
  await measure("an hour, hidden", () => pass(window, counted, HOUR_S));
  await window.evaluate("window.setHidden(false)");
  await window.getByRole("button", { name: "Tell me of runs that end" }).click();
  await pass(window, counted, 20);
  await window.evaluate("window.setHidden(true)");
  await measure("an hour, hidden, to be told", () => pass(window, counted, HOUR_S));
  return {
    title: "What a page costs that is open on the list",
    columns: ["", "requests", "documents read", "USD"],
    rows,
    notes: [
      `${AT_WORK} runs are at work all the time; each change of a run is one read more for a page that is seen.`,
      "What the API and its Firestore counted while the page's clock was moved; files of the page are requests, too.",
    ],
  };
}

/** Lets so many seconds pass for the page. */
async function pass(window: Page, { isBusy }: Counted, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += STEP_S) {
    await window.clock.runFor(STEP_S * 1000);
    await eventually(async () => {
      if (isBusy()) throw new Error("a request has no answer yet");
    });
  }
}

async function startCounted(cleanup: AsyncDisposableStack): Promise<Counted> {
  const firestore = await startCountedFirestore(cleanup, temporaryFolder(cleanup, "counted"));
  const services = await startServices(cleanup);
  const clients = { ...services.clients, FIRESTORE_EMULATOR_HOST: firestore.address };
  await fill(clients);
  const folder = temporaryFolder(cleanup, "sockets");
  const { socketPath } = await startFunction(cleanup, ours("api"), { env: clients, folder });
  let requests = 0;
  const waiting = new Set<http.ServerResponse>();
  const streams = new Set<http.ServerResponse>();
  const front = http.createServer((request, response) => {
    requests += 1;
    const among = request.url?.includes("follow") ? streams : waiting;
    among.add(response);
    response.once("close", () => among.delete(response));
    const { url: path, method, headers } = request;
    const behind = http.request({ socketPath, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    behind.on("error", () => response.destroy());
    response.once("close", () => behind.destroy());
    request.pipe(behind);
  });
  await once(front.listen(0, "127.0.0.1"), "listening");
  cleanup.defer(() => void front.close().closeAllConnections());
  return {
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    count: () => ({ requests, reads: firestore.reads() }),
    isBusy: () => waiting.size > 0,
    endStreams: () => {
      for (const response of streams) response.destroy();
    },
  };
}

/** The key, and runs at work. */
async function fill(clients: { FIRESTORE_EMULATOR_HOST: string }): Promise<void> {
  const firestore = openFirestore(clients);
  const hash = createHash("sha256").update(KEY).digest("hex");
  await firestore.doc(`keys/${hash}`).set({ owner: "bench" });
  for (let index = 0; index < AT_WORK; index += 1) {
    const accepted = acceptRun(makeOrder(), {
      ...{ id: `run_${String(index).padStart(22, "0")}`, owner: "bench", nonce: "n" },
      ...{ sessionId: "s", requestHash: "h", writer: "w", now: new Date() },
    });
    await writeRun(firestore, after(accepted, lease, submitted, claimed));
  }
  await firestore.terminate();
}
