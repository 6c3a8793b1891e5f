import type { Client } from "../../client/client.ts";
import { waitFor } from "../../client/connection.ts";
import type { Session } from "../session.ts";
import { complain } from "../terminal.ts";
import { mayPass } from "./follow.ts";

const RETRY_MS = 2000;

/**
 * All of a stream, also when the server is lost in between: it is opened anew until it ends by
 * itself. One that has not given anything yet is not.
 *
 * @param open goes on after what was given before, if it was opened before
 */
export async function* reopened<T>(
  { reopen, remedy }: Pick<Session, "reopen" | "remedy">,
  signal: AbortSignal,
  open: (client: Client) => AsyncIterable<T>,
): AsyncGenerator<T, void> {
  const state = { isBegun: false, isLost: false };
  for (;;) {
    try {
      for await (const item of open(reopen())) {
        if (state.isLost) complain("The server is back.");
        Object.assign(state, { isBegun: true, isLost: false });
        yield item;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!state.isBegun || !mayPass(error)) throw error;
      if (!state.isLost) sayLost(remedy);
      state.isLost = true;
    }
    await waitFor(RETRY_MS, signal);
  }
}

function sayLost(remedy: string | undefined): void {
  complain("The server does not answer; still trying. Ctrl-C stops this.");
  if (remedy !== undefined) complain(remedy);
}
