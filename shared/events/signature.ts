import { createHmac } from "node:crypto";
import type { RandomBytes } from "../ids.ts";

const PREFIX = "whsec_";

/** A secret as Standard Webhooks has it: `whsec_` and 32 random bytes in base64. */
export const newSecret = (random: RandomBytes): string =>
  `${PREFIX}${Buffer.from(random(32)).toString("base64")}`;

/** What is signed. */
export interface Signed {
  id: string;
  at: Date;
  body: string;
}

/**
 * The headers of Standard Webhooks: the id, the time and a signature by each of the secrets, of
 * which a receiver needs one.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureHeaders(
  { id, at, body }: Signed,
  secrets: readonly string[],
): Record<string, string> {
  const seconds = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(PREFIX, ""), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": seconds,
    "webhook-signature": signatures.join(" "),
  };
}
