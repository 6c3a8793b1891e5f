import type { IncomingEvent } from "../../shared/triggers/incoming-event.ts";
import type { Trigger } from "../../shared/triggers/trigger.ts";

/** What of a trigger is evaluated over an event. */
export type TriggerExpressions = Pick<Trigger, "filter" | "dedupe" | "conversation" | "prompt">;

/** What a filter and the keys say of an event. */
export type Decision =
  /** `why`: what the filter could not find in the event; null: it is false. */
  | { matches: false; why: string | null }
  /** Null: the trigger has no such key. */
  | { matches: true; key: string | null; conversation: string | null };

/**
 * What a trigger's expressions come to; `error`: in people's words, and it starts no run.
 * `isOverrun`: they took more time or memory than they may, and others had to wait.
 */
export type Evaluation =
  | Extract<Decision, { matches: false }>
  | (Extract<Decision, { matches: true }> & { prompt: string })
  | { error: string; isOverrun?: true };

/** What is wrong with an expression. */
export interface ExpressionFault {
  /** To the expression in the trigger, as `/filter`. */
  pointer: string;
  detail: string;
}

/** Evaluates what callers wrote in CEL and Liquid: apart from all else, bounded, failing closed. */
export interface Expressions {
  /** What makes a trigger's expressions unusable for any event. */
  faults(of: TriggerExpressions): Promise<ExpressionFault[]>;
  /** Takes up an event once, for many triggers, one after the other. */
  over(event: IncomingEvent): EventExpressions;
}

export interface EventExpressions {
  /** Never throws for what the caller wrote. */
  evaluate(of: TriggerExpressions): Promise<Evaluation>;
}
