import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pin, startHelper } from "./processes.ts";

const FOLDER = fileURLToPath(new URL("peers/", import.meta.url));

/** A peer that accepts requests on loopback. */
export interface Peer {
  pid: number;
  port: number;
}

/**
 * Installs the peers' packages into their own folder unless the lock's are there already.
 *
 * @throws {Error} if npm cannot
 */
export async function installPeers(): Promise<void> {
  const lock = readFileSync(join(FOLDER, "package-lock.json"), "utf8");
  const done = join(FOLDER, "node_modules", ".installed-lock.json");
  if (existsSync(done) && readFileSync(done, "utf8") === lock) return;
  const options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  await promisify(execFile)("npm", options, { cwd: FOLDER });
  writeFileSync(done, lock);
}

/** Starts fastify in front of a queue. Call only when the peers are installed. */
export async function startPeer(
  cleanup: AsyncDisposableStack,
  queue: "none" | "pg-boss" | "bullmq",
  database: object = {},
): Promise<Peer> {
  const helper = await startHelper(cleanup, "peers/serve.js", {
    args: [queue, JSON.stringify(database)],
  });
  await pin(helper.pid, "measured");
  const { port } = await helper.ask<{ port: number }>({});
  return { pid: helper.pid, port };
}
