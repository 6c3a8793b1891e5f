import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { KEY, startWorld, TOKEN } from "./runner-world.ts";

const EACH_ISOLATION = ["bubblewrap", "none"] as const;

test.each(EACH_ISOLATION)(
  "a run with isolation %s works, and leaves its outputs, a manifest and nothing else",
  async (isolation) => {
    await using world = await startWorld();
    const trace = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    const environment = { RUNYARD_SANDBOX: isolation, TRACEPARENT: trace };
    const { ended, folder } = await world.start("Say hello.", {}, environment);
    const { exitCode, stdout, stderr } = await ended;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const lines = stdout.trim().split("\n");
    // One that takes its time has a checkpoint.
    expect(lines.filter((line) => !line.startsWith("checkpoint "))).toEqual([
      "claimed attempt 1 of run_1 for build build-1, trace 0af7651916cd43dd8448eb211c80319c",
      `starting claude-code 2.1.330, isolation ${isolation}`,
      "the agent ended with exit code 0 after 2 turns",
      expect.stringMatching(/^uploaded 4 outputs, \d+ bytes$/),
      "done",
    ]);
    const manifest = await world.manifest();
    expect(manifest).toMatchObject({
      runId: "run_1",
      attempt: 1,
      buildId: "build-1",
      agent: { name: "claude-code", version: "2.1.330" },
      isolation,
      facts: {
        started: true,
        error: null,
        exitCode: 0,
        stoppedBy: null,
        result: { subtype: "success", is_error: false },
        toolCalls: 1,
        toolErrors: 0,
        turns: 2,
        wantsStructuredOutput: false,
        outputFaults: null,
      },
      changedFiles: [{ path: "hello.txt", status: "added", added: 1, removed: 0 }],
      moreChangedFiles: 0,
    });
    expect(manifest.outputs.map(({ name }) => name)).toEqual([
      "result.json",
      "events.jsonl",
      "patch.diff",
      `session/${world.sessionId}.jsonl`,
    ]);
    const { claim, manifest: decided, outputs, checkpoints } = world.paths;
    const left = (await world.objects()).filter((name) => !name.startsWith(checkpoints));
    const stored = manifest.outputs.map(({ name }) => outputs + name);
    // Each costs: what is not here needs no object.
    const bound = "attempts/run_1/spending/1-0.json";
    expect(left.toSorted()).toEqual([claim, decided, bound, ...stored].toSorted());
    for (const { name, sizeBytes, sha256 } of manifest.outputs) {
      const content = await world.output(name);
      expect(Buffer.byteLength(content)).toBe(sizeBytes);
      expect(createHash("sha256").update(content).digest("hex")).toBe(sha256);
      expect(content).not.toContain(KEY);
      expect(content).not.toContain(TOKEN);
    }
    expect(JSON.parse(await world.output("result.json"))).toMatchObject({
      result: { type: "result", session_id: world.sessionId },
      facts: { started: true },
    });
    expect(await world.output("patch.diff")).toContain("+Hello from Runyard.");
    expect(world.requests.every(({ headers }) => headers["x-api-key"] === KEY)).toBe(true);
    expect(world.progress.at(-1)?.body).toMatchObject({ done: true });
    expect(new Set(world.progress.map((report) => report.trace))).toEqual(new Set([trace]));
    expect(await world.leftovers()).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  },
);

test.each([
  ["the prompt itself", "Say hello.", {}, "none"],
  ["another prompt", "Say hello. ", {}, "bubblewrap"],
  ["the prompt with setup commands", "Say hello.", { setupCommands: ["true"] }, "bubblewrap"],
] as const)(
  "of the prompt that needs no sandbox, %s (%j, %j) has isolation %s",
  async (...[, prompt, settings, isolation]) => {
    await using world = await startWorld();
    const environment = { RUNYARD_UNCONFINED_PROMPT: "Say hello." };
    const asked = "setupCommands" in settings ? { setupCommands: [...settings.setupCommands] } : {};
    await (await world.start(prompt, asked, environment)).ended;
    expect((await world.manifest()).isolation).toBe(isolation);
  },
);

test("the start and then progress are reported with the run's token", async () => {
  await using world = await startWorld();
  await (await world.start("Say hello.")).ended;
  expect(world.progress[0]).toEqual({
    authorization: `Bearer ${TOKEN}`,
    body: {
      attempt: 1,
      buildId: "build-1",
      text: "",
      turn: 0,
    },
  });
  expect(world.progress.length).toBeGreaterThan(1);
  expect(world.progress.map(({ body }) => body["turn"])).toContain(2);
  // The last one says, too, that the manifest is there; it has a turn if there is any news.
  expect(world.progress.at(-1)?.body).toMatchObject({ done: true });
  expect(world.progress.filter(({ body }) => body["done"])).toHaveLength(1);
});

const HOSTILE =
  "echo $HOME ${PROJECT_ID} $$ $(id) `id` ' \" \\ \n/compact\n@/etc/passwd\r\n\u0001 é😀\n--help\n";

test.each([HOSTILE, "/compact echo", "/init echo", "@/etc/passwd echo"])(
  "the prompt %j reaches the model exactly",
  async (prompt) => {
    await using world = await startWorld();
    const { exitCode } = await (await world.start(prompt)).ended;
    expect(exitCode).toBe(0);
    const sent = prompt.startsWith("/") ? `\n${prompt}` : prompt;
    expect(world.prompts()).toContain(sent);
    const { facts } = await world.manifest();
    const sha256 = createHash("sha256").update(sent).digest("hex");
    expect(facts.result?.result).toContain(sha256);
    expect(JSON.stringify(world.requests)).not.toContain("root:x:0:0");
  },
);

test("settings reach the agent: instructions, tools, schema", async () => {
  await using world = await startWorld();
  const instructions = "Speak $(id) `id` like 'this'.";
  const outputSchema = {
    type: "object",
    properties: { answer: { type: "string" } },
    required: ["answer"],
  };
  const settings = { instructions, outputSchema, disallowedTools: ["WebFetch"], model: "opus" };
  await (await world.start("Say hello.", settings)).ended;
  expect(JSON.stringify(world.requests[0]?.body)).toContain(instructions);
  const { facts } = await world.manifest();
  expect(facts).toMatchObject({
    wantsStructuredOutput: true,
    outputFaults: [],
    result: { structured_output: { answer: "offline" } },
  });
});

test("the agent sees neither the key, the token, the attempt nor the machine", async () => {
  await using world = await startWorld();
  const script = `run: cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'; ls -R /opt/runyard /run /workspace; cat ${world.root}/input*/*`;
  await (await world.start(script)).ended;
  const events = await world.output("events.jsonl");
  expect(events).toContain("/opt/runyard/relay.mjs");
  for (const secret of [KEY, TOKEN, "0123456789abcdef"]) expect(events).not.toContain(secret);
});

test("denied tools are in the facts", async () => {
  await using world = await startWorld();
  await (await world.start("Say hello.", { permissionMode: "manual" })).ended;
  const { facts, changedFiles } = await world.manifest();
  expect(facts).toMatchObject({ deniedTools: ["Write"], toolCalls: 1, toolErrors: 1 });
  expect(changedFiles).toEqual([]);
});

test("a prompt of white space starts no agent and still has a manifest", async () => {
  await using world = await startWorld();
  const { exitCode } = await (await world.start(" \n\t")).ended;
  expect(exitCode).toBe(0);
  const { facts, outputs } = await world.manifest();
  expect(facts).toMatchObject({ started: false, error: "The prompt is empty.", stoppedBy: null });
  expect(outputs.map(({ name }) => name)).toEqual(["result.json"]);
  expect(world.requests).toEqual([]);
});

test("where bubblewrap is missing nothing is started, and the facts say what to do", async () => {
  await using world = await startWorld();
  const { exitCode, stdout } = await (await world.start("Say hello.", {}, { PATH: "/nonexistent" }))
    .ended;
  expect(exitCode).toBe(0);
  const { facts, isolation } = await world.manifest();
  expect(isolation).toBe("bubblewrap");
  expect(facts.started).toBe(false);
  expect(facts.error).toMatch(/The sandbox does not work here: .*RUNYARD_SANDBOX=none/);
  expect(stdout).toContain("the agent did not start: The sandbox does not work here");
  expect(world.requests).toEqual([]);
});

test("an API that fails is in the result, and the run is not lost", async () => {
  await using world = await startWorld();
  await (await world.start("fail with 400")).ended;
  const { facts } = await world.manifest();
  expect(facts).toMatchObject({
    exitCode: 1,
    stoppedBy: null,
    result: { is_error: true, api_error_status: 400, terminal_reason: "api_error" },
  });
});
