/** Ctrl-C, SIGTERM or SIGHUP came: what waits is given up. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** One Ctrl-C can arrive twice: from the terminal and from the launcher. */
const SAME_INTERRUPT_MS = 1000;
/** As a shell has it for a command that Ctrl-C ended. */
const INTERRUPTED_STATUS = 130;

/**
 * Aborts with {@link Interrupted} on the first Ctrl-C, SIGTERM or SIGHUP; a later one ends the
 * process at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  let first: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      first ??= Date.now();
      controller.abort(new Interrupted(signal));
      if (Date.now() - first > SAME_INTERRUPT_MS) process.exit(INTERRUPTED_STATUS);
    });
  }
  return controller.signal;
}

/**
 * Has a server outlive who reads what it prints, so that it ends in order when its terminal is
 * closed: other commands end when nobody reads any longer.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeAllListeners("error").on("error", () => {});
  }
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
