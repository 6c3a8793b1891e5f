import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";

export const ROOT = join(import.meta.dirname, "../..");

/** The package as somebody else has it, in folders that are nobody's. */
export interface Packed extends Disposable {
  scratch: string;
  /** `runyard-VERSION.tgz` */
  tarball: string;
  /** What `git status` says in the checkout after packing. */
  changed: string;
  /** A project that has installed it. */
  project: string;
  /** Variables for npm: its cache is the machine's, but what npx installs is kept elsewhere. */
  env: NodeJS.ProcessEnv;
}

export interface Ended {
  code: number | null;
  out: string;
  said: string;
}

/** Performs a command to its end; `begun` may do something to it meanwhile. */
export async function perform(
  [command = "", ...args]: readonly string[],
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
  begun: (pid: number) => void = () => {},
): Promise<Ended> {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  if (child.pid !== undefined) begun(child.pid);
  const [out, said, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code: code as number | null, out, said };
}

/** Packs a copy of this checkout as it is now, and installs it in a new project. */
export async function packAndInstall(): Promise<Packed> {
  const scratch = mkdtempSync(join(tmpdir(), "package-"));
  const env = environment(scratch);
  const checkout = copyOfCheckout(join(scratch, "checkout"));
  await succeed(["npm", "pack", "--pack-destination", scratch], { cwd: checkout, env });
  const changed = git(checkout, "status", "--porcelain");
  const project = join(scratch, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{"private": true, "type": "module"}');
  const [name = ""] = readdirSync(scratch).filter((file) => file.endsWith(".tgz"));
  const tarball = join(scratch, name);
  await succeed(["npm", "install", tarball], { cwd: project, env });
  const dispose = () => rmSync(scratch, { recursive: true, force: true });
  return { scratch, tarball, changed, project, env, [Symbol.dispose]: dispose };
}

async function succeed(
  words: readonly string[],
  place: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  const { code, out, said } = await perform(words, place);
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}:\n${out}${said}`);
}

function environment(scratch: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|RUNYARD_|METADATA_SERVER)/.test(name) || name === "npm_config_registry",
  );
  const { stdout } = spawnSync("npm", ["config", "get", "cache"], {
    encoding: "utf8",
    cwd: scratch,
  });
  const cache = join(scratch, "npm");
  const shared = join(stdout.trim(), "_cacache");
  mkdirSync(shared, { recursive: true });
  mkdirSync(cache);
  symlinkSync(shared, join(cache, "_cacache"));
  return {
    ...Object.fromEntries(own),
    PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
    XDG_CACHE_HOME: join(scratch, "cache"),
    XDG_CONFIG_HOME: join(scratch, "config"),
    npm_config_cache: cache,
    npm_config_prefer_offline: "true",
    npm_config_audit: "false",
    npm_config_update_notifier: "false",
  };
}

function git(cwd: string, ...args: string[]): string {
  const identity = [
    "-c",
    "user.name=x",
    "-c",
    "user.email=x@example.com",
    "-c",
    "safe.directory=*",
  ];
  const { status, stdout, stderr } = spawnSync("git", [...identity, ...args], {
    cwd,
    encoding: "utf8",
    maxBuffer: 1e8,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** The files that git has or would take, committed, with the packages of this checkout. */
function copyOfCheckout(copy: string): string {
  const files = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard");
  for (const path of new Set(files.split("\0"))) {
    if (path !== "" && statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile()) {
      cpSync(join(ROOT, path), join(copy, path));
    }
  }
  git(copy, "init", "--quiet");
  writeFileSync(join(copy, ".git/info/exclude"), "node_modules\n");
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  git(copy, "add", "--all");
  git(copy, "commit", "--quiet", "--message", "As it is");
  return copy;
}

/** What a folder takes, in bytes: what its files hold, and the blocks of the disk. */
export function sizeOf(folder: string): { held: number; taken: number } {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  let [held, taken] = [0, 0];
  for (const { parentPath, name } of entries) {
    const { size, blocks } = statSync(join(parentPath, name));
    held += size;
    taken += blocks * 512;
  }
  return { held, taken };
}
