import { openForReading } from "../wire/database.ts";

/** What a state directory holds of Cloud Storage. */
export interface StorageSummary {
  buckets: number;
  objects: number;
  /** The objects' contents together. */
  sizeBytes: number;
}

/** Counts what the service keeps in `directory`, running or not. */
export function summarizeStorage(directory: string): StorageSummary {
  using database = openForReading(directory, "storage");
  const row = database
    ?.prepare(
      `SELECT (SELECT count(*) FROM buckets) AS buckets, count(*) AS objects,
         coalesce(sum(sizeBytes), 0) AS sizeBytes FROM objects`,
    )
    .get();
  return {
    buckets: Number(row?.["buckets"] ?? 0),
    objects: Number(row?.["objects"] ?? 0),
    sizeBytes: Number(row?.["sizeBytes"] ?? 0),
  };
}
