import { setImmediate } from "node:timers/promises";
import { answer, type ModelWorld, messageAnswer, REQUEST, startModelWorld } from "./model-world.ts";

/** USD of the one answer below: 1,000 tokens of a prompt and 1,000 of an answer of Opus 5.5. */
const PRICE = 0.004 + 0.02;
const thousand = () => messageAnswer({ input_tokens: 1000, output_tokens: 1000 });

test("fifty requests at once spend at most what is left", async () => {
  await using world = await startModelWorld({
    budgetUsd: 0.1,
    countedTokens: 1000,
    answerOf: thousand,
  });
  const body = { ...REQUEST, max_tokens: 1000 };
  const answers = await Promise.all(Array.from({ length: 50 }, () => world.ask({ body })));
  const served = answers.filter(({ status }) => status === 200).length;
  expect(served).toBeGreaterThan(0);
  expect(served * PRICE).toBeLessThanOrEqual(0.1);
  expect(world.access.spending().costUsd).toBeCloseTo(served * PRICE, 9);
  expect(world.access.spending()).toMatchObject({
    isExhausted: true,
    outputTokens: served * 1000,
  });
  expect(answers.filter(({ status }) => status === 400)).toHaveLength(50 - served);
});

test("the longest answer that is paid for is the longest that is asked for", async () => {
  await using world = await startModelWorld({ budgetUsd: 0.1, countedTokens: 0 });
  await world.ask({
    body: {
      ...REQUEST,
      max_tokens: 128_000,
      thinking: { type: "enabled", budget_tokens: 100_000 },
    },
  });
  const sent = JSON.parse(world.arrived.at(-1)?.body ?? "");
  // 4,000 tokens that the API may add, at 8 USD, and the rest at 20 USD a million.
  expect(sent.max_tokens).toBe(Math.floor((0.1 - 0.032) / 0.00002));
  expect(sent.thinking.budget_tokens).toBeLessThan(sent.max_tokens);
});

test.each<[string, object | undefined]>([
  ["no usage", undefined],
  ["a negative count", { input_tokens: 10, output_tokens: -1_000_000 }],
  ["half a token", { input_tokens: 0.5, output_tokens: 1 }],
  ["a text", { input_tokens: "10", output_tokens: 1 }],
  ["a count of something unknown", { input_tokens: 10, output_tokens: 10, dream_tokens: 5 }],
  [
    "a search",
    { input_tokens: 10, output_tokens: 10, server_tool_use: { web_search_requests: 1 } },
  ],
  ["another speed", { input_tokens: 10, output_tokens: 10, speed: "fast" }],
  [
    "more written for an hour than at all",
    {
      input_tokens: 1,
      output_tokens: 1,
      cache_creation_input_tokens: 1,
      cache_creation: { ephemeral_1h_input_tokens: 2 },
    },
  ],
])("what is not known is never free: %s", async (_name, usage) => {
  await using world = await startModelWorld({ answerOf: () => messageAnswer(usage as object) });
  expect(await world.ask({})).toMatchObject({ status: 200 });
  // What was set aside: the request's bytes, the API's own tokens, and an answer of 100.
  const bytes = JSON.stringify(REQUEST).length;
  expect(world.access.spending().costUsd).toBeCloseTo(((bytes + 4000) * 8 + 100 * 20) / 1e6, 9);
});

test("a stream counts with its last event, and one that breaks off with its longest answer", async () => {
  const event = (data: object & { type: string }) =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  const start = event({
    type: "message_start",
    message: { usage: { input_tokens: 1000, output_tokens: 1 } },
  } as never);
  const rest =
    event({ type: "message_delta", usage: { output_tokens: 50 } } as never) +
    event({ type: "message_stop" });
  await using world = await startModelWorld({
    answerOf: () => answer(start + rest, "200 OK", "text/event-stream"),
  });
  await world.ask({ body: { ...REQUEST, stream: true } });
  const whole = 0.004 + 50 * 0.00002;
  expect(world.access.spending().costUsd).toBeCloseTo(whole, 9);
  await using broken = await startModelWorld({
    answerOf: () => answer(start, "200 OK", "text/event-stream"),
  });
  await broken.ask({ body: { ...REQUEST, stream: true } });
  expect(broken.access.spending().costUsd).toBeCloseTo(0.004 + 100 * 0.00002, 9);
});

test("what an answer cost is known before its reader can ask again", async () => {
  const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
  const stream =
    event({
      type: "message_start",
      message: { usage: { input_tokens: 1000, output_tokens: 50 } },
    }) + event({ type: "message_stop" });
  // The connection stays open, as that of an API that is slow to end an answer.
  const head =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 1000000\r\n\r\n";
  // What one request sets aside leaves no room for another's.
  await using world = await startModelWorld({ budgetUsd: 0.05, answerOf: () => head + stream });
  const open = world.sendRaw(rawRequest(world), { silenceMs: 3000 });
  while (world.arrived.length === 0) await setImmediate();
  const next = world.sendRaw(rawRequest(world), { silenceMs: 1000 });
  expect(await Promise.race([open, next])).toContain("message_stop");
  expect(await next).toContain("message_stop");
  expect(world.access.spending().costUsd).toBeCloseTo(2 * (0.004 + 50 * 0.00002), 9);
});

function rawRequest({ access }: ModelWorld): string {
  const content = JSON.stringify({ ...REQUEST, stream: true });
  return `POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: ${access.placeholderKey}\r\ncontent-length: ${content.length}\r\n\r\n${content}`;
}

test("an error of the API costs nothing", async () => {
  await using world = await startModelWorld({ answerOf: () => answer("{}", "429 Too Many") });
  await world.ask({});
  expect(world.access.spending().costUsd).toBe(0);
});

test("who hangs up has spent what was set aside", async () => {
  const arrived = Promise.withResolvers<void>();
  await using world = await startModelWorld({
    answerOf: () => {
      arrived.resolve();
      return "";
    },
  });
  const content = JSON.stringify(REQUEST);
  const bytes = `POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: ${world.access.placeholderKey}\r\ncontent-length: ${content.length}\r\n\r\n${content}`;
  await Promise.all([world.sendRaw(bytes), arrived.promise]);
  expect(world.access.spending().costUsd).toBeGreaterThan(0.03);
  expect(world.store.get("step 0")).toBeGreaterThan(0.03);
});

test("what an attempt may have spent is remembered before it spends it", async () => {
  const seen: number[] = [];
  const world = await startModelWorld({
    answerOf: () => {
      seen.push([...world.store.values()].at(-1) ?? 0);
      return thousand();
    },
  });
  await using _world = world;
  for (let i = 0; i < 5; i += 1) await world.ask({});
  expect(seen.every((usd) => usd > 0)).toBe(true);
  expect(world.store.size).toBe(1);
});

test("of an owner's day an attempt spends what is set aside for it, however much its run may", async () => {
  await using world = await startModelWorld({
    budgetUsd: 1000,
    ownerBudgetUsd: 0.1,
    earlierUsd: 900,
    countedTokens: 1000,
    answerOf: thousand,
  });
  expect(world.access.budgetUsd).toBe(0.1);
  const body = { ...REQUEST, max_tokens: 1000 };
  const answers = await Promise.all(Array.from({ length: 50 }, () => world.ask({ body })));
  const served = answers.filter(({ status }) => status === 200).length;
  expect(served).toBeGreaterThan(0);
  expect(world.access.spending().costUsd).toBeLessThanOrEqual(0.1);
  expect(world.access.spending()).toMatchObject({ isExhausted: true, isOwners: true });
  const refused = answers.find(({ status }) => status === 400);
  expect(refused?.body).toContain("What its owner's day had left is spent.");
  await using own = await startModelWorld({ budgetUsd: 1, ownerBudgetUsd: 5, earlierUsd: 0.95 });
  expect(own.access.budgetUsd).toBeCloseTo(0.05, 9);
  expect(own.access.spending()).not.toHaveProperty("isOwners");
});

test("attempts of a run share one budget", async () => {
  await using world = await startModelWorld({ budgetUsd: 1, earlierUsd: 0.95 });
  expect(world.access.budgetUsd).toBeCloseTo(0.05, 9);
  await using spent = await startModelWorld({ budgetUsd: 1, earlierUsd: 1.5 });
  expect(spent.access.spending()).toMatchObject({ earlierUsd: 1.5, isExhausted: true });
  expect(await spent.ask({})).toMatchObject({ status: 400 });
});
