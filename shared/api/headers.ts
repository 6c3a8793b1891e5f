/** Request headers that several operations look at. */
export const IDEMPOTENCY_KEY = {
  "Idempotency-Key":
    "1 to 255 printable ASCII characters. The same key and body give the same run again; another body is refused.",
} as const;

export const PREFER = {
  Prefer:
    "wait=N: hold the answer for at most N seconds (up to 300) until the run is done, and answer 200 with it. respond-async, or no such header: answer at once.",
} as const;

export const TRACEPARENT = {
  traceparent:
    "The caller's place in a trace, as W3C has it: where the service tells of its spans, those of the run are part of that.",
} as const;

export const LAST_EVENT_ID = {
  "Last-Event-ID": "Id of the last event that was received; the stream goes on after it.",
} as const;
