import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { sha256 } from "../../shared/hash.ts";
import type { Verification } from "../../shared/triggers/source.ts";

/** A request to a hook. */
export interface HookRequest {
  headers: IncomingHttpHeaders;
  body: Buffer;
  now: Date;
}

/** How far a sender's clock may be off, of Standard Webhooks. */
const CLOCK_SKEW_SECONDS = 300;
/** Signatures in one header, of which one must be right. */
const MOST_SIGNATURES = 10;

/**
 * Whether a request was signed with one of a hook's secrets. For a bearer token the secret is its
 * SHA-256.
 */
export function isFromSender(
  verify: Verification,
  secrets: readonly string[],
  request: HookRequest,
): boolean {
  // Each is compared, whether or not one before it was right.
  return secrets.map((secret) => isSigned(verify, secret, request)).includes(true);
}

/** As much work as for a hook that is there, for one that is not. */
export function verifyNothing(request: HookRequest): void {
  isSigned({ scheme: "github" }, randomBytes(32).toString("base64"), request);
}

function isSigned(verify: Verification, secret: string, request: HookRequest): boolean {
  const { headers, body } = request;
  switch (verify.scheme) {
    case "standard":
      return isStandard(secret, request);
    case "github":
      return isSame(signature("sha256", secret, [body]), only(headers, "x-hub-signature-256"), {
        prefix: "sha256=",
        encoding: "hex",
      });
    case "hmac": {
      const { header, algorithm = "sha256", encoding = "hex", prefix = "" } = verify;
      const given = only(headers, header.toLowerCase());
      return isSame(signature(algorithm, secret, [body]), given, { prefix, encoding });
    }
    case "bearer": {
      const token = /^Bearer +(\S+) *$/i.exec(only(headers, "authorization"))?.[1] ?? "";
      return isSame(Buffer.from(secret, "hex"), sha256(token), { prefix: "", encoding: "hex" });
    }
  }
}

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function isStandard(secret: string, { headers, body, now }: HookRequest): boolean {
  const [id, seconds] = [only(headers, "webhook-id"), only(headers, "webhook-timestamp")];
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = signature("sha256", key, [`${id}.${seconds}.`, body]);
  const isRecent =
    /^\d{1,12}$/.test(seconds) &&
    Math.abs(now.getTime() / 1000 - Number(seconds)) <= CLOCK_SKEW_SECONDS;
  const given = only(headers, "webhook-signature").split(" ").slice(0, MOST_SIGNATURES);
  const isOne = given
    .map((one) => isSame(expected, one, { prefix: "v1,", encoding: "base64" }))
    .includes(true);
  return isRecent && isOne && id !== "";
}

function signature(
  algorithm: "sha256" | "sha512",
  key: string | Buffer,
  parts: readonly (string | Buffer)[],
): Buffer {
  const hmac = createHmac(algorithm, key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

function isSame(
  expected: Buffer,
  given: string,
  { prefix, encoding }: { prefix: string; encoding: "hex" | "base64" },
): boolean {
  if (!given.startsWith(prefix)) return false;
  const bytes = Buffer.from(given.slice(prefix.length), encoding);
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

/** A header that stands there once; `""` else. */
function only(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}
