import { ANSWERS, BODIES, DOORS, SMUGGLING } from "./key-attempts.ts";
import { KEY, type ModelWorld, REQUEST, startModelWorld } from "./model-world.ts";

/**
 * Whatever came of it: nothing reached the API that the proxy did not make itself, and the key
 * stayed.
 */
function expectNothingElse({ arrived, strays }: ModelWorld, said: string): void {
  expect(strays).toEqual([]);
  expect(arrived.filter(({ isPlain }) => !isPlain)).toEqual([]);
  expect(said).not.toContain(KEY);
}

test.each(SMUGGLING)("no request hides in another: %s", async (_name, head, bodyOf) => {
  await using world = await startModelWorld();
  const key = world.access.placeholderKey;
  const body = bodyOf(key);
  const lengths = head
    .replace("{n}", String(body.length))
    .replace("{body}", String(JSON.stringify(REQUEST).length));
  const end = head.includes("HTTP/1.1\ncontent") ? "\n" : "\r\n";
  const bytes = `${lengths}host: model${end}x-api-key: ${key}${end}${end}${body}`;
  expectNothingElse(world, await world.sendRaw(bytes));
  // The next one on the same proxy meets a clean connection.
  expect(await world.ask({})).toMatchObject({ status: 200 });
  expectNothingElse(world, "");
});

test.each(DOORS)("the key opens no other door: %s", async (door) => {
  const [method = "", path = ""] = door.split(" ");
  await using world = await startModelWorld();
  const { status, body } = await world.ask({ method, path });
  expect([400, 404]).toContain(status);
  expect(body).not.toContain(KEY);
  expect(world.arrived).toEqual([]);
  expect(world.strays).toEqual([]);
});

test.each([
  ["no key", ""],
  ["another", "sk-ant-other"],
  ["the real one", KEY],
])("without the run's own key nothing passes: %s", async (_name, key) => {
  await using world = await startModelWorld();
  expect(await world.ask({ key })).toMatchObject({ status: 401 });
  expect(world.arrived).toEqual([]);
});

test.each(BODIES)("a request does nothing but converse: %s", async (_name, body) => {
  await using world = await startModelWorld();
  const { status, body: said } = await world.ask({ body });
  expect(status).toBe(400);
  expect(JSON.parse(said)).toMatchObject({
    type: "error",
    error: { type: "invalid_request_error" },
  });
  expect(world.arrived).toEqual([]);
  expect(world.events).toMatchObject([{ type: "refused" }]);
});

test.each([
  "files-api-2025-04-14",
  "message-batches-2024-09-24",
  "managed-agents-2026-04-01",
  "fast-mode-2026-02-01",
  "code-execution-2025-08-25",
  "mcp-client-2025-11-20",
  "oauth-2025-04-20",
  "skills-2025-10-02",
  "effort-2025-11-24,files-api-2025-04-14",
  "no-such-beta",
])("a beta opens nothing: %s", async (beta) => {
  await using world = await startModelWorld();
  expect(await world.ask({ headers: { "anthropic-beta": beta } })).toMatchObject({ status: 400 });
  expect(world.arrived).toEqual([]);
});

test("what passes is made anew: own headers, own length, the fields that were checked", async () => {
  await using world = await startModelWorld();
  const headers = {
    "anthropic-beta": "effort-2025-11-24, interleaved-thinking-2025-05-14",
    "x-forwarded-for": "1.2.3.4",
    cookie: "a=b",
    connection: "x-api-key, close",
    "accept-encoding": "br",
  };
  const body = { ...REQUEST, thinking: { type: "adaptive" }, output_config: { effort: "low" } };
  expect(await world.ask({ path: "/v1/messages?beta=true", headers, body })).toMatchObject({
    status: 200,
  });
  expect(world.arrived).toMatchObject([
    {
      isPlain: true,
      line: "POST /gateway/v1/messages?beta=true HTTP/1.1",
      headers: {
        "anthropic-beta": "effort-2025-11-24,interleaved-thinking-2025-05-14",
        "accept-encoding": "identity",
      },
    },
  ]);
  expect(JSON.parse(world.arrived[0]?.body ?? "")).toEqual(body);
});

test.each(ANSWERS)("no answer of the API ends the runner: %s", async (_name, reply, status) => {
  await using world = await startModelWorld({ answerOf: () => reply });
  expect((await world.ask({})).status).toBe(status);
  expect((await world.ask({})).status).toBe(status);
});

test("of an answer's headers those pass that the command line reads, and none that it was not asked for", async () => {
  const head =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: a=b\r\nx-key: k\r\nrequest-id: req_1\r\ncontent-length: 2\r\n\r\n{}";
  await using world = await startModelWorld({ answerOf: () => head });
  const said = await world.sendRaw(
    `POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: ${world.access.placeholderKey}\r\ncontent-length: ${JSON.stringify(REQUEST).length}\r\n\r\n${JSON.stringify(REQUEST)}`,
  );
  expect(said).toContain("request-id: req_1");
  expect(said).not.toMatch(/set-cookie|x-key/i);
});

test("of many refusals the first are told", async () => {
  await using world = await startModelWorld();
  for (let i = 0; i < 25; i += 1) await world.ask({ path: `/v1/files/${i}` });
  expect(world.events).toHaveLength(20);
  expect(world.events[0]).toEqual({
    type: "refused",
    text: "POST /v1/files/0 is not for agents: they may converse (POST /v1/messages).",
  });
});

afterAll(() => {
  const count = SMUGGLING.length + DOORS.length + BODIES.length + ANSWERS.length;
  process.stdout.write(`key: ${count} attempts\n`);
});
