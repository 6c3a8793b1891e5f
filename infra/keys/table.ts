import { oneLine } from "../../cli/terminal.ts";
import { type KeyRecord, keyFault } from "../../shared/documents/key.ts";

const HEAD = ["ID", "KEY", "OWNER", "SCOPE", "CREATED", "EXPIRES", "STATE", "NAME"];

/** Keys as a table for people, a line each. */
export function keyTable(records: readonly KeyRecord[], now: Date): string {
  const rows = [HEAD, ...records.map((record) => rowOf(record, now))];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function rowOf(record: KeyRecord, now: Date): string[] {
  const { id, prefix, owner, scopes, createdAt, expiresAt, name } = record;
  const shown = prefix === "" ? "-" : `${prefix}…`;
  const cells = [
    id,
    shown,
    owner,
    scopes.join(","),
    day(createdAt),
    day(expiresAt),
    stateOf(record, now),
    name,
  ];
  return cells.map(oneLine);
}

function stateOf(record: KeyRecord, now: Date): string {
  if (record.revokedAt !== null) return "revoked";
  return keyFault(record, now) === undefined ? "valid" : "expired";
}

function day(instant: Date | null): string {
  return instant?.toISOString().slice(0, 10) ?? "-";
}
