/** A `google.protobuf.Duration` as it is decoded from the wire. */
export interface WireDuration {
  seconds?: string | number;
  nanos?: number;
}

/** A `google.protobuf.Timestamp` as it is decoded from the wire. */
export type WireTimestamp = WireDuration;

/** A duration (or a time since the epoch) in milliseconds, fractions kept. */
export function toMilliseconds(value: WireDuration): number {
  return Number(value.seconds ?? 0) * 1000 + (value.nanos ?? 0) / 1e6;
}

export function fromSeconds(seconds: number): WireDuration {
  return { seconds: String(seconds), nanos: 0 };
}

export function toTimestamp(epochMs: number): WireTimestamp {
  return { seconds: String(Math.floor(epochMs / 1000)), nanos: (epochMs % 1000) * 1e6 };
}

/** The form in which Google's error texts give a duration: `9m59s`, `744h`, `0s`. */
export function durationText(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  const parts: [number, string][] = [
    [Math.trunc(seconds / 3600), "h"],
    [Math.trunc((seconds % 3600) / 60), "m"],
    [seconds % 60, "s"],
  ];
  const shown = parts.filter(([value]) => value !== 0).map(([value, unit]) => `${value}${unit}`);
  return shown.join("") || "0s";
}

/**
 * A time in the JSON form of a Timestamp: as many fraction digits as needed, in threes.
 *
 * @see https://protobuf.dev/programming-guides/json/
 */
export function timestampJson(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(".000Z", "Z");
}
