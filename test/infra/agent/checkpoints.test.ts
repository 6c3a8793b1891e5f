import { startCheckpoints } from "../../../infra/agent/attempt/checkpoint-timer.ts";
import { sessionOf } from "../../../shared/attempt/result.ts";
import type { Checkpoint } from "../../../shared/documents/manifest.ts";
import { startConversationWorld } from "./conversation-world.ts";
import { startFakeClock } from "./fake-clock.ts";

const TIMEOUT_MS = 180_000;

const WAIT = "timeout 4 tail -f /dev/null; true";

/** A prompt whose turns come a little apart. */
const each = (...commands: string[]) =>
  `run each:\n${commands.map((command) => `${command}; ${WAIT}`).join("\n")}`;

const sessionIn = (checkpoint: Checkpoint | undefined, bucket: string) =>
  checkpoint ? sessionOf(checkpoint, bucket) : null;

test.each(["bubblewrap", "none"] as const)(
  "while an agent works its session and files are stored, with isolation %s",
  async (isolation) => {
    await using world = await startConversationWorld();
    const commands = ["echo one > one.txt", "true", "true", "echo two > two.txt"];
    const turn = await world.turn(each(...commands), { isolation });
    const checkpoints = await turn.checkpoints();
    expect(checkpoints.length).toBeGreaterThan(0);
    expect(checkpoints.map(({ number }) => number)).toEqual(
      checkpoints.map(({ number }) => number).toSorted((a, b) => a - b),
    );
    const last = checkpoints.at(-1);
    expect(last).toMatchObject({
      by: "build",
      isolation,
      facts: { started: true, result: null, spending: { isExhausted: false } },
      session: { id: world.sessionId, origin: "new" },
    });
    expect(last?.facts.turns).toBeGreaterThan(1);
    expect(last?.changedFiles.map(({ path }) => path)).toContain("one.txt");
    for (const output of last?.outputs ?? []) {
      const content = await world.read(output.object);
      expect([output.name, Buffer.byteLength(content)]).toEqual([output.name, output.sizeBytes]);
    }
    // The end of the attempt is what it would have been without them.
    expect(turn.manifest.changedFiles.map(({ path }) => path)).toEqual(["one.txt", "two.txt"]);
  },
  TIMEOUT_MS,
);

test(
  "an attempt goes on from what the one before it had stored, and both have made the patch",
  async () => {
    await using world = await startConversationWorld();
    const settings = { setupCommands: ["echo set up > setup.txt"] };
    const before = await world.turn("run: echo base > base.txt; echo old > both.txt", { settings });
    const restore = before.session;
    const commands = ["echo one > one.txt; echo new > both.txt; rm base.txt", "true"];
    const lost = await world.turn(each(...commands), { settings, restore });
    const resume = sessionIn((await lost.checkpoints()).at(-1), world.bucket.name);
    const second = await world.turn("This is not told again", { settings, restore, resume });
    expect(second.manifest.session).toMatchObject({ origin: "restored", remark: "" });
    const told = JSON.stringify(second.requests.at(-1)?.body);
    expect(told).toContain("Your machine was lost while you worked on this");
    expect(told).toContain("echo one > one.txt");
    expect(told).not.toContain("This is not told again");
    expect(second.manifest.changedFiles.map(({ path, status }) => [path, status])).toEqual([
      ["base.txt", "deleted"],
      ["both.txt", "modified"],
      ["hello.txt", "added"],
      ["one.txt", "added"],
    ]);
    expect(await second.output("patch.diff")).toContain("-old\n+new\n");
    const next = await world.turn("run: ls; cat both.txt setup.txt", {
      settings,
      restore: second.session,
    });
    expect(next.answer).toContain("both.txt\nhello.txt\none.txt\nsetup.txt\nnew\nset up");
  },
  TIMEOUT_MS,
);

test(
  "what cannot be brought back is done without: the attempt begins as the one before it did",
  async () => {
    await using world = await startConversationWorld();
    const before = await world.turn("run: echo base > base.txt");
    const restore = before.session;
    const lost = await world.turn(each("echo one > one.txt", "sleep 1"), { restore });
    const resume = sessionIn((await lost.checkpoints()).at(-1), world.bucket.name);
    await world.bucket.file(resume?.workspace?.object ?? "").delete();
    const second = await world.turn("run: ls", { restore, resume });
    expect(second.log.join("\n")).toContain("what the attempt before left cannot be used");
    expect(second.answer).toContain("base.txt");
    expect(second.answer).not.toContain("one.txt");
    expect(second.manifest.session).toMatchObject({ origin: "restored" });
  },
  TIMEOUT_MS,
);

describe("checkpoints are taken", () => {
  function start({ takesMs = 0 } = {}) {
    const clock = startFakeClock();
    const at: number[] = [];
    const log: string[] = [];
    const trouble: Error[] = [];
    const timer = startCheckpoints({
      intervalMs: 60_000,
      clock,
      log: (line) => void log.push(line),
      async take() {
        at.push(clock.now());
        if (takesMs > 0) await new Promise<void>((resolve) => clock.after(takesMs, resolve));
        for (const error of trouble) throw error;
      },
    });
    return { clock, at, log, timer, trouble };
  }

  test("at each interval, without a turn", async () => {
    const { clock, at } = start();
    await clock.advance(180_000);
    expect(at).toEqual([60_000, 120_000, 180_000]);
  });

  test("after each turn, after a rest", async () => {
    const { clock, at, timer } = start();
    timer.noteTurn();
    await clock.advance(5000);
    expect(at).toEqual([5000]);
    timer.noteTurn();
    timer.noteTurn();
    await clock.advance(5000);
    expect(at).toEqual([5000, 6000]);
  });

  test("for at most a share of the time, whatever they cost", async () => {
    const { clock, at, timer } = start({ takesMs: 3000 });
    for (let second = 0; second < 100; second += 1) {
      timer.noteTurn();
      await clock.advance(1000);
    }
    expect(at).toEqual([5000, 23_000, 41_000, 59_000, 77_000, 95_000]);
  });

  test("again after a failure, which is told three times", async () => {
    const { clock, at, log, trouble } = start();
    trouble.push(new Error("no storage"));
    await clock.advance(300_000);
    expect(at).toHaveLength(5);
    expect(log).toEqual(Array.from({ length: 3 }, () => "no checkpoint: no storage"));
  });

  test("no more after the end, which waits for the last", async () => {
    const { clock, at, timer } = start({ takesMs: 3000 });
    timer.noteTurn();
    await clock.advance(5000);
    const closed: boolean[] = [];
    const closing = timer.close().then(() => closed.push(true));
    await clock.advance(10);
    expect(closed).toEqual([]);
    await clock.advance(3000);
    await closing;
    timer.noteTurn();
    await clock.advance(600_000);
    expect(at).toEqual([5000]);
  });
});
