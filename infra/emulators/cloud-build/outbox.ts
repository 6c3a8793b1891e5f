import { firstMessage, type OutboxMessage, removeMessage, type State } from "./state.ts";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/**
 * Publishes to the topic `cloud-builds` of a project: `data` is the proto3 JSON of the build,
 * `attributes` are `buildId` and `status`. Called again, in order, until it does not throw or
 * reject, also after a restart: a message may come twice.
 */
export type Publish = (
  projectId: string,
  message: { data: Buffer; attributes: Record<string, string> },
) => void | Promise<void>;

/** Publishes what the outbox holds, oldest first, each message until it is accepted. */
export interface Outbox {
  /** Says that there may be something to publish. */
  wake(): void;
  /** Stops after the publish in hand; what is left is published after the next start. */
  close(): Promise<void>;
}

/** Starts publishing through `send`, which throws, or rejects, if the message was not accepted. */
export function startOutbox(
  state: State,
  send: (message: OutboxMessage) => void | Promise<void>,
): Outbox {
  let isClosed = false;
  let failures = 0;
  let working: Promise<void> | undefined;
  let cancelRetry: (() => void) | undefined;

  function wake(): void {
    if (isClosed || working !== undefined || cancelRetry !== undefined) return;
    // Not before this turn is over: a send that leaves a message would otherwise start a second
    // drain.
    working = Promise.resolve()
      .then(drain)
      .finally(() => {
        working = undefined;
        if (firstMessageUnlessClosed() !== undefined) wake();
      });
  }

  const firstMessageUnlessClosed = () => (isClosed ? undefined : firstMessage(state));

  async function drain(): Promise<void> {
    for (let next = firstMessageUnlessClosed(); next; next = firstMessageUnlessClosed()) {
      try {
        await send(next);
        // On a full disk this fails, and the message goes out twice.
        removeMessage(state, next.seq);
      } catch {
        retryLater();
        return;
      }
      failures = 0;
    }
  }

  function retryLater(): void {
    if (isClosed) return;
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS);
    failures += 1;
    cancelRetry = state.clock.setTimeout(() => {
      cancelRetry = undefined;
      wake();
    }, delayMs);
  }

  wake();
  return {
    wake,
    async close() {
      isClosed = true;
      cancelRetry?.();
      await working;
    },
  };
}
