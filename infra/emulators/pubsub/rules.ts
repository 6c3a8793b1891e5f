import { GoogleError } from "../wire/status.ts";
import { durationText, toMilliseconds, type WireDuration } from "./duration.ts";

const MINUTE_MS = 60_000;
const LEAST_RETENTION_MS = 10 * MINUTE_MS;
const MOST_RETENTION_MS = 31 * 24 * 60 * MINUTE_MS;
const MOST_LABELS = 64;
const LABEL_KEY = "[\\p{Ll}\\p{Lo}][\\p{Ll}\\p{Lo}\\p{N}_-]{0,62}";
const LABEL_VALUE = "[\\p{Ll}\\p{Lo}\\p{N}_-]{0,63}";
const MOST_PAGE_ITEMS = 1000;

/** An INVALID_ARGUMENT with this text. */
export function invalid(message: string): GoogleError {
  return new GoogleError("INVALID_ARGUMENT", message);
}

/**
 * Google's refusal of a value that is no longer a matter of form: "You passed an invalid argument".
 */
export function invalidArgument(what: string): GoogleError {
  return invalid(`You have passed an invalid argument to the service (argument=${what}).`);
}

/** What a resource asks for and the stand-in has not got: better refused than ignored. */
export function unsupported(field: string): GoogleError {
  return new GoogleError("UNIMPLEMENTED", `the stand-in does not implement ${field}`);
}

/** Checks the retention of a topic or a subscription: 10 minutes to 31 days. */
export function checkRetention(duration: WireDuration): void {
  const range = { least: LEAST_RETENTION_MS, most: MOST_RETENTION_MS };
  checkDuration("message retention duration", duration, range);
}

/** Checks that a duration lies within a range, in milliseconds. */
export function checkDuration(
  what: string,
  duration: WireDuration,
  range: { least: number; most: number },
): void {
  const milliseconds = toMilliseconds(duration);
  if (milliseconds >= range.least && milliseconds <= range.most) return;
  const { least, most } = range;
  throw invalid(
    `The value for ${what} is out of bounds. You passed ${durationText(milliseconds)} in the request, but the value must be between ${durationText(least)} and ${durationText(most)}.`,
  );
}

export function checkLabels(labels: Record<string, string>): void {
  const entries = Object.entries(labels);
  if (entries.length > MOST_LABELS) {
    throw invalidArgument(`Invalid labels: more than ${MOST_LABELS}`);
  }
  for (const [key, value] of entries) {
    checkLabelPart(`key "${key}"`, key, LABEL_KEY);
    checkLabelPart(`value "${value}"`, value, LABEL_VALUE);
  }
}

function checkLabelPart(what: string, text: string, pattern: string): void {
  if (new RegExp(`^${pattern}$`, "u").test(text)) return;
  throw invalidArgument(
    `Invalid labels: Invalid field "labels"; ${what} does not conform to regular expression "${pattern}"`,
  );
}

/** The fields that an update names. Throws INVALID_ARGUMENT if it names none. */
export function updatedFields(
  message: "Topic" | "Subscription",
  mask: { paths?: string[] } | undefined,
): string[] {
  const paths = mask?.paths ?? [];
  if (paths.length > 0) return paths;
  throw invalid(
    `The update_mask in the Update${message}Request must be set, and must contain a non-empty paths list.`,
  );
}

/** Which field of an update may not be changed, or is none. */
export function refuseUpdate(
  message: "Topic" | "Subscription",
  path: string,
  isKnown: boolean,
): GoogleError {
  const start = `Invalid update_mask provided in the Update${message}Request:`;
  if (isKnown) return invalid(`${start} the '${path}' field in the ${message} is not mutable.`);
  return invalid(
    `${start} '${path}' is not a known ${message} field. Note that field paths must be of the form 'push_config' rather than 'pushConfig'.`,
  );
}

/** The part of a list request that says which page. */
export interface PageRequest {
  pageSize?: number;
  pageToken?: string;
}

/** One page of named things, in the order of their names, and the token of the next page. */
export function pageOf<T>(
  items: T[],
  nameOf: (item: T) => string,
  { pageSize = 0, pageToken = "" }: PageRequest,
): { items: T[]; nextPageToken: string } {
  if (pageSize < 0) throw invalidArgument("page_size");
  const after = Buffer.from(pageToken, "base64url").toString();
  const rest = items
    .filter((item) => nameOf(item) > after)
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const page = rest.slice(0, Math.min(pageSize || MOST_PAGE_ITEMS, MOST_PAGE_ITEMS));
  const last = page.at(-1);
  const hasMore = last !== undefined && page.length < rest.length;
  return {
    items: page,
    nextPageToken: hasMore ? Buffer.from(nameOf(last)).toString("base64url") : "",
  };
}
