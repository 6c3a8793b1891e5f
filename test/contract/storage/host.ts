// Hosts the stand-in in a process of its own, so that a test can kill it. Prints the address; on
// SIGTERM it prints the most memory that it ever held, in bytes, and ends. What is garbage is not
// held: how soon a busy machine collects it says nothing about the stand-in. Needs --expose-gc.
import { startStorage } from "../../../infra/emulators/storage/start.ts";

const SAMPLE_MS = 100;

const [directory = "", bucket = ""] = process.argv.slice(2);
const server = await startStorage({ directory, buckets: [bucket] });
let heldBytes = 0;
const sampling = setInterval(() => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  heldBytes = Math.max(heldBytes, heapUsed + external);
}, SAMPLE_MS);
process.stdout.write(`${server.url}\n`);
process.on("SIGTERM", async () => {
  clearInterval(sampling);
  await server.close();
  process.stdout.write(`${heldBytes}\n`);
});
