import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { STARTING, startProgress } from "../../../infra/agent/progress.ts";
import { startFakeClock } from "./fake-clock.ts";

async function startReceiver(status: number) {
  const texts: string[] = [];
  const server = createServer(async (request, response) => {
    texts.push(JSON.parse(await text(request)).text);
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const lines: string[] = [];
  const clock = startFakeClock();
  const reporter = startProgress({
    url: `http://127.0.0.1:${port}/`,
    token: "t",
    attempt: 1,
    buildId: "b",
    intervalMs: 2000,
    clock,
    log: (line) => lines.push(line),
  });
  const arrived = async (count: number) => {
    for (let poll = 0; texts.length < count && poll < 200; poll += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    return texts;
  };
  return {
    texts,
    lines,
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

test("the last progress goes out when the reporter is closed", async () => {
  await using world = await startReceiver(204);
  const { reporter, clock, arrived } = world;
  reporter.report({ text: "one", turn: 1 });
  await clock.advance(30);
  await arrived(1);
  reporter.report({ text: "two", turn: 2 });
  await reporter.close();
  expect(world.texts).toEqual(["one", "two"]);
});

test("refused progress is told once and stops nothing", async () => {
  await using world = await startReceiver(410);
  const { reporter, clock, arrived } = world;
  for (const [index, text] of ["one", "two"].entries()) {
    reporter.report({ text, turn: 1 });
    await clock.advance(2000);
    await arrived(index + 1);
  }
  await reporter.close();
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
