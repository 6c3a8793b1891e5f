import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { columnsOf } from "../../cli/columns.ts";
import { eventually } from "../support/eventually.ts";
import { killAll } from "../support/processes.ts";
import { startWorld, type World } from "../support/world.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LONG_MS = 240_000;
const CTRL_C = "\u0003";
/** What comes sooner may be the same Ctrl-C, which npm and the launcher pass on. */
const APART_MS = 500;

// One server for the file: each test has a run of its own, and a world costs seconds.
let world: World;
beforeAll(async () => {
  world = await startWorld();
}, LONG_MS);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

/** The command on a terminal of so many columns, as `script` makes one. */
function onTerminal(args: string[], { columns = 80, env = {} } = {}) {
  const words = [process.execPath, "infra/launch.js", "cli/main.ts", ...args];
  const command = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const shell = `stty rows 24 cols ${columns}; exec ${command}`;
  const child: ChildProcess = spawn("script", ["-qec", shell, "/dev/null"], {
    cwd: ROOT,
    env: {
      ...process.env,
      TERM: "xterm",
      RUNYARD_URL: world.local.address.apiUrl,
      RUNYARD_KEY: world.local.key,
      ...env,
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    shown += chunk;
  });
  return {
    shown: () => shown.replaceAll("\r\n", "\n"),
    type: (text: string) => void child.stdin?.write(text),
    prints: (pattern: RegExp) => eventually(() => expect(shown).toMatch(pattern)),
    exitCode: once(child, "close").then(([code]) => code as number | null),
    [Symbol.dispose]: () => killAll(child.exitCode === null ? [child.pid ?? 0] : []),
  };
}

const ESCAPE = "\u001b";
const COLOUR = new RegExp(`${ESCAPE}\\[\\d+m`, "g");
/** Goes up over what was drawn, and clears what follows. */
const REDRAWN = new RegExp(`${ESCAPE}\\[\\d+A\r${ESCAPE}\\[J`, "g");

/** What is drawn, one picture after the other, without colours. */
const pictures = (shown: string): string[] => shown.replace(COLOUR, "").split(REDRAWN);

test(
  "on a terminal of 40 columns a run is two lines that are drawn anew, and nothing that it says steers that",
  async () => {
    const hostile = `run: printf '\\033[2J\\033]0;owned\\007\\r\\xe2\\x80\\xaehidden'`;
    using terminal = onTerminal(["run", hostile], { columns: 40 });
    expect(await terminal.exitCode).toBe(0);
    const shown = terminal.shown();
    expect(pictures(shown).join("")).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(shown).toContain("hidden");
    const drawn = pictures(shown).slice(1, -1);
    expect(drawn.length).toBeGreaterThan(2);
    for (const picture of drawn) {
      const lines = picture.trimEnd().split("\n");
      expect(lines.length).toBeLessThanOrEqual(2);
      for (const line of lines) expect(columnsOf(line)).toBeLessThan(40);
    }
    expect(drawn.join("")).toMatch(/^running +\d:\d\d {2}turn \d/m);
    expect(pictures(shown).at(-1)).toMatch(/^succeeded: Done\.\n[\s\S]*\n {2}Next /);
  },
  LONG_MS,
);

test(
  "NO_COLOR takes the colours away, and nothing else",
  async () => {
    using plain = onTerminal(["run", "echo"], { env: { NO_COLOR: "1" } });
    using coloured = onTerminal(["run", "echo"], { env: { NO_COLOR: "", FORCE_COLOR: "1" } });
    expect(await Promise.all([plain.exitCode, coloured.exitCode])).toEqual([0, 0]);
    expect(plain.shown()).not.toContain(`${ESCAPE}[3`);
    expect(coloured.shown()).toContain(`${ESCAPE}[32msucceeded`);
  },
  LONG_MS,
);

test(
  "Ctrl-C stops following and says how to come back; pressed once more it asks, and cancels if one says so",
  async () => {
    using once = onTerminal(["run", "wait 100 seconds"]);
    await once.prints(/turn 1/);
    once.type(CTRL_C);
    expect(await once.exitCode).toBe(130);
    const [, id = ""] = /Come back with: npx runyard watch (run_\w+)\n/.exec(once.shown()) ?? [];

    using no = onTerminal(["watch", id]);
    await no.prints(/turn 1/);
    no.type(CTRL_C);
    await no.prints(/Ctrl-C once more/);
    await sleep(APART_MS);
    no.type(CTRL_C);
    await no.prints(/Cancel run run_\w+\? \[y\/N\]/);
    no.type("n\r");
    expect(await no.exitCode).toBe(130);

    using yes = onTerminal(["watch", id]);
    await yes.prints(/turn 1/);
    yes.type(CTRL_C);
    await yes.prints(/Ctrl-C once more/);
    await sleep(APART_MS);
    yes.type(CTRL_C);
    await yes.prints(/Cancel run run_\w+\? \[y\/N\]/);
    yes.type("y\r");
    expect(await yes.exitCode).toBe(5);
    expect(yes.shown()).toMatch(/cancelled\S*: Cancelled\./);
  },
  LONG_MS,
);
