import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that the system gives to clients: none of them takes one while its server is
 * away.
 */
const FIRST = 10_000;
const COUNT = 20_000;

/**
 * Different ports that are free now and will be when the server on one of them is killed and comes
 * back.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
  } catch {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}
