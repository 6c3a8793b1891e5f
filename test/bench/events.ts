import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PubSub } from "@google-cloud/pubsub";
import { COLLECTIONS, TOPICS } from "../../shared/names.ts";
import { type Benchmark, type Context, figure, type Table } from "./benchmark.ts";
import { PRICES, usdPerMillion } from "./prices.ts";
import { billing, startTally, type Tally } from "./tally.ts";
import { startWorld, type World } from "./world.ts";

const EVENTS = 10_000;
/** How many come while there is still something to be started. */
const FIRST = 1000;
const LIMIT = 12;
const DELIVERIES = 200;
const TYPE = "com.example.bench.v1";
const LONGEST_MS = 20 * 60_000;

/** Events through one trigger with a limit, and deliveries to one webhook. */
export const events: Benchmark = {
  name: "events",
  summary: "10,000 events at a trigger that starts 12 runs an hour, and deliveries of webhooks",
  async run({ cleanup, progress }: Context): Promise<Table[]> {
    const tally = startTally();
    progress("starting Runyard");
    const world = await startWorld(cleanup, billing(tally));
    const received = await startReceiver(cleanup);
    const events = await fire(world, { tally, progress, cleanup });
    progress(`${DELIVERIES} deliveries`);
    const { id } = await call(world, "/webhooks", { url: received.url });
    tally.reset();
    await atOnce(DELIVERIES, 8, () => call(world, `/webhooks/${id}/ping`, {}));
    await until(async () => received.count() >= DELIVERIES);
    await quiet(tally);
    return [
      events,
      costs(tally, "deliveries: what one costs, from its document to its end", DELIVERIES),
    ];
  },
};

interface Firing {
  tally: Tally;
  progress: Context["progress"];
  cleanup: AsyncDisposableStack;
}

/** Has all events fire. @throws {Error} if they started more or fewer runs than they may */
async function fire(world: World, { tally, progress, cleanup }: Firing): Promise<Table> {
  await call(world, "/triggers", {
    name: "bench",
    source: { kind: "event", type: TYPE },
    prompt: "Say {{ event.data.at }}",
    limits: { runsPerHour: LIMIT },
  });
  const { projectId, clients } = world.local.address;
  const apiEndpoint = clients["PUBSUB_EMULATOR_HOST"] ?? "";
  const pubsub = new PubSub({ projectId, apiEndpoint, emulatorMode: true });
  cleanup.defer(() => pubsub.close());
  const topic = pubsub.topic(TOPICS.triggerEvents);
  const publish = (at: number) =>
    topic.publishMessage({
      json: { at },
      attributes: {
        ...{ "ce-specversion": "1.0", "ce-id": `${at}` },
        ...{ "ce-source": "//example/bench", "ce-type": TYPE },
      },
    });
  const firings = world.firestore.collection(COLLECTIONS.firings);
  const decided = async () => (await firings.count().get()).data().count;
  const runs = async () => (await world.firestore.collection(COLLECTIONS.runs).get()).docs;
  progress(`${FIRST} events, of which ${LIMIT} start runs`);
  for (let at = 0; at < FIRST; at += 1) void publish(at);
  await until(async () => (await decided()) === FIRST);
  await until(async () => (await runs()).every((run) => run.get("done")));
  await quiet(tally);
  tally.reset();
  const rest = EVENTS - FIRST;
  progress(`${rest} events that the limit turns away`);
  const begunAt = performance.now();
  for (let at = FIRST; at < EVENTS; at += 1) void publish(at);
  await until(async () => (await decided()) === EVENTS);
  const minutes = (performance.now() - begunAt) / 60_000;
  const started = (await runs()).length;
  if (started !== LIMIT) throw new Error(`${started} runs were started, and not ${LIMIT}`);
  await quiet(tally);
  const table = costs(tally, "events: what one costs that a limit turns away", rest);
  table.notes.unshift(
    `${EVENTS} events: ${LIMIT} runs, ${EVENTS - LIMIT} firings "limited"; ${figure(rest / minutes)} a minute`,
  );
  return table;
}

/** An endpoint that takes whatever is delivered. */
async function startReceiver(cleanup: AsyncDisposableStack) {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    request.resume().on("end", () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, count: () => count };
}

async function call({ local }: World, path: string, json: object): Promise<{ id: string }> {
  const response = await fetch(`${local.address.apiUrl}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${local.key}`, "content-type": "application/json" },
    body: JSON.stringify(json),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

async function atOnce(count: number, most: number, work: () => Promise<unknown>): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: most }, worker));
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + LONGEST_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error("what was waited for did not come");
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Until nothing is asked any more but what asks anyway. */
async function quiet(tally: Tally): Promise<void> {
  const sum = () => tally.entries().reduce((all, { count }) => all + count, 0);
  let before = -1;
  while (sum() > before * 1.0005 + 50) {
    before = sum();
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
}

function costs(tally: Tally, title: string, count: number): Table {
  const entries = tally.entries().filter((entry) => entry.count / count > 0.01);
  const rows = entries
    .toSorted((a, b) => a.what.localeCompare(b.what) || a.purpose.localeCompare(b.purpose))
    .map(({ what, purpose, count: all }) => [
      PRICES[what].unit,
      purpose,
      figure(all / count),
      figure(usdPerMillion(what, all / count)),
    ]);
  const total = entries.reduce((sum, e) => sum + usdPerMillion(e.what, e.count / count), 0);
  return {
    title,
    columns: ["what", "for", "each", "USD / million"],
    rows: [...rows, ["all but processors", "", "", figure(total)]],
    notes: ["counted at the stand-in, but for the documents that queries find"],
  };
}
