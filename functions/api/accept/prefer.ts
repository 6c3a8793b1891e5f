import { STREAMS } from "../../../shared/limits.ts";

/** A preference with its parameters, up to the next comma that is not inside a quoted string. */
const PREFERENCE = /((?:"(?:[^"\\]|\\.)*"|[^",])*)(?:,|$)/gy;

/**
 * How long the caller of `Prefer: wait=N` is ready to wait, in whole seconds; more than
 * `STREAMS.waitSeconds` counts as that. 0: not at all, which is also what a wait says that cannot
 * be understood. Given twice, the first counts.
 *
 * @param header all `Prefer` headers of a request, joined by commas
 * @see https://www.rfc-editor.org/rfc/rfc7240
 */
export function waitSecondsOf(header: string | undefined): number {
  const { value } = preferencesOf(header).find(({ name }) => name === "wait") ?? {};
  const [, seconds] = /^"?(\d+)"?$/.exec(value ?? "") ?? [];
  return Math.min(Number(seconds ?? 0), STREAMS.waitSeconds);
}

/** Whether the caller would rather not wait at all: `Prefer: respond-async`. */
export function prefersAsync(header: string | undefined): boolean {
  return preferencesOf(header).some(({ name }) => name === "respond-async");
}

/** Preferences without their parameters, which stand after a semicolon and say nothing to us. */
function preferencesOf(header: string | undefined): { name: string; value: string }[] {
  if (header === undefined) return [];
  return Array.from(header.matchAll(PREFERENCE), ([, preference = ""]) => {
    const [name = "", value = ""] = (preference.split(";")[0] ?? "").split("=");
    return { name: name.trim().toLowerCase(), value: value.trim() };
  });
}
