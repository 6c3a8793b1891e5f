import { asDiskFull, DiskFull, tellDiskFull } from "../wire/disk.ts";
import { GoogleError, type GoogleStatus } from "../wire/status.ts";

/** One row of the table: the HTTP status, the JSON API's `reason` and the XML API's `Code`. */
interface Refusal {
  http: number;
  reason: string;
  xmlCode: string;
  /**
   * The XML API's general message; the special one then goes to `Details`. Default: the error's
   * own.
   */
  xmlMessage?: string;
  /** The header that the JSON error names as its location. */
  location?: string;
}

/**
 * Refusals of Cloud Storage that `google.rpc.Code` has no word for, or for which the XML API has
 * one of its own.
 *
 * @see https://cloud.google.com/storage/docs/json_api/v1/status-codes
 * @see https://cloud.google.com/storage/docs/xml-api/reference-status
 */
const REFUSALS = {
  noSuchBucket: { http: 404, reason: "notFound", xmlCode: "NoSuchBucket" },
  noSuchObject: {
    http: 404,
    reason: "notFound",
    xmlCode: "NoSuchKey",
    xmlMessage: "The specified key does not exist.",
  },
  conditionNotMet: {
    http: 412,
    reason: "conditionNotMet",
    xmlCode: "PreconditionFailed",
    location: "If-Match",
  },
  notModified: {
    http: 304,
    reason: "notModified",
    xmlCode: "NotModified",
    location: "If-None-Match",
  },
  rangeNotSatisfiable: {
    http: 416,
    reason: "requestedRangeNotSatisfiable",
    xmlCode: "InvalidRange",
  },
  badDigest: { http: 400, reason: "invalid", xmlCode: "BadDigest" },
  tooLarge: { http: 400, reason: "invalid", xmlCode: "EntityTooLarge" },
  tooSmall: { http: 400, reason: "invalid", xmlCode: "EntityTooSmall" },
  uploadCancelled: { http: 499, reason: "clientClosedRequest", xmlCode: "ClientClosedRequest" },
  uploadExpired: { http: 410, reason: "gone", xmlCode: "Gone" },
  uploadOffset: { http: 503, reason: "backendError", xmlCode: "ServiceUnavailable" },
  accessDenied: { http: 403, reason: "forbidden", xmlCode: "AccessDenied" },
  malformedSignature: {
    http: 400,
    reason: "invalid",
    xmlCode: "AuthenticationRequired",
    xmlMessage: "Authentication required.",
  },
  expiredToken: {
    http: 400,
    reason: "invalid",
    xmlCode: "ExpiredToken",
    xmlMessage: "Invalid argument.",
  },
  signatureDoesNotMatch: {
    http: 403,
    reason: "forbidden",
    xmlCode: "SignatureDoesNotMatch",
    xmlMessage: "Access denied.",
  },
} as const satisfies Record<string, Refusal>;

/** The name of one of Cloud Storage's own refusals. */
export type RefusalName = keyof typeof REFUSALS;

/** What goes with some refusals: extra response headers, extra elements of the XML form. */
export interface RefusalDetails {
  headers?: Record<string, string>;
  xml?: Record<string, string>;
}

/**
 * A refusal in Cloud Storage's terms; see {@link GoogleError} for those that all services share.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly refusal: RefusalName;
  readonly details: RefusalDetails;

  constructor(refusal: RefusalName, message: string, details: RefusalDetails = {}) {
    super(message);
    this.refusal = refusal;
    this.details = details;
  }

  get httpStatus(): number {
    return REFUSALS[this.refusal].http;
  }
}

/** An error as both APIs write it. */
export interface WireError extends Refusal, RefusalDetails {
  message: string;
}

const XML_CODES: Partial<Record<GoogleStatus, string>> = {
  INVALID_ARGUMENT: "InvalidArgument",
  ALREADY_EXISTS: "BucketAlreadyExists",
  UNIMPLEMENTED: "NotImplemented",
};

// Differs: Cloud Storage has no word for a full disk. 507 says what it is, and is no status that
// clients try again, as they would for minutes with 429 or 503.
const DISK_FULL = { http: 507, reason: "insufficientStorage", xmlCode: "InsufficientStorage" };

/**
 * What the wire says about `error`. Anything but a refusal is a bug: it is logged and answered with
 * 500.
 */
export function toWireError(thrown: unknown): WireError {
  const error = asDiskFull(thrown) ?? thrown;
  tellDiskFull(error);
  if (error instanceof DiskFull) return { ...DISK_FULL, message: error.message };
  if (error instanceof StorageError) {
    return { ...REFUSALS[error.refusal], ...error.details, message: error.message };
  }
  if (error instanceof GoogleError) {
    const xmlCode = XML_CODES[error.status] ?? "InternalError";
    return { http: error.httpStatus, reason: error.reason, xmlCode, message: error.message };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`stand-in: internal error: ${message}\n`);
  return { http: 500, reason: "internalError", xmlCode: "InternalError", message };
}
