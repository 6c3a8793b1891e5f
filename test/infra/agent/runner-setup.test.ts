import { eventually } from "../../support/eventually.ts";
import { isAnyProcessWith } from "../../support/processes.ts";
import { startWorld } from "./runner-world.ts";

const SECRET = 'tok-4f9b "quoted" $(id)';
const WITH_TOKEN = { RUNYARD_ENV_API_TOKEN: SECRET };

test.each(["bubblewrap", "none"])(
  "setup commands prepare the workspace in the agent's surroundings, isolation %s",
  async (isolation) => {
    await using world = await startWorld();
    const setupCommands = [
      "echo \"made by $0 in $PWD\" >made.txt; touch ~/tool; echo to-stderr >&2; echo 'last $HOME'",
      "cat made.txt; ls ~/tool; printf '%s' \"$API_TOKEN\" | wc -c; env | sort",
    ];
    const environment = { RUNYARD_SANDBOX: isolation, ...WITH_TOKEN };
    const prompt = "run: cat made.txt; ls ~/tool; env | grep -c ^API_TOKEN=";
    const { exitCode, stdout } = await (await world.start(prompt, { setupCommands }, environment))
      .ended;
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^setup command 1 of 2 ended with exit code 0 after \d+\.\d s$/m);
    expect(stdout).not.toMatch(/made by|to-stderr|HOME/);
    const log = await world.output("setup.log");
    expect(log).toMatch(/^to-stderr\nlast \$HOME\n\[setup command 1 of 2 ended with exit code 0/);
    expect(log).toMatch(/made by .*setup-1.sh in .*workspace\n.*tool\n23\n/);
    expect(SECRET).toHaveLength(23);
    expect(log).toContain("ANTHROPIC_BASE_URL=http://127.0.0.1:");
    const { facts, changedFiles, outputs } = await world.manifest();
    expect(facts).toMatchObject({ started: true, failedStep: null });
    expect(facts.result?.result).toMatch(/made by .*\n.*tool\n1$/);
    expect(outputs.map(({ name }) => name)).toContain("setup.log");
    // What the commands made is not what the agent changed.
    expect(changedFiles).toEqual([]);
    expect(await world.leftovers()).toEqual([]);
  },
);

test("the first command that fails ends the run before the agent, and its words are in the facts alone", async () => {
  await using world = await startWorld();
  const setupCommands = [
    "echo fine",
    "echo before\nfalse | true\necho never",
    "echo not-reached >&2",
  ];
  const { exitCode, stdout } = await (await world.start("Say hello.", { setupCommands })).ended;
  expect(exitCode).toBe(0);
  const { facts, outputs, session } = await world.manifest();
  expect(facts).toMatchObject({
    started: false,
    failedStep: "setup",
    stoppedBy: null,
    error: "Setup command 2 of 3 ended with exit code 1. Its last words: before",
  });
  expect(session).toBeNull();
  expect(outputs.map(({ name }) => name)).toEqual(["result.json", "setup.log"]);
  expect(await world.output("setup.log")).not.toContain("not-reached");
  expect(stdout).toMatch(/setup command 2 of 3 ended with exit code 1 after/);
  expect(stdout).toContain("the agent did not start: its setup failed");
  expect(stdout).not.toContain("before");
  expect(world.requests).toEqual([]);
});

test("setup commands have the run's time, and what they leave running ends with them", async () => {
  await using world = await startWorld();
  const mark = `mark-${world.sessionId}`;
  const setupCommands = [`setsid tail -f /dev/null ${mark} >/dev/null 2>&1 &`, "tail -f /dev/null"];
  const { stdout } = await (
    await world.start(
      "Say hello.",
      { setupCommands, timeoutSeconds: 10 },
      { RUNYARD_SANDBOX: "none" },
    )
  ).ended;
  const { facts } = await world.manifest();
  expect(facts).toMatchObject({ started: false, failedStep: "setup", stoppedBy: "deadline" });
  expect(facts.error).toMatch(/^Setup command 2 of 2 ended .*stopped by deadline/);
  expect(stdout).toContain("setup command 1 of 2 ended with exit code 0");
  expect(isAnyProcessWith(mark)).toBe(false);
}, 180_000);

test("a cancel stops a setup command", async () => {
  await using world = await startWorld();
  const setupCommands = ["tail -f /dev/null"];
  const { ended } = await world.start("Say hello.", { setupCommands });
  await eventually(() =>
    expect(world.progress.map(({ body }) => body["text"])).toContain("setup command 1 of 1"),
  );
  await world.bucket.file(world.paths.cancel).save("");
  await ended;
  const { facts } = await world.manifest();
  expect(facts).toMatchObject({ started: false, failedStep: "setup", stoppedBy: "cancel" });
});

test("of a command that says much the end is kept", async () => {
  await using world = await startWorld();
  const setupCommands = ["seq 1 1000000; echo the-end"];
  await (await world.start("Say hello.", { setupCommands })).ended;
  const log = await world.output("setup.log");
  expect(Buffer.byteLength(log)).toBeLessThan(70_000);
  expect(log).toMatch(/^….*1000000\nthe-end\n\[setup command/s);
});

test("the values of secret variables appear in nothing that people read", async () => {
  await using world = await startWorld();
  const setupCommands = ['echo "setup $API_TOKEN"; echo "$API_TOKEN" >token.txt'];
  const prompt = 'run: echo "agent $API_TOKEN"; cat token.txt; echo "error $API_TOKEN" >&2';
  const { exitCode, stdout } = await (await world.start(prompt, { setupCommands }, WITH_TOKEN))
    .ended;
  expect(exitCode).toBe(0);
  const told = [stdout, JSON.stringify(world.progress), await world.read(world.paths.manifest)];
  for (const name of ["result.json", "events.jsonl", "setup.log"]) {
    told.push(await world.output(name));
  }
  for (const text of told) expect(text).not.toContain("tok-4f9b");
  const { facts } = await world.manifest();
  expect(facts.result?.result).toContain("agent ***\n***\nerror ***");
  expect(await world.output("setup.log")).toMatch(/^setup \*\*\*\n/);
});

test("a variable cannot take the place of one of the runner's", async () => {
  await using world = await startWorld();
  const environment = {
    RUNYARD_ENV_HOME: "/elsewhere",
    RUNYARD_ENV_ANTHROPIC_BASE_URL: "http://x",
  };
  await (await world.start("run: echo home=$HOME", {}, environment)).ended;
  const { facts } = await world.manifest();
  expect(facts.result?.result).toContain("home=/home/agent");
});

test("setup commands that were written on Windows do what they say", async () => {
  await using world = await startWorld();
  const setupCommands = ["echo one > s.txt\r\necho two >> s.txt\r\n", "touch t.txt\r", "ls\r\n"];
  const settings = { setupCommands };
  await (await world.start("run: ls; cat s.txt", settings, { RUNYARD_SANDBOX: "none" })).ended;
  const { facts } = await world.manifest();
  expect(facts.result?.result).toMatch(/s\.txt\nt\.txt\none\ntwo$/);
  expect(facts.result?.result).not.toContain("\r");
});
