import type { Response } from "express";

/** Aborts when the connection of a response is gone, which is also so once it has been answered. */
export function hangUp(response: Response): AbortSignal {
  const controller = new AbortController();
  if (response.closed) controller.abort();
  else response.once("close", () => controller.abort());
  return controller.signal;
}
