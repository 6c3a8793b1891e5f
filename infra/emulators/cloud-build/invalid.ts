import { GoogleError } from "../wire/status.ts";

/** Google's refusal of one field of a build: `invalid value for 'build.FIELD': REASON`. */
export function invalid(field: string, reason: string): GoogleError {
  return new GoogleError(
    "INVALID_ARGUMENT",
    `generic::invalid_argument: invalid value for 'build.${field}': ${reason}`,
  );
}

/** A duration as Go prints it, which is how it stands in Google's messages: `20m0s`, `24h0m0s`. */
export function goDuration(durationMs: number): string {
  const totalSeconds = durationMs / 1000;
  const hours = Math.floor(totalSeconds / 3600);
  const minutes = Math.floor((totalSeconds % 3600) / 60);
  const seconds = `${Number((totalSeconds % 60).toFixed(3))}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
