import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { isAlive } from "../support/processes.ts";

const ROOT = join(import.meta.dirname, "../..");
const LAUNCHER = join(ROOT, "infra/launch.js");
const TIMEOUT_MS = 60_000;
const ENDS_WITHIN_SECONDS = 15;
/** Longer than it takes to notice that a parent is gone. */
const NOTICED_MS = 1500;

/** Says which processes it consists of, and with status 3 which signal ended it. */
const SCRIPT = `
import { writeFileSync } from "node:fs";
const write = (name, text) => writeFileSync(new URL(name, import.meta.url), text);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => { write("signal", signal); process.exit(3); });
}
setInterval(() => {}, 1000);
write("pids", process.ppid + " " + process.pid + " ");
`;

/**
 * A folder with the script, and a package whose `npm start` starts it just as ours starts the
 * server.
 */
function temporaryPackage() {
  const path = mkdtempSync(join(tmpdir(), "launched-"));
  const script = join(path, "script.mjs");
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const start = scripts.start.replace("infra/launch.js", LAUNCHER);
  const json = { scripts: { start: start.replace("cli/main.ts start", script) } };
  writeFileSync(script, SCRIPT);
  writeFileSync(join(path, "package.json"), JSON.stringify(json));
  return {
    path,
    script,
    read: (name: string) => readFileSync(join(path, name), "utf8"),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

type TemporaryPackage = ReturnType<typeof temporaryPackage>;

function launch({ path, script }: TemporaryPackage, npm: boolean): ChildProcess {
  const [command, args] = npm ? ["npm", ["start"]] : [process.execPath, [LAUNCHER, script]];
  return spawn(command, args, { cwd: path, stdio: "ignore" });
}

/** The launcher and the script that it launched. */
function pidsOf(folder: TemporaryPackage): Promise<[number, number]> {
  return eventually(() => {
    const [launcher, script, complete] = folder.read("pids").split(" ");
    expect(complete).toBe("");
    return [Number(launcher), Number(script)];
  });
}

type Signal = NodeJS.Signals;

/** The signal that the script gets, and how the first process of all ends. */
const CASES: [
  "npm" | "launcher" | "script",
  Signal,
  Signal | null,
  [number | null, Signal | null],
][] = [
  ["npm", "SIGTERM", "SIGTERM", [3, null]],
  ["npm", "SIGINT", "SIGINT", [3, null]],
  ["npm", "SIGHUP", "SIGTERM", [null, "SIGHUP"]],
  ["npm", "SIGKILL", "SIGTERM", [null, "SIGKILL"]],
  ["launcher", "SIGTERM", "SIGTERM", [3, null]],
  ["launcher", "SIGINT", "SIGINT", [3, null]],
  ["launcher", "SIGHUP", "SIGHUP", [3, null]],
  ["launcher", "SIGKILL", "SIGTERM", [null, "SIGKILL"]],
  ["script", "SIGTERM", "SIGTERM", [3, null]],
  ["script", "SIGKILL", null, [null, "SIGKILL"]],
];

test.each(CASES)(
  "%s gets %s: the script is told %s, and nothing is left",
  async (target, signal, ...[told, ending]) => {
    using folder = temporaryPackage();
    const first = launch(folder, target === "npm");
    const ended = once(first, "exit");
    const [launcher, script] = await pidsOf(folder);
    const pids = { npm: first.pid as number, launcher, script };
    process.kill(pids[target], signal);
    expect(await ended).toEqual(ending);
    await eventually(
      () => expect(Object.values(pids).filter(isAlive)).toEqual([]),
      ENDS_WITHIN_SECONDS,
    );
    if (told !== null) expect(folder.read("signal")).toBe(told);
  },
  TIMEOUT_MS,
);

test.each([
  ["the launcher", `"$0" "$1" "$2" &`],
  ["npm", "npm start &"],
])(
  "a shell that starts %s in the background may end",
  async (_name, command) => {
    using folder = temporaryPackage();
    const args = ["-c", command, process.execPath, LAUNCHER, folder.script];
    const shell = spawn("sh", args, { cwd: folder.path, stdio: "ignore" });
    await once(shell, "exit");
    const pids = await pidsOf(folder);
    await new Promise((resolve) => setTimeout(resolve, NOTICED_MS));
    expect(pids.filter(isAlive)).toEqual(pids);
    process.kill(pids[0], "SIGTERM");
    await eventually(() => expect(pids.filter(isAlive)).toEqual([]), ENDS_WITHIN_SECONDS);
  },
  TIMEOUT_MS,
);
