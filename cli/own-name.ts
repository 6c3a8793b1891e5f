import { readFileSync } from "node:fs";
import { join, sep } from "node:path";

/**
 * What a person types to call this command again: `npx runyard`, or `npx ./runyard-0.1.0.tgz` if
 * npx brought it from there. Any other name npx would look for in its registry, where it may be
 * somebody else's.
 */
export const OWN_NAME = `npx ${fetchedByNpx() ?? "runyard"}`;

/** What npx was given, which it writes down where it installs. */
function fetchedByNpx(): string | undefined {
  if (!import.meta.dirname.includes(`${sep}_npx${sep}`)) return undefined;
  try {
    const file = join(import.meta.dirname, "../../../../package.json");
    const { _npx: npx } = JSON.parse(readFileSync(file, "utf8")) as NpxFolder;
    return npx?.packages?.at(0);
  } catch {
    return undefined;
  }
}

interface NpxFolder {
  _npx?: { packages?: string[] };
}
