import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { World } from "./world.ts";

const LAUNCHER = fileURLToPath(new URL("../../infra/launch.js", import.meta.url));
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

interface Ended {
  code: number | null;
  out: string;
  said: string;
}

interface Surroundings {
  cwd?: string;
  env?: Record<string, string>;
  input?: string;
}

export type Runyard = (args: string[], surroundings?: Surroundings) => Promise<Ended>;

/**
 * The command as a person in a folder runs it, with the world's server unless something else is
 * said.
 */
export async function perform(
  world: World,
  folder: string,
  { args, cwd, env, input = "" }: Surroundings & { args: string[] },
): Promise<Ended> {
  const own = { RUNYARD_URL: world.local.address.apiUrl, RUNYARD_KEY: world.local.key };
  const child = spawn(process.execPath, [LAUNCHER, MAIN, ...args], {
    cwd: cwd ?? folder,
    env: { ...process.env, XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder, ...own, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(input);
  const [out, said, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code: code as number | null, out, said };
}
