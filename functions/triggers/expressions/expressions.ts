import type { Clock } from "../../../shared/clock.ts";
import { TRIGGER_LIMITS } from "../../../shared/limits.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import type {
  Decision,
  Evaluation,
  EventExpressions,
  ExpressionFault,
  Expressions,
  TriggerExpressions,
} from "../../services/expressions.ts";
import { Overrun, Thread } from "../../threads/thread.ts";
import type { Question } from "./worker.ts";

const { openMs, decideMs, renderMs, expressionMemory } = TRIGGER_LIMITS;

/** Evaluates in a thread of its own, one question after the other. */
export class ThreadedExpressions implements Expressions {
  readonly #thread: Thread;
  /** The last question: the next waits for it. */
  #last: Promise<unknown> = Promise.resolve();
  /** The event that the thread has, and which thread it was. */
  #open: { event: IncomingEvent; start: number } | undefined;

  constructor(timers: Pick<Clock, "after">) {
    const program = new URL("./worker.ts", import.meta.url);
    this.#thread = new Thread({ program, memoryMiB: expressionMemory }, timers);
  }

  async faults(of: TriggerExpressions): Promise<ExpressionFault[]> {
    const { filter, dedupe, conversation, prompt } = of;
    const check = { filter, dedupe, conversation, prompt };
    return this.#inLine(async () => {
      try {
        return (await this.#ask<{ faults: ExpressionFault[] }>({ check }, openMs)).faults;
      } catch (error) {
        if (!(error instanceof Overrun)) throw error;
        return [{ pointer: "", detail: `takes too much ${error.of} to be looked at` }];
      }
    });
  }

  over(event: IncomingEvent): EventExpressions {
    return { evaluate: (of) => this.#inLine(() => this.#evaluate(of, event)) };
  }

  async #evaluate(
    { filter, dedupe, conversation, prompt }: TriggerExpressions,
    event: IncomingEvent,
  ): Promise<Evaluation> {
    const asked = { what: "the event", limitMs: openMs };
    try {
      if (this.#open?.event !== event || this.#open.start !== this.#thread.starts) {
        await this.#ask({ open: event }, openMs);
        this.#open = { event, start: this.#thread.starts };
      }
      Object.assign(asked, { what: "the filter and the keys", limitMs: decideMs });
      const question = { decide: { filter, dedupe, conversation, prompt } };
      const decision = await this.#ask<Decision | { error: string }>(question, decideMs);
      if ("error" in decision || !decision.matches) return decision;
      Object.assign(asked, { what: "the prompt", limitMs: renderMs });
      const answer = await this.#ask<{ prompt: string } | { error: string }>(
        { render: prompt },
        renderMs,
      );
      return "error" in answer ? answer : { ...decision, ...answer };
    } catch (error) {
      if (!(error instanceof Overrun)) throw error;
      this.#open = undefined;
      const most = error.of === "time" ? `${asked.limitMs} ms` : `${expressionMemory} MiB`;
      return { error: `${asked.what} took more than ${most}`, isOverrun: true };
    }
  }

  #ask<A>(question: Question, limitMs: number): Promise<A> {
    return this.#thread.ask<A>(question, limitMs);
  }

  #inLine<T>(ask: () => Promise<T>): Promise<T> {
    const answer = this.#last.then(ask, ask);
    this.#last = answer.catch(() => {});
    return answer;
  }
}
