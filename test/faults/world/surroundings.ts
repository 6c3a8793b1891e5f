import type { Surroundings } from "../../../functions/cloud/open-services.ts";
import { UNTOLD } from "../../../functions/services/telemetry.ts";
import type { Process } from "./process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What the services of a process are given of the world that it is in. */
export function surroundingsOf(
  { time, note }: { time: VirtualTime; note: (line: () => string) => void },
  { handler, clock }: Process,
): Surroundings {
  return {
    log: (severity, message, { runId = "" } = {}) =>
      note(() => `  ${handler} says of ${runId} ${severity} ${message.split("\n")[0]}`),
    telemetry: UNTOLD,
    random: (length) => Uint8Array.from({ length }, () => Math.floor(time.random() * 256)),
    closing: new AbortController().signal,
    timers: clock,
    now: () => new Date(clock.now()),
  };
}

/**
 * What a process answers to somebody who waits for it.
 *
 * @param ask has it answer
 * @returns undefined: it is gone, or took longer than they wait
 */
export function answerOf<T>(
  { process, time, patienceMs }: { process: Process; time: VirtualTime; patienceMs: number },
  ask: (answered: (answer: T) => void) => void,
): Promise<T | undefined> {
  return new Promise((resolve) => {
    const cancel = time.after(patienceMs, () => resolve(undefined));
    process.onDeath = () => {
      cancel();
      time.after(10, () => resolve(undefined));
    };
    ask((answer) => {
      cancel();
      resolve(answer);
    });
  });
}
