import { createServer } from "node:net";

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

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
