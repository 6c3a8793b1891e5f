const controller = new AbortController();

/** Aborts when the process is told to end: what waits or streams lets go, so that its client is answered. */
export const closing: AbortSignal = controller.signal;

/** Call on the signal that ends the process. */
export function startClosing(): void {
  controller.abort();
}
