import type { Response } from "express";

/**
 * Aborts when the connection of a response is gone, which is also so once it has been answered.
 *
 * @param ends abort it too
 */
export function hangUp(response: Response, ends: readonly AbortSignal[] = []): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (response.closed || ends.some(({ aborted }) => aborted)) abort();
  for (const end of ends) end.addEventListener("abort", abort);
  response.once("close", () => {
    // Some of them live as long as the process.
    for (const end of ends) end.removeEventListener("abort", abort);
    abort();
  });
  return controller.signal;
}
