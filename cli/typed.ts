import { OWN_NAME } from "./own-name.ts";

/** Where a command finds its server, as it was typed. */
export interface PlaceFlags {
  url?: string | undefined;
  profile?: string | undefined;
  /** State directory of a local server. */
  state?: string | undefined;
  keyFile?: string | undefined;
}

/** The state directory of who names none. */
export const DEFAULT_STATE = ".runyard";

const FLAGS = [
  ["url", "--url"],
  ["profile", "--profile"],
  ["state", "--state"],
  ["keyFile", "--key-file"],
] as const;

/**
 * A command as a person types it to reach the same server again: `npx runyard watch run_1`, or
 * `npx runyard watch run_1 --state DIR` where that is not the default one.
 *
 * @param words what follows `runyard`, each a word
 */
export function typed(words: readonly string[], place: PlaceFlags = {}): string {
  const flags = FLAGS.flatMap(([name, flag]) => {
    const value = place[name];
    const isDefault = value === undefined || (name === "state" && value === DEFAULT_STATE);
    return isDefault ? [] : [flag, value];
  });
  return [OWN_NAME, ...[...words, ...flags].map(quoted)].join(" ");
}

/** A word for a shell: as it is, or in single quotes. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./…-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
