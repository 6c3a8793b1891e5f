// Loaded before a command's own code by its launcher, whose id is the query of this module's
// address: ends the process as SIGTERM does when the one that started it is gone, however it went.
import { isMainThread } from "node:worker_threads";

const LOOK_EVERY_MS = 500;

if (isMainThread) {
  // Not simply the parent of now: the launcher may be gone already. What the command forks inherits
  // this module, and has the command for a parent.
  const parent = process.connected
    ? process.ppid
    : Number(new URL(import.meta.url).search.slice(1));
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, LOOK_EVERY_MS).unref();
}
