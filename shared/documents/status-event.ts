import { RUN_LIMITS } from "../limits.ts";
import type { StatusChange } from "../run/telling.ts";
import { truncateUtf8, utf8Length } from "../text.ts";
import type { Run } from "./run.ts";
import { answerOf, type RunAnswer } from "./run-answer.ts";

/** An event as CloudEvents' binding for Pub/Sub has it, in binary mode. */
export interface EventMessage {
  /** `ce-` and CloudEvents' attributes, `content-type`, and what subscriptions filter by. */
  attributes: Record<string, string>;
  /** The event's data. */
  json: object;
}

/** Digits of a sequence: it is compared as text. */
const SEQUENCE_DIGITS = 10;

/**
 * The CloudEvent of a change of a run's status: `runyard.run.STATUS.v1` about the run. Its id is
 * the same each time that it is told, and `sequence`, the run's version, larger in each later one.
 * The data is the run as `GET /v1/runs/{id}` answers it, as it was when this was told, with at most
 * 2 KiB of its answer's text and of its structured output.
 *
 * @param told.depth how many runs started each other before and with this one; default: it began so
 *
 * @see https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md
 * @see https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/sequence.md
 */
export function statusEvent(
  run: Run,
  { version, status, at }: StatusChange,
  { source, depth = 0 }: { source: string; depth?: number | undefined },
): EventMessage {
  return {
    attributes: {
      "ce-specversion": "1.0",
      "ce-id": `${run.id}-${version}`,
      "ce-source": source,
      "ce-type": `runyard.run.${status}.v1`,
      "ce-subject": run.id,
      "ce-time": at.toISOString(),
      "ce-sequence": String(version).padStart(SEQUENCE_DIGITS, "0"),
      "content-type": "application/json",
      ...(depth > 0 && { "ce-runyarddepth": String(depth) }),
      done: String(isFinal(status)),
    },
    json: shortened(answerOf(run)),
  };
}

const NOT_FINAL = ["pending", "queued", "running", "cancelling"];
const isFinal = (status: string): boolean => !NOT_FINAL.includes(status);

function shortened({ output, ...run }: RunAnswer): RunAnswer {
  if (output === null) return { ...run, output };
  const most = RUN_LIMITS.eventOutputBytes;
  const text = truncateUtf8(output.text, most);
  const isShort = utf8Length(JSON.stringify(output.structured)) <= most;
  const structured = isShort ? output.structured : null;
  const truncated = output.truncated || text !== output.text || !isShort;
  return { ...run, output: { ...output, text, structured, truncated } };
}
