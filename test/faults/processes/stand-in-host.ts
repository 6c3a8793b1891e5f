// Hosts the emulators and the functions as `npm start` does, in a process that the harness kills.
// It says "loaded" when its code is there, waits for its order, and says when it serves.

import { appendFileSync } from "node:fs";
import type { LocalOptions } from "../../../infra/local/local-options.ts";
import { type Local, startLocal } from "../../../infra/local/start.ts";

export type StandInOrder = LocalOptions | { tick: true };

let local: Local | undefined;

async function obey(order: StandInOrder): Promise<string> {
  if ("tick" in order) {
    // One that fails is followed by another.
    await local?.tick().catch(() => {});
    return "ticked";
  }
  const log = `${order.directory}.log`;
  const onLog = (target: string, line: string) => appendFileSync(log, `${target} ${line}\n`);
  local = await startLocal({ ...order, onLog });
  return local.key;
}

process.on("message", (order: StandInOrder) => {
  obey(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      process.stderr.write(`the stand-in did not start: ${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on("SIGTERM", () => {
  void Promise.resolve(local?.close()).then(() => process.exit(0));
});
// A terminal's Ctrl-C is for the harness, which then ends this one.
process.on("SIGINT", () => {});
// A harness that was killed itself leaves no host behind.
process.on("disconnect", () => process.exit(1));
process.send?.("loaded");
