import { attemptOfTags } from "../../shared/attempt/build-plan.ts";
import { isRunId } from "../../shared/ids.ts";
import { truncateUtf8 } from "../../shared/text.ts";
import type { Services } from "../services/services.ts";
import { applyEvent } from "./settle-attempt.ts";

/** A message that no function could handle, as Pub/Sub hands it on. */
export interface DeadMessage {
  messageId: string;
  /** Its bytes, base64. */
  data: string;
  attributes: Readonly<Record<string, string>>;
}

/** UTF-8 bytes of a message that are kept. */
const KEPT_BYTES = 64 * 1024;
/** Pub/Sub names the subscription that a message could not be delivered to. */
const SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription";
const UNDELIVERED = "every delivery of it failed";

/**
 * Keeps what no function could handle, with the reason, for whoever looks after the project; and
 * makes the run that it was about due, so that the sweep brings it forward without the message.
 */
export async function keepDeadLetter(
  services: Services,
  { messageId, data, attributes }: DeadMessage,
): Promise<void> {
  const text = Buffer.from(data, "base64").toString("utf8");
  const runId = runOf(text);
  const reason = attributes["reason"] ?? UNDELIVERED;
  const source = attributes["source"] ?? attributes[SUBSCRIPTION] ?? "";
  await services.deadLetters.keep({
    messageId: attributes["messageId"] ?? messageId,
    source,
    reason,
    runId: runId ?? null,
    data: truncateUtf8(text, KEPT_BYTES),
  });
  services.log("ERROR", `a message of ${source} is kept: ${reason}`, { messageId, runId });
  if (runId !== undefined) await applyEvent(services, runId, { type: "postponed", seconds: 0 });
}

/**
 * The run that a message of `run-requests` or `cloud-builds` is about; undefined: it names none.
 */
function runOf(text: string): string | undefined {
  try {
    const { runId, tags } = (JSON.parse(text) ?? {}) as { runId?: unknown; tags?: unknown };
    if (typeof runId === "string" && isRunId(runId)) return runId;
    return Array.isArray(tags) ? attemptOfTags(tags)?.runId : undefined;
  } catch {
    return undefined;
  }
}
