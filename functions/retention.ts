import { parsedJson } from "../shared/json.ts";
import { RETENTION_NAMES, type RetentionTable } from "../shared/run/retention.ts";

const FORM =
  '{"*": {"promptDays": 90}, "ann@example.com": {"runDays": 7}}: owners, or * for every other, and days';

/**
 * Reads `RUNYARD_RETENTION`.
 *
 * @throws {Error} that names what is wrong in it
 */
export function retentionTableOf(json = ""): RetentionTable {
  const table = parsedJson(json || "{}");
  if (!isObject(table)) throw new Error(`RUNYARD_RETENTION must be JSON like ${FORM}`);
  for (const [owner, row] of Object.entries(table)) {
    if (!isObject(row)) refuse(`what it says of ${owner} must be an object`);
    for (const [name, days] of Object.entries(row)) {
      const known: readonly string[] = RETENTION_NAMES;
      if (!known.includes(name)) refuse(`${owner} has ${name}, and may have ${known.join(", ")}`);
      const fits = Number.isInteger(days) && Number(days) >= 1 && Number(days) <= 3650;
      if (days === null || fits) continue;
      refuse(`${name} of ${owner} must be whole days from 1 to 3650, or null`);
    }
  }
  return new Map(Object.entries(table)) as RetentionTable;
}

function refuse(fault: string): never {
  throw new Error(`RUNYARD_RETENTION: ${fault}, as in ${FORM}`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
