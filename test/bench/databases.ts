import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, globSync } from "node:fs";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { pin, stop } from "./processes.ts";
import { temporaryFolder } from "./temporary.ts";

/** How a client reaches a database, or why there is none. */
export type Database = { settings: object } | { missing: string };

/** `nobody`: PostgreSQL refuses to run as root. */
const NOBODY = 65534;

/**
 * Starts a PostgreSQL of its own on loopback, as installed by the system's packages, with its
 * default settings: each commit is flushed to the disk.
 */
export async function startPostgres(cleanup: AsyncDisposableStack): Promise<Database> {
  const bin = globSync("/usr/lib/postgresql/*/bin").toSorted().at(-1);
  if (bin === undefined || !existsSync(join(bin, "initdb"))) {
    return { missing: "no /usr/lib/postgresql/*/bin/initdb" };
  }
  const folder = temporaryFolder(cleanup, "postgres");
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (user.uid !== undefined) chownSync(folder, NOBODY, NOBODY);
  const data = join(folder, "data");
  const options = { cwd: folder, stdio: "ignore", ...user } as const;
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", "bench", "-A", "trust"], options);
  const port = await freePort();
  const settings = ["-h", "127.0.0.1", "-p", String(port), "-k", folder];
  const child = spawn(join(bin, "postgres"), ["-D", data, ...settings], options);
  // SIGINT ends it at once, with open connections too; SIGTERM would wait for their end.
  cleanup.defer(() => {
    child.kill("SIGINT");
    return stop(child);
  });
  await pin(child.pid as number, "driver");
  await listening(port);
  return { settings: { host: "127.0.0.1", port, user: "bench", database: "postgres" } };
}

/**
 * Starts the `redis-server` of the PATH on loopback; its log is flushed to the disk each second.
 */
export async function startRedis(cleanup: AsyncDisposableStack): Promise<Database> {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const program = folders.map((folder) => join(folder, "redis-server")).find(existsSync);
  if (program === undefined) return { missing: "no redis-server on the PATH" };
  const port = await freePort();
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--appendonly", "yes"];
  const cwd = temporaryFolder(cleanup, "redis");
  const child = spawn(program, settings, { cwd, stdio: "ignore" });
  cleanup.defer(() => stop(child));
  await pin(child.pid as number, "driver");
  await listening(port);
  return { settings: { host: "127.0.0.1", port } };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

async function listening(port: number): Promise<void> {
  const giveUpAt = Date.now() + 20_000;
  while (!(await accepts(port))) {
    if (Date.now() > giveUpAt) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
