// The process that outlives a killed stand-in for a moment: it reads from a pipe which builds run,
// and when the pipe closes, for whatever reason, kills what is left of them.
import { createInterface } from "node:readline";
import { killEverything, type Leader } from "./processes.ts";
import type { ReaperMessage } from "./reaper-link.ts";

const leadersOf = new Map<string, Leader[]>();

function receive(message: ReaperMessage): void {
  if ("forget" in message) {
    leadersOf.delete(message.forget);
    return;
  }
  const leaders = leadersOf.get(message.watch) ?? [];
  leadersOf.set(message.watch, leaders);
  if ("leader" in message) leaders.push(message.leader);
}

// Ctrl-C and a service manager signal both processes; this one goes when the other has gone.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) receive(JSON.parse(line));
await Promise.all(
  [...leadersOf].map(([buildId, leaders]) => killEverything(`${buildId}/`, leaders)),
);
