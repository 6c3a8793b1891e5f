import { openForReading } from "../wire/database.ts";

/** Builds in a state directory, by status. Counts what the service keeps there, running or not. */
export function summarizeBuilds(directory: string): Record<string, number> {
  using database = openForReading(directory, "cloud-build");
  const rows = database
    ?.prepare("SELECT status, count(*) AS count FROM builds GROUP BY status ORDER BY status")
    .all();
  return Object.fromEntries(
    (rows ?? []).map(({ status, count }) => [String(status), Number(count)]),
  );
}
