import type { Check } from "../../../shared/agent/checks.ts";
import type { AgentSettings } from "../../../shared/agent/settings.ts";
import { verdict } from "../../../shared/attempt/verdict.ts";
import { MANIFEST_LIMITS } from "../../../shared/documents/manifest.ts";
import { eventually } from "../../support/eventually.ts";
import { isAnyProcessWith } from "../../support/processes.ts";
import { startWorld } from "./runner-world.ts";

type World = Awaited<ReturnType<typeof startWorld>>;

/** Lets an agent work on a prompt, and then the checks. */
async function check(
  world: World,
  prompt: string,
  {
    environment = {},
    ...settings
  }: Pick<AgentSettings, "checks" | "timeoutSeconds"> & { environment?: object },
) {
  const { ended } = await world.start(prompt, settings, environment);
  const { exitCode, stdout } = await ended;
  expect(exitCode).toBe(0);
  const manifest = await world.manifest();
  const { checks: found = [] } = manifest.facts;
  return { ...manifest, stdout, checks: found, outcome: verdict(manifest.facts).outcome };
}

const named = (name: string, command: string, more: Partial<Check> = {}): Check => ({
  ...{ name, command },
  ...more,
});

test.each(["bubblewrap", "none"])(
  "checks judge what the agent left in its surroundings, and change nothing of it, isolation %s",
  async (RUNYARD_SANDBOX) => {
    await using world = await startWorld();
    const { checks, changedFiles, outcome, outputs, phases, stdout } = await check(
      world,
      "run: echo hello > left.txt; echo 'exit 0' > edited.sh",
      {
        environment: { RUNYARD_SANDBOX, RUNYARD_ENV_API_TOKEN: "tok-4f9b" },
        checks: [
          named("left", "grep hello left.txt; echo check > left.txt; echo > new.txt; touch ~/tool"),
          named("second", "cat new.txt left.txt; ls ~/tool; env | sort >&2"),
          named("edited", "bash edited.sh"),
          named("wrong", "echo said\nfalse | true\necho never"),
          named("unneeded", "exit 7", { required: false }),
        ],
      },
    );
    expect(checks.map(({ name, exitCode }) => [name, exitCode])).toEqual([
      ["left", 0],
      ["second", 0],
      ["edited", 0],
      ["wrong", 1],
      ["unneeded", 7],
    ]);
    expect(checks.map(({ editedByAgent }) => editedByAgent)).toEqual([
      ...[true, true, true, false, false],
    ]);
    expect(checks[3]).toMatchObject({ output: "said\n", stoppedBy: null, required: true });
    expect(checks[1]?.output).toMatch(/^\ncheck\n.*tool\nANTHROPIC_BASE_URL=|^…/);
    expect(checks[1]?.output).toContain("API_TOKEN=***");
    expect(checks[1]?.output).not.toContain("ANTHROPIC_API_KEY");
    expect(outcome).toBe("checks_failed");
    expect(changedFiles.map(({ path }) => path)).toEqual(["edited.sh", "left.txt"]);
    const patch = await world.output("patch.diff");
    expect(patch).toContain("+hello");
    expect(patch).not.toMatch(/new\.txt|\+check/);
    expect(outputs.map(({ name }) => name)).toContain("checks.log");
    expect(await world.output("checks.log")).toMatch(/said\n\[check 4 of 5 ended with exit code 1/);
    expect(stdout).toMatch(/^check 4 of 5 ended with exit code 1 after \d+\.\d s$/m);
    expect(stdout).not.toMatch(/said|tok-4f9b/);
    expect(phases?.map(({ name }) => name)).toEqual(["claim", "agent", "checks", "upload"]);
    expect(await world.leftovers()).toEqual([]);
  },
);

test("of a run whose agent fails no check is run", async () => {
  await using world = await startWorld();
  const { checks, facts, phases } = await check(world, "fail with 400", {
    checks: [named("unit", "true")],
  });
  expect(verdict(facts)).toMatchObject({ outcome: "model_rejected" });
  expect(checks).toEqual([
    {
      ...{ name: "unit", required: true, exitCode: null, stoppedBy: null, ms: null },
      ...{ output: "", editedByAgent: false },
    },
  ]);
  expect(phases?.map(({ name }) => name)).not.toContain("checks");
});

test("a run without checks says nothing of any", async () => {
  await using world = await startWorld();
  await (await world.start("Say hello.")).ended;
  expect((await world.manifest()).facts).not.toHaveProperty("checks");
});

test("what a check says is data: its end is kept, whatever it is", async () => {
  await using world = await startWorld();
  const hostile = String.raw`head -c 3000000 /dev/zero; printf '\033[2J\xff\0 done'; seq 1 1000000 >&2; printf '\033]0;t\007\xff\0the-end'`;
  const { checks, outcome } = await check(world, "Say hello.", {
    checks: [named("loud", hostile)],
  });
  const [loud] = checks;
  expect(loud?.output.startsWith("…")).toBe(true);
  expect(loud?.output.endsWith("1000000\n\u001b]0;t\u0007\ufffd\ufffdthe-end")).toBe(true);
  expect(loud?.output).not.toContain("\0");
  expect(Buffer.byteLength(loud?.output ?? "")).toBeLessThanOrEqual(
    MANIFEST_LIMITS.checkOutputBytes,
  );
  expect(Buffer.byteLength(await world.output("checks.log"))).toBeLessThan(70_000);
  expect(outcome).toBe("succeeded");
});

test("a check has its time, what it leaves running ends with it, and the next one runs", async () => {
  await using world = await startWorld();
  const mark = `mark-${world.sessionId}`;
  const { checks, outcome } = await check(world, "Say hello.", {
    environment: { RUNYARD_SANDBOX: "none" },
    checks: [
      named("leaves", `setsid tail -f /dev/null ${mark} >/dev/null 2>&1 & echo left`),
      named("deaf", `trap '' INT TERM; echo begun; tail -f /dev/null ${mark}`, {
        timeoutSeconds: 1,
      }),
      named("next", "echo fine"),
    ],
  });
  expect(checks).toMatchObject([
    { exitCode: 0, stoppedBy: null, output: "left\n" },
    { exitCode: null, stoppedBy: "deadline", output: expect.stringMatching(/^begun\n/) },
    { exitCode: 0, stoppedBy: null, output: "fine\n" },
  ]);
  expect(outcome).toBe("checks_failed");
  expect(isAnyProcessWith(mark)).toBe(false);
});

test("no check outlasts the run's own time", async () => {
  await using world = await startWorld();
  const endless = named("endless", "tail -f /dev/null", { timeoutSeconds: 3600 });
  const { checks, outcome } = await check(world, "Say hello.", {
    checks: [endless, named("late", "true")],
    timeoutSeconds: 10,
  });
  expect(checks).toMatchObject([
    { stoppedBy: "deadline", ms: expect.any(Number) },
    { stoppedBy: null, exitCode: null, ms: null },
  ]);
  expect(outcome).toBe("checks_failed");
}, 180_000);

test.each([
  ["a cancel", "cancel", "cancelled"],
  ["the end of the build", "terminated", "terminated"],
])("%s ends the checks", async (_name, stoppedBy, outcome) => {
  await using world = await startWorld();
  const checks = [named("endless", "tail -f /dev/null"), named("next", "true")];
  const { child, ended } = await world.start("run: echo x > x.txt", { checks });
  await eventually(() =>
    expect(world.progress.map(({ body }) => body["text"])).toContain("check 1 of 2"),
  );
  if (stoppedBy === "cancel") await world.bucket.file(world.paths.cancel).save("");
  else child.kill("SIGTERM");
  await ended;
  const { changedFiles, facts, outputs } = await world.manifest();
  expect(facts.checks).toMatchObject([{ stoppedBy }, { stoppedBy: null, ms: null }]);
  expect(verdict(facts).outcome).toBe(outcome);
  expect(changedFiles).toHaveLength(1);
  expect(outputs.map(({ name }) => name)).toContain(`session/${world.sessionId}.jsonl`);
});
