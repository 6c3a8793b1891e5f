import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "../../../client/client.ts";
import { ProblemError } from "../../../client/problem-error.ts";
import type { Run } from "../../../client/types.ts";
import type { Drawing } from "../drawing.ts";
import { callersAreAnswered } from "../world/invariants.ts";
import type { Hold } from "../world/witness.ts";
import { type Books, ORDER_LABEL, type Order, runIdOf } from "./books.ts";
import { promptOf } from "./work.ts";

/** What callers need. */
export interface Counter {
  /** The API's address with its version. */
  url: string;
  key: string;
  books: Books;
  draw: Drawing;
  hold: Hold;
  journal: string;
  /** How long an agent works, at least and at most. */
  workMs: readonly [least: number, most: number];
  /** Whether callers send nothing new any more. */
  isOver(): boolean;
  /** Whether nobody waits for answers any more either. */
  isGivenUp(): boolean;
}

/** An answer that has not come by then is not waited for, and the request is sent again. */
const ANSWERED_WITHIN_MS = 20_000;
/** For how long a request is sent again. */
const SENT_FOR_MS = 300_000;
const PAUSE_MS = 200;
/** Runs that are under way at most: what waits only takes longer. */
const MOST_OUTSTANDING = 40;

/** What callers do, each so often among a hundred. */
const STORIES: readonly [of100: number, story: (caller: Caller) => Promise<void>][] = [
  [50, (caller) => caller.run()],
  [20, (caller) => caller.converse()],
  [12, (caller) => caller.cancel()],
  [10, (caller) => caller.erase()],
  [8, (caller) => caller.rerun()],
];

/** Callers who send runs, one story after the other, until it is over. */
export async function makeLoad(counter: Counter, lanes: number): Promise<void> {
  const caller = new Caller(counter);
  const lane = async () => {
    while (!counter.isOver()) await caller.next();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

class Caller {
  readonly #counter: Counter;
  readonly #client: Client;

  constructor(counter: Counter) {
    this.#counter = counter;
    this.#client = createClient({ url: counter.url, key: counter.key });
  }

  async next(): Promise<void> {
    const { books, draw } = this.#counter;
    while (books.outstanding().length >= MOST_OUTSTANDING) {
      if (this.#counter.isOver()) return;
      await sleep(PAUSE_MS);
    }
    let at = draw.between(0, 100);
    const story = STORIES.find(([of100]) => {
      at -= of100;
      return at < 0;
    });
    await story?.[1](this);
  }

  async run(): Promise<void> {
    const order = await this.#order();
    if (this.#counter.draw.isTrueWith(0.2)) await this.#send(order);
  }

  async converse(): Promise<void> {
    const { draw } = this.#counter;
    const order = await this.#order();
    if (draw.isTrueWith(0.5)) await this.#ended(order);
    const conversationId = order.record?.run.conversation.id ?? (await this.#conversationOf(order));
    if (conversationId === undefined) return;
    for (let turns = draw.oneOf([1, 1, 2]); turns > 0; turns -= 1) {
      const turn = this.#open();
      const body = { ...bodyOf(turn), onBusy: "queue" as const };
      await this.#accepted(turn, (options) =>
        this.#client.conversations.createTurn(conversationId, body, options),
      );
    }
  }

  async cancel(): Promise<void> {
    const order = await this.#order();
    if (runIdOf(order) === "") return;
    await sleep(this.#counter.draw.between(0, 4000));
    order.isCancelled = true;
    await this.#repeated("cancel", (signal) =>
      this.#client.runs.cancel(runIdOf(order), { signal }),
    );
  }

  /** A run that is over is erased, and its key may be used again: that is another run. */
  async erase(): Promise<void> {
    const order = await this.#order();
    if (!(await this.#ended(order))) return;
    order.isDeleted = true;
    const answer = await this.#repeated("delete", (signal) =>
      this.#client.runs.delete(runIdOf(order), { signal }).catch(unlessGone),
    );
    if (answer === undefined || this.#counter.draw.isTrueWith(0.5)) return;
    await this.#send(this.#open(order.idempotencyKey));
  }

  async rerun(): Promise<void> {
    const order = await this.#order();
    if (!(await this.#ended(order))) return;
    const again = this.#open();
    const { prompt, labels } = bodyOf(again);
    await this.#accepted(again, (options) =>
      this.#client.runs.rerun(runIdOf(order), { prompt, labels }, options),
    );
  }

  /** A run of its own, as long as somebody answers. */
  async #order(): Promise<Order> {
    const order = this.#open();
    await this.#send(order);
    return order;
  }

  #open(idempotencyKey?: string): Order {
    const { books, draw, journal, workMs } = this.#counter;
    const milliseconds = Math.round(draw.between(...workMs));
    return books.open((key) => promptOf({ journal, key, milliseconds }), idempotencyKey);
  }

  #send(order: Order): Promise<void> {
    return this.#accepted(order, (options) => this.#client.runs.create(bodyOf(order), options));
  }

  async #accepted(
    order: Order,
    send: (options: { idempotencyKey: string; signal: AbortSignal }) => Promise<Run>,
  ): Promise<void> {
    const { idempotencyKey, key } = order;
    const answer = await this.#repeated(key, (signal) => send({ idempotencyKey, signal }));
    if (!this.#counter.isGivenUp()) {
      this.#counter.hold("callersAreAnswered", "", callersAreAnswered(key, answer));
    }
    if (answer === undefined) return;
    order.acceptedAt ||= Date.now();
    order.runIds.push((answer as Run).id);
  }

  async #conversationOf(order: Order): Promise<string | undefined> {
    if (runIdOf(order) === "") return undefined;
    const run = await this.#repeated(`get ${order.key}`, (signal) =>
      this.#client.runs.get(runIdOf(order), { signal }),
    );
    return (run as Run | undefined)?.conversation.id;
  }

  /** Waits until its end was seen; false: it is over before that. */
  async #ended(order: Order): Promise<boolean> {
    while (order.overAt === undefined) {
      if (this.#counter.isOver() || runIdOf(order) === "") return false;
      await sleep(PAUSE_MS);
    }
    return true;
  }

  /**
   * Asks until somebody answers with a success; undefined: that took too long, or it was refused
   * for good.
   */
  async #repeated(what: string, ask: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
    const giveUpAt = Date.now() + SENT_FOR_MS;
    while (Date.now() < giveUpAt && !this.#counter.isGivenUp()) {
      try {
        return (await ask(AbortSignal.timeout(ANSWERED_WITHIN_MS))) ?? "done";
      } catch (error) {
        if (isRefusal(error)) {
          this.#counter.hold("callersAreAnswered", "", `${what}: ${String(error)}`);
          return undefined;
        }
        await sleep(PAUSE_MS);
      }
    }
    return undefined;
  }
}

/** Time for an agent whose runner stands still for a while. */
const SETTINGS = { timeoutSeconds: 60 };

const bodyOf = ({ key, prompt }: Order) => ({
  prompt,
  agent: { settings: SETTINGS },
  labels: { [ORDER_LABEL]: key },
});

/** An erasure whose answer was lost is there all the same. */
function unlessGone(error: unknown): void {
  if (!(error instanceof ProblemError && error.code === "not_found")) throw error;
}

/**
 * What will be answered the same, however often it is asked; `conflict`: a build is being ended.
 */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof ProblemError)) return false;
  const { status, code } = error;
  return status >= 400 && status < 500 && ![408, 429].includes(status) && code !== "conflict";
}
