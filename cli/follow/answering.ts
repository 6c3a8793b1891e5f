import type { Client } from "../../client/client.ts";
import { Failure } from "../failure.ts";
import { complain } from "../terminal.ts";
import { isUnanswered } from "./unanswered.ts";

/**
 * Between two questions whether a server answers, and how long its answer may take: that it is away
 * is told within two seconds.
 */
const ASK_EVERY_MS = 700;
const PATIENCE_MS = 1200;

/** What becomes of the questions. */
interface Told {
  answered(): void;
  /** @param error why there is no answer */
  silent(error: unknown): void;
}

/**
 * Asks a server again and again whether it is there, beside a stream of which one does not see
 * whether there is nothing new or nobody any longer. Ends when it is disposed of.
 */
export function askWhetherThere(client: Client, { answered, silent }: Told): Disposable {
  const ended = new AbortController();
  let isAsked = false;
  const ask = async () => {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    try {
      await client.health({ signal: AbortSignal.any([ended.signal, patience]) });
      if (!ended.signal.aborted) answered();
    } catch (error) {
      const isSilent = isUnanswered(error) || error instanceof Failure;
      if (isSilent && !ended.signal.aborted) silent(error);
    }
  };
  const asking = setInterval(() => {
    if (isAsked) return;
    isAsked = true;
    void ask().finally(() => {
      isAsked = false;
    });
  }, ASK_EVERY_MS);
  return {
    [Symbol.dispose]() {
      clearInterval(asking);
      ended.abort(new Error("nobody waits for the server's answer"));
    },
  };
}

/** @param remedy what to do, where something is known */
export function sayLost(remedy: string | undefined): void {
  complain("The server does not answer; still trying. Ctrl-C stops this.");
  if (remedy !== undefined) complain(remedy);
}
