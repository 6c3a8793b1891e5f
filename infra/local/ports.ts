import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";

/** How far above a preferred port one is looked for. */
const SPAN = 50;

/**
 * The first port from `preferred` upwards that nothing listens on.
 *
 * @throws {Error} if all of {@link SPAN} are taken
 */
export async function firstFree(preferred: number): Promise<number> {
  for (let port = preferred; port < preferred + SPAN; port += 1) {
    if (await isFree(port)) return port;
  }
  throw new Error(`every port from ${preferred} to ${preferred + SPAN - 1} is taken`);
}

/**
 * A port for each function, the same as at the last start on this directory wherever it is free: Pub/Sub
 * goes on pushing to where it pushed before.
 */
export async function rememberedPorts(
  directory: string,
  targets: string[],
): Promise<{ target: string; port: number }[]> {
  const file = join(directory, "ports.json");
  const last = readPorts(file);
  const chosen: { target: string; port: number }[] = [];
  for (const target of targets) chosen.push({ target, port: await freePort(last[target] ?? 0) });
  const ports = Object.fromEntries(chosen.map(({ target, port }) => [target, port]));
  writeFileSync(file, `${JSON.stringify(ports)}\n`);
  return chosen;
}

function readPorts(file: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, number>;
  } catch {
    return {};
  }
}

async function isFree(port: number): Promise<boolean> {
  return (await freePort(port)) === port;
}

/** `port` itself if nothing listens on it, else any other that is free. */
function freePort(port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(freePort(0)));
    probe.listen(port, "127.0.0.1", () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
}
