import type { Clock } from "./clock.ts";
import type { FaultAction } from "./fault.ts";
import type { ArmedFault } from "./faults.ts";
import { GoogleError } from "./status.ts";

/** A call that is to go wrong: how it goes right, and what its place can do to it. */
export interface FaultyCall<T> {
  run(): T | Promise<T>;
  /** Breaks the connection; whatever it returns or throws reaches nobody. */
  cut(): never | Promise<T>;
  /** What its caller sees when it is dropped. */
  lose(): Promise<T>;
  /** Frees what the answer holds when it is not sent. */
  discard?(answer: T): void;
}

/** Lets one call go wrong as `fault` says. Call only after the fault has decided so. */
export async function goWrong<T>(fault: ArmedFault, call: FaultyCall<T>): Promise<T> {
  const { action, clock } = fault;
  const done = happensFirst(action) ? { answer: await call.run() } : undefined;
  if (done !== undefined && action.type !== "delay") call.discard?.(done.answer);
  switch (action.type) {
    case "failBefore":
    case "failAfter":
      throw failureOf(action, fault.method);
    case "delay":
      await pause(clock, action.ms);
      return done === undefined ? call.run() : done.answer;
    case "duplicate":
      return twice(call);
    case "drop":
      return call.lose();
    case "cut":
      return call.cut();
    case "kill":
      return killProcess();
    case "reorder":
      throw new Error("a call cannot be reordered");
  }
}

/** Whether the fault lets the thing itself happen before anything goes wrong. */
export function happensFirst(action: FaultAction): boolean {
  return action.type === "failAfter" || ("at" in action && action.at === "after");
}

/** The error that the caller gets. */
function failureOf(
  action: Extract<FaultAction, { type: "failBefore" | "failAfter" }>,
  method: string,
): GoogleError {
  const moment = action.type === "failBefore" ? "before" : "after";
  const message = action.message ?? `injected fault: ${action.status} ${moment} ${method}`;
  return new GoogleError(action.status, message);
}

/** Ends this process as `kill -9` does. */
export function killProcess(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
}

/** Resolves when `ms` have passed on the clock. */
function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimeout(resolve, ms));
}

/** The copy comes when the original has been answered; what becomes of it is not told. */
async function twice<T>({ run }: FaultyCall<T>): Promise<T> {
  const answer = await run();
  try {
    await run();
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error;
  }
  return answer;
}
