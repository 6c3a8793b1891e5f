const CUT = "…";

/**
 * One line for people: no control or invisible direction characters, at most `maxLength`
 * characters.
 */
export function oneLine(text: string, maxLength: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, " ").trim();
  const characters = Array.from(line);
  return characters.length <= maxLength ? line : characters.slice(0, maxLength - 1).join("") + CUT;
}

/** What went wrong, as one sentence. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Whether something went wrong because a disk has no room left. */
export const isOfFullDisk = (error: unknown): boolean =>
  /no space left on device|disk quota exceeded|ENOSPC|EDQUOT/i.test(messageOf(error));
