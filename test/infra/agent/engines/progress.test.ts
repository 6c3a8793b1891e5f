import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { STARTING, startProgress } from "../../../../infra/agent/engines/progress.ts";
import { startFakeClock } from "../fake-clock.ts";

interface Report {
  text: string;
  turn: number;
  events?: { number: number; event: { text: string } }[];
}

/** Answers with the statuses in turn; the last one repeats. */
async function startReceiver(...statuses: number[]) {
  const wanted: Record<string, string> = {};
  const texts: string[] = [];
  const reports: Report[] = [];
  const server = createServer(async (request, response) => {
    const report: Report = JSON.parse(await text(request));
    texts.push(report.text);
    reports.push(report);
    response.writeHead(statuses[Math.min(texts.length, statuses.length) - 1] ?? 500, wanted).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const lines: string[] = [];
  const refusals: number[] = [];
  const clock = startFakeClock();
  const reporter = startProgress({
    url: `http://127.0.0.1:${port}/`,
    token: "t",
    attempt: 1,
    buildId: "b",
    intervalMs: 2000,
    clock,
    onRefused: () => void refusals.push(texts.length),
    log: (line) => lines.push(line),
  });
  const arrived = async (count: number) => {
    for (let poll = 0; texts.length < count && poll < 4000; poll += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    return texts;
  };
  return {
    wanted,
    texts,
    reports,
    lines,
    refusals,
    clock,
    reporter,
    arrived,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

test("the first progress goes out at once but for what belongs to it, then the latest once per interval", async () => {
  await using world = await startReceiver(204);
  const { reporter, clock, arrived } = world;
  reporter.report({ text: "one", turn: 1 });
  await clock.advance(30);
  expect(await arrived(1)).toEqual(["one"]);
  reporter.report({ text: "two", turn: 1 });
  reporter.report({ text: "three", turn: 1 });
  await clock.advance(1999);
  expect(world.texts).toEqual(["one"]);
  await clock.advance(1);
  expect(await arrived(2)).toEqual(["one", "three"]);
});

test("an answer may ask for fewer reports, and is heeded until there is a report full of events", async () => {
  await using world = await startReceiver(204);
  const { reporter, clock, arrived, wanted } = world;
  wanted["report-after"] = "15";
  reporter.report({ text: "one", turn: 1 });
  await clock.advance(30);
  await arrived(1);
  reporter.report({ text: "two", turn: 1 });
  await clock.advance(14_999);
  expect(world.texts).toEqual(["one"]);
  await clock.advance(1);
  expect(await arrived(2)).toEqual(["one", "two"]);
  for (let count = 0; count < 100; count += 1) reporter.add({ type: "text", text: `${count}` });
  await clock.advance(1999);
  expect(world.texts).toHaveLength(2);
  await clock.advance(1);
  await arrived(3);
  expect(world.reports[2]?.events).toHaveLength(100);
  wanted["report-after"] = "2";
  reporter.report({ text: "three", turn: 2 });
  await clock.advance(15_000);
  await arrived(4);
  reporter.report({ text: "four", turn: 2 });
  await clock.advance(2000);
  expect((await arrived(5)).slice(3)).toEqual(["three", "four"]);
});

test("the last progress goes out when the reporter is closed", async () => {
  await using world = await startReceiver(204);
  const { reporter, clock, arrived } = world;
  reporter.report({ text: "one", turn: 1 });
  await clock.advance(30);
  await arrived(1);
  reporter.report({ text: "two", turn: 2 });
  await reporter.close({ isDone: false });
  expect(world.texts).toEqual(["one", "two"]);
});

test("the last report says that the manifest is there, whether there is news or not", async () => {
  await using world = await startReceiver(204);
  const { reporter, reports } = world;
  reporter.add(word("one"));
  await reporter.close({ isDone: true });
  await using other = await startReceiver(204);
  await other.reporter.close({ isDone: true });
  expect([...reports, ...other.reports]).toEqual([
    expect.objectContaining({ events: [expect.objectContaining({ number: 1 })], done: true }),
    expect.objectContaining({ text: "", done: true }),
  ]);
});

test("refused progress is told once and stops nothing", async () => {
  await using world = await startReceiver(410);
  const { reporter, clock, arrived } = world;
  for (const [index, text] of ["one", "two"].entries()) {
    reporter.report({ text, turn: 1 });
    await clock.advance(2000);
    await arrived(index + 1);
  }
  await reporter.close({ isDone: false });
  expect(world.texts).toEqual(["one", "two"]);
  expect(world.lines).toEqual(["progress is not reported: HTTP 410"]);
});

test("the sign that the agent is being started does not hold up what it does first", async () => {
  await using world = await startReceiver(204);
  const { reporter, clock, arrived } = world;
  reporter.report(STARTING);
  await clock.advance(0);
  expect(await arrived(1)).toEqual([""]);
  reporter.report({ text: "I will write", turn: 1 });
  reporter.report({ text: "Write a.txt", turn: 1 });
  await clock.advance(30);
  expect(await arrived(2)).toEqual(["", "Write a.txt"]);
});

const word = (text: string) => ({ type: "text", text }) as const;
const numbersOf = ({ events = [] }: Report): number[] => events.map(({ number }) => number);

test("events go out with the progress, at most once per interval", async () => {
  await using world = await startReceiver(204);
  const { reporter, reports, clock, arrived } = world;
  reporter.report({ text: "Write a.txt", turn: 1 });
  reporter.add(word("one"));
  reporter.add({ type: "tool", tool: "Write", input: "a.txt" });
  await clock.advance(30);
  await arrived(1);
  expect(reports[0]).toEqual({
    attempt: 1,
    buildId: "b",
    text: "Write a.txt",
    turn: 1,
    events: [
      { number: 1, agoMs: 30, event: word("one") },
      { number: 2, agoMs: 30, event: { type: "tool", tool: "Write", input: "a.txt" } },
    ],
  });
  reporter.add(word("three"));
  await clock.advance(1999);
  expect(reports).toHaveLength(1);
  await clock.advance(1);
  await arrived(2);
  expect(reports[1]).toMatchObject({ text: "Write a.txt", turn: 1 });
  expect(numbersOf(reports[1] as Report)).toEqual([3]);
});

test("events before any progress go with a text, since one without says that the agent only starts", async () => {
  await using world = await startReceiver(204);
  const { reporter, reports, clock, arrived } = world;
  reporter.report(STARTING);
  await arrived(1);
  reporter.add({ type: "retry", text: "attempt 1" });
  await clock.advance(30);
  await arrived(2);
  expect(reports.map(({ text }) => text)).toEqual(["", "The agent is starting."]);
});

test.each([500, 503, 429])(
  "after a %i the same events are sent again, with the ones that came since",
  async (status) => {
    await using world = await startReceiver(status, 204);
    const { reporter, reports, clock, arrived } = world;
    reporter.add(word("one"));
    await clock.advance(30);
    await arrived(1);
    reporter.add(word("two"));
    await clock.advance(2000);
    await arrived(2);
    await clock.advance(10_000);
    expect(reports.map(numbersOf)).toEqual([[1], [1, 2]]);
    expect(world.lines).toEqual([`progress is not reported: HTTP ${status}`]);
  },
);

test("events that the API cannot take are given up, so that later ones arrive", async () => {
  await using world = await startReceiver(422, 204);
  const { reporter, reports, clock, arrived } = world;
  reporter.add(word("one"));
  await clock.advance(30);
  await arrived(1);
  reporter.add(word("two"));
  await clock.advance(2000);
  await arrived(2);
  expect(reports.map(numbersOf)).toEqual([[1], [2]]);
});

test("closing sends all that is left, batch after batch, through a failure", async () => {
  await using world = await startReceiver(204, 500, 204);
  const { reporter, reports } = world;
  for (let count = 1; count <= 250; count += 1) reporter.add(word(`${count}`));
  await reporter.close({ isDone: false });
  expect(reports.map((report) => [numbersOf(report)[0], numbersOf(report).length])).toEqual([
    [1, 100],
    [101, 100],
    [101, 100],
    [201, 50],
  ]);
});

test("closing gives up at once when the run is over, and says so", async () => {
  await using world = await startReceiver(409);
  const { reporter, reports } = world;
  reporter.add(word("one"));
  await reporter.close({ isDone: false });
  expect(reports).toHaveLength(1);
  expect(world.lines).toEqual([
    "progress is not reported: HTTP 409",
    "the last events are not reported",
  ]);
});

test("closing gives up after seconds when nobody answers", async () => {
  await using world = await startReceiver(503);
  world.reporter.add(word("one"));
  await world.reporter.close({ isDone: false });
  expect(world.lines).toContain("the last events are not reported");
}, 180_000);

test("a report that is refused for good is told; one that fails or is not understood is not", async () => {
  await using world = await startReceiver(503, 422, 429, 401, 404, 409);
  for (let count = 1; count <= 6; count += 1) {
    world.reporter.report({ text: String(count), turn: count });
    await world.clock.advance(2_000);
    await world.arrived(count);
  }
  expect(world.refusals).toEqual([4, 5, 6]);
});
