import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

const FILE = "ports.json";
/** How far above a preferred port one is looked for. */
const SPAN = 50;

/** Ports that are asked for first; the emulators' usual ones where they have one. */
export const USUAL_PORTS = {
  api: 8080,
  firestore: 8081,
  cloudBuild: 8082,
  pubsub: 8085,
  storage: 9199,
} as const;

/** Where a local server listens. */
export type Ports = Record<keyof typeof USUAL_PORTS, number>;

/** Known ports, or the next free ones. A given API port is taken as it is. */
export async function knownPorts(api?: number): Promise<Ports> {
  const { api: usual, ...others } = USUAL_PORTS;
  const ports: Record<string, number> = { api: api ?? (await firstFree(usual)) };
  for (const [name, port] of Object.entries(others)) {
    let free = await firstFree(port);
    while (Object.values(ports).includes(free)) free = await firstFree(free + 1);
    ports[name] = free;
  }
  return ports as Ports;
}

/**
 * The first port from `preferred` upwards that nothing listens on.
 *
 * @throws {Error} if all of {@link SPAN} are taken
 */
async function firstFree(preferred: number): Promise<number> {
  for (let port = preferred; port < preferred + SPAN; port += 1) {
    if (await isFree(port)) return port;
  }
  throw new Error(`every port from ${preferred} to ${preferred + SPAN - 1} is taken`);
}

/**
 * The ports on which functions listened at the last start on this directory: Pub/Sub goes on
 * pushing to where it pushed before.
 */
export function rememberedPorts(directory: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(join(directory, FILE), "utf8")) as Record<string, number>;
  } catch {
    return {};
  }
}

/** Keeps what {@link rememberedPorts} tells the next start. */
export function rememberPorts(directory: string, ports: Record<string, number>): void {
  writeFileSync(join(directory, FILE), `${JSON.stringify(ports)}\n`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
