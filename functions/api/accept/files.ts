import type { GivenFile, PlacedFile } from "../../../shared/documents/files.ts";
import { fileFaults, placedFiles } from "../../../shared/run/given-files.ts";
import { invalid } from "../http/body.ts";

/**
 * The files of a request, as they are stored.
 *
 * @throws {AppError} invalid
 */
export function filesOf(given: readonly GivenFile[] = []): PlacedFile[] {
  const faults = fileFaults(given);
  if (faults.length > 0) throw invalid(faults);
  return placedFiles(given);
}
