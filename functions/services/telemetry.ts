import type { RunEvent, RunRecord } from "../../shared/run/record.ts";
import type { TraceContext } from "../../shared/run/trace.ts";
import type { WaitingRuns } from "./capacity.ts";
import type { Transacted } from "./runs.ts";

/** What is told of a span: ids, codes and numbers; never a text of users, a key or an owner. */
export type SpanFacts = Readonly<Record<string, string | number | boolean>>;

/** Work that is a span of a run's trace. */
export interface SpanOf<T> {
  name: string;
  /** Its part between those who talk to each other. Default: internal. */
  kind?: "server" | "producer" | "consumer";
  /** What it is a part of; null: it begins a trace. */
  parent: TraceContext | null;
  /** When it began. Default: now. */
  from?: Date;
  facts: SpanFacts;
  /** What is known when it is done. */
  factsOf?(result: T): SpanFacts;
}

/** A change of a run that is committed. */
export interface CommittedChange {
  event: RunEvent;
  /** The run before it. */
  before: RunRecord;
  made: Transacted & { changed: true };
  /** When its transaction began. */
  from: Date;
}

/** Tells others of what happens, for their charts. That it fails has no part in what happens. */
export interface Telemetry {
  /**
   * Works, within a span.
   *
   * @param work is told the span's own context, for whatever goes on from there; its parent's where
   * nothing is traced
   */
  within<T>(span: SpanOf<T>, work: (context: TraceContext | null) => Promise<T>): Promise<T>;
  /** A run was accepted. */
  accepted(): void;
  committed(change: CommittedChange): void;
  /**
   * Tells how many runs wait now.
   *
   * @param count is called only where that is told
   * @throws what it throws
   */
  waiting(count: () => Promise<WaitingRuns>): Promise<void>;
  /**
   * Resolves once what was told so far is sent, or could not be within two seconds. Whoever may
   * stand still when it has answered calls this before.
   */
  flush(): Promise<void>;
}

/** Tells nobody. */
export const UNTOLD: Telemetry = {
  within: (span, work) => work(span.parent),
  accepted() {},
  committed() {},
  async waiting() {},
  async flush() {},
};
