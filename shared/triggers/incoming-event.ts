/**
 * A CloudEvent that came in, however it came: what filters and templates see as `event`.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export interface IncomingEvent {
  id: string;
  source: string;
  type: string;
  subject?: string;
  /** RFC 3339. */
  time?: string;
  datacontenttype?: string;
  dataschema?: string;
  /** Other attributes, `sequence` and `runyarddepth` among them. */
  extensions: Record<string, string | number | boolean>;
  /** JSON as what it says, text as a string, anything else as base64; none: null. */
  data: unknown;
}

/** How many runs started each other before this event; a run that it starts has one more. */
export function depthOf({ extensions }: IncomingEvent): number {
  const depth = Number(extensions["runyarddepth"] ?? 0);
  return Number.isSafeInteger(depth) && depth >= 0 ? depth : 0;
}
