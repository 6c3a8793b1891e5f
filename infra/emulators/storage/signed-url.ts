import { createHash, createPublicKey, verify } from "node:crypto";
import { GoogleError } from "../wire/status.ts";
import { StorageError } from "./errors.ts";
import type { StorageRequest } from "./request.ts";

const ALGORITHM = "GOOG4-RSA-SHA256";

/** Seven days: the longest that a V4 signature may hold. */
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600;

/** How far ahead of our clock a signature's date may be. */
const MAX_SKEW_MS = 15 * 60 * 1000;

/** What a signed URL says about its signature. */
interface Signature {
  email: string;
  /** `20260101/auto/storage/goog4_request` */
  scope: string;
  /** `20260101T000000Z` */
  date: string;
  signedAtMs: number;
  expiresAtMs: number;
  /** Names of signed headers, in lower case. */
  headers: string[];
  value: Buffer;
}

/**
 * Lets an XML API request pass if its V4 signed URL is valid at `nowMs`, or if it has an
 * `Authorization`.
 *
 * `signingKeys` are PEM public keys by service account; with them the signature must be right.
 *
 * @throws {StorageError} accessDenied without either; malformedSignature; expiredToken;
 * signatureDoesNotMatch
 * @throws {GoogleError} UNIMPLEMENTED for V2 signatures and HMAC keys
 * @see https://cloud.google.com/storage/docs/authentication/signatures
 */
export function authorize(
  request: StorageRequest,
  signingKeys: Record<string, string> | undefined,
  nowMs: number,
): void {
  // Differs: any Authorization header is taken for a good one; the JSON API does not even ask for
  // it.
  if (request.headers.authorization !== undefined) return;
  const parameters = signatureParameters(request.query);
  if (parameters.size === 0) throw anonymousCaller(request);
  const signature = parseSignature(parameters);
  if (nowMs >= signature.expiresAtMs) {
    const expiredAt = new Date(signature.expiresAtMs).toISOString().replace(/\.\d+Z$/, "+00:00");
    throw new StorageError(
      "expiredToken",
      `The provided token has expired. Request signature expired at: ${expiredAt}`,
    );
  }
  if (signature.signedAtMs > nowMs + MAX_SKEW_MS) {
    throw new StorageError("accessDenied", "Request is not yet valid.");
  }
  // Differs: without registered keys every signature is taken as right, since no key is here to
  // check it.
  if (signingKeys !== undefined) verifySignature(request, signature, signingKeys[signature.email]);
}

function signatureParameters(query: Record<string, string>): Map<string, string> {
  if (query["GoogleAccessId"] !== undefined) {
    // Differs: V2 signed URLs are not implemented.
    throw new GoogleError(
      "UNIMPLEMENTED",
      'the stand-in does not implement V2 signed URLs; sign with version "v4"',
    );
  }
  const entries = Object.entries(query).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  return new Map(entries.filter(([name]) => name.startsWith("x-goog-")));
}

function anonymousCaller(request: StorageRequest): StorageError {
  const verb = request.method === "GET" || request.method === "HEAD" ? "get" : "create";
  const permission = `storage.objects.${request.method === "DELETE" ? "delete" : verb}`;
  return new StorageError(
    "accessDenied",
    `Anonymous caller does not have ${permission} access to the Google Cloud Storage object. Permission '${permission}' denied on resource (or it may not exist).`,
  );
}

function parseSignature(parameters: Map<string, string>): Signature {
  const read = (name: string): string => {
    const value = parameters.get(`x-goog-${name}`);
    if (value === undefined) throw malformed(`X-Goog-${name} is missing`);
    return value;
  };
  const algorithm = read("algorithm");
  if (algorithm === "GOOG4-HMAC-SHA256") {
    throw new GoogleError("UNIMPLEMENTED", `the stand-in verifies only ${ALGORITHM} signatures`);
  }
  if (algorithm !== ALGORITHM) throw malformed("X-Goog-Algorithm is unknown");
  const credential = /^([^/]+)\/(\d{8}\/[^/]+\/storage\/goog4_request)$/.exec(read("credential"));
  const date = read("date");
  const signedAtMs = parseDate(date);
  const expiresSeconds = Number(read("expires"));
  const isShort = Number.isInteger(expiresSeconds) && expiresSeconds <= MAX_EXPIRES_SECONDS;
  if (credential === null) throw malformed("X-Goog-Credential is malformed");
  if (!isShort || expiresSeconds < 1) throw malformed("X-Goog-Expires is not 1 to 604800 seconds");
  const headers = read("signedheaders").split(";");
  if (!headers.includes("host")) throw malformed("X-Goog-SignedHeaders does not name host");
  const [, email = "", scope = ""] = credential;
  const expiresAtMs = signedAtMs + expiresSeconds * 1000;
  const value = Buffer.from(read("signature"), "hex");
  return { email, scope, date, signedAtMs, expiresAtMs, headers, value };
}

function parseDate(date: string): number {
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const milliseconds = iso === date ? Number.NaN : Date.parse(iso);
  if (Number.isNaN(milliseconds)) throw malformed("X-Goog-Date is malformed");
  return milliseconds;
}

function malformed(message: string): StorageError {
  return new StorageError("malformedSignature", message);
}

function verifySignature(
  request: StorageRequest,
  signature: Signature,
  publicKey: string | undefined,
): void {
  const { host = "" } = request.headers;
  // Google's own host has no port. The official client signs a custom endpoint's host without its
  // port too, although it sends the port: either form is right.
  const canonical = [host, host.replace(/:\d+$/, "")].map((name) =>
    canonicalRequest(request, signature, name),
  );
  const toSign = canonical.map((text) => stringToSign(signature, text));
  const isRight =
    publicKey !== undefined &&
    toSign.some((text) =>
      verify("RSA-SHA256", Buffer.from(text), createPublicKey(publicKey), signature.value),
    );
  if (isRight) return;
  throw new StorageError(
    "signatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your Google secret key and signing method.",
    { xml: { StringToSign: toSign[0] ?? "", CanonicalRequest: canonical[0] ?? "" } },
  );
}

function stringToSign(signature: Signature, canonical: string): string {
  const hash = createHash("sha256").update(canonical).digest("hex");
  return [ALGORITHM, signature.date, signature.scope, hash].join("\n");
}

function canonicalRequest(request: StorageRequest, signature: Signature, host: string): string {
  const headers = signature.headers.map((name) => {
    const value = name === "host" ? host : String(request.headers[name] ?? "");
    return `${name}:${value.trim().replace(/\s{2,}/g, " ")}\n`;
  });
  const { bucket = "", object = "" } = request.parameters;
  return [
    request.method,
    encode(`/${bucket}/${object}`).replaceAll("%2F", "/"),
    canonicalQuery(request.query),
    headers.join(""),
    signature.headers.join(";"),
    request.headers["x-goog-content-sha256"] ?? "UNSIGNED-PAYLOAD",
  ].join("\n");
}

function canonicalQuery(query: Record<string, string>): string {
  return Object.entries(query)
    .filter(([name]) => name.toLowerCase() !== "x-goog-signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
}

/** Percent-encodes all but `A-Z a-z 0-9 - . _ ~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
