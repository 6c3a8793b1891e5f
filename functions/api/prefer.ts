import { STREAMS } from "../../shared/limits.ts";

/** A preference with its parameters, up to the next comma that is not inside a quoted string. */
const PREFERENCE = /((?:"(?:[^"\\]|\\.)*"|[^",])*)(?:,|$)/gy;

/**
 * How long the caller of `Prefer: wait=N` is ready to wait, in whole seconds; more than
 * `STREAMS.waitSeconds` counts as that. 0: not at all, which is also what a wait says that cannot be
 * understood. Given twice, the first counts.
 *
 * @param header all `Prefer` headers of a request, joined by commas
 * @see https://www.rfc-editor.org/rfc/rfc7240
 */
export function waitSecondsOf(header: string | undefined): number {
  for (const [, preference = ""] of (header ?? "").matchAll(PREFERENCE)) {
    // Its parameters, after a semicolon, say nothing to us.
    const [name = "", value = ""] = (preference.split(";")[0] ?? "").split("=");
    if (name.trim().toLowerCase() !== "wait") continue;
    const [, seconds] = /^"?(\d+)"?$/.exec(value.trim()) ?? [];
    return Math.min(Number(seconds ?? 0), STREAMS.waitSeconds);
  }
  return 0;
}
