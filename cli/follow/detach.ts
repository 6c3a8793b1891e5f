import { createInterface } from "node:readline/promises";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { complain } from "../terminal.ts";
import { type PlaceFlags, typed } from "../typed.ts";

/** Ctrl-C, SIGTERM or SIGHUP: nobody follows any longer. */
export class Detached extends Error {
  override readonly name = "Detached";
}

/** One Ctrl-C can arrive twice: from the terminal and from the launcher. */
const SAME_INTERRUPT_MS = 250;
/** How long a second Ctrl-C is waited for on a terminal. */
const SECOND_MS = 2000;

/** What watches for Ctrl-C while runs are followed. */
export interface Interrupts extends Disposable {
  /** Aborts with {@link Detached} at the first. */
  signal: AbortSignal;
  /** Whether somebody at a terminal presses Ctrl-C once more within a moment. */
  again(): Promise<boolean>;
}

export function watchInterrupts(): Interrupts {
  const controller = new AbortController();
  const second = Promise.withResolvers<boolean>();
  let lastMs = Number.NEGATIVE_INFINITY;
  const interrupted = () => {
    const isSame = performance.now() - lastMs < SAME_INTERRUPT_MS;
    lastMs = performance.now();
    if (isSame) return;
    if (controller.signal.aborted) second.resolve(true);
    controller.abort(new Detached("SIGINT"));
  };
  const ended = () => {
    second.resolve(false);
    controller.abort(new Detached("SIGTERM"));
  };
  process.on("SIGINT", interrupted);
  for (const name of ["SIGTERM", "SIGHUP"] as const) process.on(name, ended);
  return {
    signal: controller.signal,
    async again() {
      if (!isAtTerminal()) return false;
      const timer = setTimeout(() => second.resolve(false), SECOND_MS);
      try {
        return await second.promise;
      } finally {
        clearTimeout(timer);
      }
    },
    [Symbol.dispose]() {
      process.off("SIGINT", interrupted);
      for (const name of ["SIGTERM", "SIGHUP"] as const) process.off(name, ended);
    },
  };
}

/**
 * Performs what a first Ctrl-C ends, which then says how to come back.
 *
 * @param back.words of the command that does
 */
export async function untilDetached(
  { words, place }: { words: readonly string[]; place: PlaceFlags },
  perform: (signal: AbortSignal) => Promise<void>,
): Promise<ExitCode> {
  using interrupts = watchInterrupts();
  try {
    await perform(interrupts.signal);
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof Detached)) throw error;
    complain(`No longer followed. Come back with: ${typed(words, place)}`);
    return EXIT.detached;
  }
}

/** Whether somebody can be asked. */
export function isAtTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * Asks on standard error; anything but `y` or `yes`, Ctrl-C and the end of the input too, is no.
 */
export async function isConfirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new AbortController();
  terminal.once("close", () => closed.abort());
  terminal.once("SIGINT", () => terminal.close());
  try {
    const answer = await terminal.question(question, { signal: closed.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return false;
  } finally {
    terminal.close();
  }
}
