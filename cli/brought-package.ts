import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { text } from "node:stream/consumers";
import { EXIT } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import { complain, oneLine } from "./terminal.ts";
import { clockOf } from "./text.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** What npm calls it if nobody answers. */
const NO_NETWORK =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b/;
const NO_ROOM = /\b(ENOSPC|EDQUOT)\b/;
const INSTALL = [
  "ci",
  // None of these packages needs one, and Claude Code's makes a second copy of its program.
  "--ignore-scripts",
  "--no-audit",
  "--no-fund",
  "--no-progress",
  // Who has no network shall not wait for minutes.
  "--fetch-retry-mintimeout=1000",
  "--fetch-retry-maxtimeout=10000",
  "--loglevel=error",
];

/** Something that this package leaves out and npm installs when it is first needed. */
export interface Brought {
  /** Absolute; names what exactly it is, so that another version has another place. */
  place: string;
  /** As a sentence begins: `What serves`. */
  what: string;
  /** What it consists of. */
  parts: string;
  /** What it comes to on a disk, in megabytes. */
  sizeMb: number;
  /** Lays a `package.json` and its lock file out in a folder, which may not be there yet. */
  layOut(draft: string): Promise<void>;
  /** Of npm, beside those that every installation has. */
  options?: readonly string[];
}

/** Where what is brought is kept: `~/.cache/runyard`, or below `XDG_CACHE_HOME`. */
export function broughtHome(env: Variables): string {
  const cache = env["XDG_CACHE_HOME"] ?? "";
  return join(isAbsolute(cache) ? cache : join(homedir(), ".cache"), "runyard");
}

/**
 * Brings it unless it is there already, and says so.
 *
 * @returns its place
 * @throws {Failure} if it cannot be brought
 */
export async function bring(brought: Brought, env: Variables): Promise<string> {
  const { place, what, parts, sizeMb } = brought;
  if (existsSync(place)) return place;
  const home = dirname(place);
  const draft = `${place}.${process.pid}.draft`;
  try {
    makeRoom(home, sizeMb);
    complain(
      `${what} is not in this package: npm installs it now, this once, into ${oneLine(place)}\n(${sizeMb} MB: ${parts}).`,
    );
    const startedAtMs = performance.now();
    await brought.layOut(draft);
    await install(draft, brought, env);
    keep(draft, place);
    complain(`Installed in ${clockOf(performance.now() - startedAtMs)}.`);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${what} could not be installed: ${whyNot(error, home, sizeMb)}`, {
      cause: error,
    });
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return place;
}

/** Removes what others left half done when they were killed, and looks for room. */
function makeRoom(home: string, sizeMb: number): void {
  mkdirSync(home, { recursive: true });
  for (const name of readdirSync(home)) {
    const [, pid] = /\.(\d+)\.draft$/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(join(home, name), { recursive: true, force: true });
  }
  const { bavail, bsize } = statfsSync(home);
  const freeMb = Math.floor((bavail * bsize) / 1e6);
  if (freeMb < sizeMb) throw new Error(`ENOSPC: ${freeMb} MB are free`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const stat = `/proc/${pid}/stat`;
  // A container's first process may never ask how its orphans ended: they stay, as zombies.
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, "latin1"));
}

async function install(
  draft: string,
  { options = [] }: Pick<Brought, "options">,
  env: Variables,
): Promise<void> {
  // What npx was asked for is none of this one's business.
  const { npm_config_global, npm_config_location, npm_config_package, ...others } = env;
  const npm = spawn("npm", [...INSTALL, ...options, `--prefix=${draft}`], {
    cwd: draft,
    env: others,
    stdio: ["ignore", "ignore", "pipe"],
  });
  using interruption = endingOn(npm);
  using _shown = waiting();
  const [said, code] = await Promise.all([text(npm.stderr), ended(npm)]);
  if (interruption.isOver()) {
    throw new Failure("Stopped: nothing was installed.", { exitCode: EXIT.detached });
  }
  if (code !== 0) throw new Error(said);
}

async function ended(npm: ChildProcess): Promise<number | null> {
  const [code] = await once(npm, "close");
  return code as number | null;
}

/** Ends npm on whatever would end this process, which then cleans up. */
function endingOn(npm: ChildProcess): Disposable & { isOver(): boolean } {
  let isOver = false;
  const end = () => {
    isOver = true;
    npm.kill("SIGTERM");
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, end);
  return {
    isOver: () => isOver,
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, end);
    },
  };
}

/** Shows on a terminal that something goes on. */
function waiting(): Disposable {
  const { stderr } = process;
  const startedAtMs = performance.now();
  const draw = () => stderr.write(`\r  ${clockOf(performance.now() - startedAtMs)} …\u001b[K`);
  const timer = stderr.isTTY ? setInterval(draw, 1000) : undefined;
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      if (timer !== undefined) stderr.write("\r\u001b[K");
    },
  };
}

/** Makes a finished draft the one that is used, unless somebody else was first. */
function keep(draft: string, place: string): void {
  try {
    renameSync(draft, place);
  } catch (error) {
    if (!existsSync(place)) throw error;
  }
}

function whyNot(error: unknown, home: string, sizeMb: number): string {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  const elsewhere = "or name another place with XDG_CACHE_HOME.";
  if (syscall === "spawn npm") return "npm is not there. It comes with Node; is it in the PATH?";
  if (NO_ROOM.test(message)) {
    return `it needs ${sizeMb} MB in ${oneLine(home)}, and there is less. Make room, ${elsewhere}`;
  }
  if (code !== undefined) return `${oneLine(message)}. Mend that, ${elsewhere}`;
  if (NO_NETWORK.test(message)) {
    return "npm reaches no registry. Is there a network? Try again when there is.";
  }
  return `npm says\n${message.trim()}`;
}
