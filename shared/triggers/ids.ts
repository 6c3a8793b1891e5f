import { createHash } from "node:crypto";
import { firingId, runId } from "../ids.ts";
import type { IncomingEvent } from "./incoming-event.ts";

/**
 * What a firing is known by: the key of an event that matched, the event itself where it did not,
 * lest a filtered event use up the key of a later one; or the request that asked for it again.
 */
export type FiringName =
  | { key: string }
  | { event: Pick<IncomingEvent, "source" | "id"> }
  | { redelivery: string };

const hashOf = (...parts: readonly string[]): Uint8Array =>
  createHash("sha256").update(JSON.stringify(parts)).digest();

const partsOf = (name: FiringName): string[] => {
  if ("key" in name) return ["key", name.key];
  if ("redelivery" in name) return ["redelivery", name.redelivery];
  return ["event", name.event.source, name.event.id];
};

/** The dedupe key of a trigger that names none. */
export const defaultKey = ({ source, id }: Pick<IncomingEvent, "source" | "id">): string =>
  JSON.stringify([source, id]);

/** The same for the same trigger and name, whoever asks and how often. */
export const firingIdOf = (triggerId: string, name: FiringName): string =>
  firingId(hashOf("firing", triggerId, ...partsOf(name)));

/** The one run that a firing can start. */
export const firedRunId = (triggerId: string, name: FiringName): string =>
  runId(hashOf("run", triggerId, ...partsOf(name)));

/** The conversation of all events of a trigger that have this key. */
export const keyedConversationId = (triggerId: string, key: string): string =>
  runId(hashOf("conversation", triggerId, key)).replace(/^run_/, "conv_");
