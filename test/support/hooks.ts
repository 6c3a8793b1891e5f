import { createHmac, randomBytes } from "node:crypto";
import { databaseOf } from "../../functions/cloud/firestore/client.ts";
import { FirestoreTriggerStore } from "../../functions/cloud/firestore/trigger-store.ts";
import { sealingWith } from "../../functions/cloud/sealing.ts";
import { sealKeysOf } from "../../functions/seal-keys.ts";
import { sealKeysIn } from "../../infra/local/state/directory.ts";
import { systemClock } from "../../shared/clock.ts";
import { triggerId } from "../../shared/ids.ts";
import { hookSecretPlace } from "../../shared/triggers/hook.ts";
import type { Verification } from "../../shared/triggers/source.ts";
import type { Trigger } from "../../shared/triggers/trigger.ts";
import type { World } from "./world.ts";

/** A hook as a test wants it: its secrets as they are before they are sealed. */
export interface HookDraft {
  verify: Verification;
  current: string;
  previous?: string;
  previousUntil?: Date;
  /** What else of the trigger is not as usual. */
  others?: Partial<Trigger>;
}

/** Writes a trigger whose source is a hook, past the API; returns its id. */
export async function writeHook(
  { firestore, directory }: Pick<World, "firestore" | "directory">,
  { verify, current, previous, previousUntil, others = {} }: HookDraft,
): Promise<string> {
  const sealing = sealingWith(sealKeysOf(sealKeysIn(directory)), randomBytes);
  const store = new FirestoreTriggerStore(databaseOf(firestore, systemClock), randomBytes);
  const id = triggerId(randomBytes(16));
  const isSealed = verify.scheme !== "bearer";
  const seal = (text: string) => (isSealed ? sealing.seal(text, hookSecretPlace(id)) : text);
  const secrets = {
    current: seal(current),
    previous: previous === undefined ? null : seal(previous),
    previousUntil: previousUntil ?? null,
  };
  const source = { kind: "webhook" as const, verify };
  const trigger = { ...TRIGGER, id, source, secrets, ...others };
  await store.create({ trigger, requestHash: "", writer: id });
  return id;
}

const TRIGGER: Omit<Trigger, "id" | "source" | "secrets"> = {
  schemaVersion: 1,
  owner: "local",
  revision: 1,
  name: "of a hook",
  // What is received is looked at, and starts no runs.
  filter: "false",
  prompt: "{{ event.type }}",
  agent: null,
  labels: {},
  dedupe: null,
  conversation: null,
  overlap: "allow",
  limits: { runsPerHour: 100, runsPerDay: 100 },
  enabled: true,
  pausedWhy: null,
  route: null,
  dueAt: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
};

/** GitHub's headers, of a ping unless it is said. */
export const github = (
  secret: string,
  body: string,
  { event = "ping", delivery = "1" }: { event?: string; delivery?: string } = {},
) => ({
  "content-type": "application/json",
  "user-agent": "GitHub-Hookshot/044aadd",
  "x-github-event": event,
  "x-github-delivery": delivery,
  "x-github-hook-id": "292430182",
  "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
});

/** Standard Webhooks' headers, for a secret as `whsec_…`. */
export function standard(
  secret: string,
  body: string,
  { id = "msg_1", at = new Date() }: { id?: string; at?: Date } = {},
) {
  const seconds = Math.floor(at.getTime() / 1000);
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const text = `${id}.${seconds}.${body}`;
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": `${seconds}`,
    "webhook-signature": `v1,${createHmac("sha256", key).update(text).digest("base64")}`,
  };
}
