import type { Client } from "../../client/client.ts";
import { waitFor } from "../../client/connection.ts";
import type { Session } from "../session.ts";
import { complain } from "../terminal.ts";
import { askWhetherThere, sayLost } from "./answering.ts";
import { mayPass } from "./follow.ts";

const RETRY_MS = 2000;

/**
 * All of a stream, also when the server is lost in between: it is opened anew until it ends by
 * itself. One of a server that has not answered yet is not.
 *
 * @param open goes on after what was given before, if it was opened before; until its signal aborts
 */
export async function* reopened<T>(
  { reopen, remedy }: Pick<Session, "reopen" | "remedy">,
  signal: AbortSignal,
  open: (client: Client, signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T, void> {
  const state = { isBegun: false, isLost: false };
  const answered = () => {
    if (state.isLost) complain("The server is back.");
    Object.assign(state, { isBegun: true, isLost: false });
  };
  for (;;) {
    const client = reopen();
    // Of a stream that says nothing any longer nobody knows whether it would say what is new.
    const silence = new AbortController();
    using _asking = askWhetherThere(client, {
      answered,
      silent: (error) => state.isBegun && silence.abort(error),
    });
    try {
      for await (const item of open(client, AbortSignal.any([signal, silence.signal]))) {
        answered();
        yield item;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!silence.signal.aborted && !(state.isBegun && mayPass(error))) throw error;
      if (!state.isLost) sayLost(remedy);
      state.isLost = true;
    }
    await waitFor(RETRY_MS, signal);
  }
}
