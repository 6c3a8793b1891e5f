import { verdict } from "../../../shared/attempt/verdict.ts";
import { type AgentEvent, AgentEvent as EventSchema } from "../../../shared/documents/event.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import { KEY, startWorld } from "./runner-world.ts";

type World = Awaited<ReturnType<typeof startWorld>>;

/** What the API has been told, in order of arrival. */
const reported = (world: World) =>
  world.progress.flatMap(
    ({ body }) => (body["events"] ?? []) as { number: number; event: AgentEvent }[],
  );

/** A server of the Model Context Protocol over standard input, with one tool. */
const SERVER = `
const out = (id, result) => console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === "initialize") {
    const serverInfo = { name: "notes", version: "1" };
    out(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo });
  } else if (method === "tools/list") {
    const inputSchema = { type: "object", properties: { text: { type: "string" } } };
    out(id, { tools: [{ name: "note", description: "Takes a note.", inputSchema }] });
  } else if (method === "tools/call") {
    const text = "noted " + params.arguments.text + ", key " + process.env.KEY.length +
      " " + process.env.KEY + ", real key " + process.env.ANTHROPIC_API_KEY;
    out(id, { content: [{ type: "text", text }] });
  } else if (id !== undefined) out(id, {});
});`;

test("a tool of an MCP server in the sandbox is called, with a secret that nobody sees", async () => {
  await using world = await startWorld();
  const near = {
    type: "stdio" as const,
    command: "/opt/runyard/node",
    args: ["-e", SERVER],
    env: { KEY: "${NOTES_KEY}" },
  };
  const broken = { type: "stdio" as const, command: "/nonexistent" };
  const { exitCode, stdout } = await (
    await world.start(
      'call: mcp__notes__note {"text": "a $(id) b"}',
      { mcpServers: { notes: near, broken } },
      { RUNYARD_ENV_NOTES_KEY: "n0tes-s3cr3t" },
    )
  ).ended;
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
  const { facts } = await world.manifest();
  expect(verdict(facts)).toMatchObject({
    outcome: "succeeded",
    message: "Done. Without the tools of MCP servers that did not start: broken.",
    failedServers: ["broken"],
  });
  expect(facts.result?.result).toMatch(/noted a \$\(id\) b, key 12 \*\*\*, real key runyard-/);
  expect(JSON.stringify(reported(world))).not.toMatch(/n0tes-s3cr3t/);
  expect(reported(world).map(({ event }) => event)).toContainEqual({
    type: "text",
    text: "[MCP servers that failed: broken]",
  });
  expect(reported(world).map(({ event }) => event)).toContainEqual({
    type: "tool",
    tool: "mcp__notes__note",
    input: '{"text":"a $(id) b"}',
    callId: expect.any(String),
  });
  expect(JSON.stringify(world.requests)).not.toContain(`real key ${KEY}`);
}, 180_000);

test("another model takes over from one that is overloaded, and the retries are told", async () => {
  await using world = await startWorld();
  const settings = { model: "opus", fallbackModels: ["haiku"], effort: "high" as const };
  await (await world.start("opus is overloaded", settings)).ended;
  const { facts } = await world.manifest();
  expect(facts).toMatchObject({ result: { is_error: false } });
  expect(facts.result?.result).toMatch(/claude-haiku\S* took over/);
  const bodies = world.requests.map(({ body }) => body as Record<string, unknown>);
  expect(bodies.at(-1)).toMatchObject({ model: expect.stringContaining("haiku") });
  expect(bodies[0]).toMatchObject({
    model: expect.stringContaining("opus"),
    output_config: { effort: "high" },
  });
  const retries = reported(world).flatMap(({ event }) =>
    event.type === "retry" ? [event.text] : [],
  );
  expect(retries).toEqual([
    expect.stringMatching(/^attempt 1 of 4 in \d\.\d s: 529 overloaded$/),
    expect.stringMatching(/^attempt 2 of 4/),
    expect.stringMatching(/^Switched to Haiku/),
  ]);
}, 180_000);

test("what the agent does is told in order and once, before the manifest is there", async () => {
  await using world = await startWorld();
  await (await world.start("Say hello.")).ended;
  const events = reported(world);
  const ofType = (...types: AgentEvent["type"][]) =>
    events.map(({ event }) => event).filter(({ type }) => types.includes(type));
  const callId = expect.stringMatching(/^toolu_/);
  expect(ofType("text", "tool", "tool_result", "cost")).toEqual([
    { type: "text", text: "[offline] I will write hello.txt." },
    { type: "tool", tool: "Write", input: "hello.txt", callId },
    {
      type: "tool_result",
      callId,
      isError: false,
      preview: expect.stringContaining("hello.txt"),
      ms: expect.any(Number),
    },
    { type: "text", text: expect.stringContaining("I wrote hello.txt") },
    { type: "cost", costUsd: 0, turns: 2 },
  ]);
  expect(ofType("usage")).toHaveLength(2);
  expect(ofType("changes").at(-1)).toEqual({ type: "changes", files: 1, added: 1, removed: 0 });
  const over = ofType("phase").flatMap((event) =>
    event.type === "phase" && event.state === "done" ? [event.name] : [],
  );
  expect(over).toEqual(["claim", "agent", "upload"]);
  const { phases = [] } = await world.manifest();
  expect(phases.map(({ name }) => name)).toEqual(over);
  expect(events.map(({ number }) => number)).toEqual(events.map((_, index) => index + 1));
  const validate = validatorOf(EventSchema);
  for (const { event } of events) expect(validate(event).ok).toBe(true);
});

test("a denied tool is told", async () => {
  await using world = await startWorld();
  await (await world.start("Say hello.", { permissionMode: "manual" })).ended;
  expect(reported(world).map(({ event }) => event)).toContainEqual({
    type: "denied",
    tool: "Write",
    input: "hello.txt",
    callId: expect.any(String),
  });
  expect((await world.manifest()).facts.deniedCalls).toEqual([
    { tool: "Write", input: "hello.txt" },
  ]);
});

test("an agent that plans converses, without the beta that it asks for", async () => {
  await using world = await startWorld();
  await (await world.start("echo", { permissionMode: "plan" })).ended;
  const { facts } = await world.manifest();
  expect(facts).toMatchObject({ result: { is_error: false }, turns: 1 });
});

test("an API that takes no reports costs the run seconds, not its result", async () => {
  await using world = await startWorld();
  world.answerProgressWith(503);
  const { exitCode, stdout } = await (await world.start("Say hello.")).ended;
  expect(exitCode).toBe(0);
  expect(stdout).toContain("progress is not reported: HTTP 503");
  expect(stdout).toContain("the last events are not reported");
  expect((await world.manifest()).facts.result?.result).toContain("I wrote hello.txt");
}, 180_000);

test("a command that is at work in the background ends with the agent, and the run says so", async () => {
  await using world = await startWorld();
  const input = { command: "timeout 60 tail -f /dev/null", run_in_background: true };
  const call = JSON.stringify({ ...input, description: "all tests" });
  await (await world.start(`call: Bash ${call}`)).ended;
  const { facts } = await world.manifest();
  expect(facts.background).toEqual(["all tests"]);
  expect(verdict(facts)).toMatchObject({
    outcome: "background_ended",
    message:
      "Done, but commands that were still at work in the background ended with the agent: all tests.",
  });
}, 60_000);
