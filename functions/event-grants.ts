import { parsedJson } from "../shared/json.ts";
import type { EventGrant } from "../shared/triggers/grants.ts";

const FORM =
  '[{"source": "//storage.googleapis.com/projects/_/buckets/in", "type": "google.cloud.storage.object.v1.finalized", "subject": "objects/", "owners": ["ann@example.com"]}]';

/**
 * Reads `RUNYARD_EVENT_GRANTS`, a list of rows as {@link EventGrant} has them, as JSON.
 *
 * @throws {Error} that says which row is none
 */
export function eventGrantsOf(text = "[]"): readonly EventGrant[] {
  const rows = parsedJson(text === "" ? "[]" : text);
  if (!Array.isArray(rows)) throw new Error(`RUNYARD_EVENT_GRANTS must be JSON like ${FORM}`);
  for (const [at, row] of rows.entries()) {
    if (isGrant(row)) continue;
    throw new Error(`RUNYARD_EVENT_GRANTS: row ${at + 1} is none; rows look like ${FORM}`);
  }
  return rows;
}

const KNOWN = ["source", "type", "subject", "owners"];

function isGrant(row: unknown): row is EventGrant {
  if (typeof row !== "object" || row === null) return false;
  const { source, type, subject = "", owners } = row as Partial<EventGrant>;
  const isText = (item: unknown) => typeof item === "string";
  return (
    Object.keys(row).every((name) => KNOWN.includes(name)) &&
    [source, type, subject].every(isText) &&
    Array.isArray(owners) &&
    owners.every(isText)
  );
}
