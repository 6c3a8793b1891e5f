// Hosts the stand-in in a process of its own, so that a test can kill it. Prints the address; on
// SIGTERM it prints the most memory it ever used, in KiB, and ends.
import { startStorage } from "../../../infra/emulators/storage/start.ts";

const [directory = "", bucket = ""] = process.argv.slice(2);
const server = await startStorage({ directory, buckets: [bucket] });
process.stdout.write(`${server.url}\n`);
process.on("SIGTERM", async () => {
  await server.close();
  process.stdout.write(`${process.resourceUsage().maxRSS}\n`);
});
