const controller = new AbortController();

/**
 * Aborts when the process is told to end: what waits or streams lets go, so that its client is
 * answered.
 */
export const closing: AbortSignal = controller.signal;

/** Call on the signal that ends the process. */
export function startClosing(): void {
  controller.abort();
}

const last: (() => Promise<unknown>)[] = [];

/**
 * Has something done when nothing is in hand any more, before the process ends. It must not fail.
 */
export function beforeEnd(work: () => Promise<unknown>): void {
  last.push(work);
}

/** Does what {@link beforeEnd} was told of. */
export async function doLast(): Promise<void> {
  await Promise.all(last.map((work) => work()));
}
