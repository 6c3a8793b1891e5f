import type { GivenFile, PlacedFile } from "../../../shared/documents/files.ts";
import type { Uploaded } from "../../../shared/documents/upload.ts";
import { fileFaults, placedFiles } from "../../../shared/run/given-files.ts";
import type { Services } from "../../services/services.ts";
import { invalid } from "../http/body.ts";

/**
 * The files of a request, as they are stored.
 *
 * @throws {AppError} invalid
 */
export async function filesOf(
  { uploads }: Pick<Services, "uploads">,
  owner: string,
  given: readonly GivenFile[] = [],
): Promise<PlacedFile[]> {
  const ids = new Set(given.flatMap(({ upload }) => upload ?? []));
  const found = await Promise.all(
    [...ids].map(async (id) => [id, await uploads.find(owner, id)] as const),
  );
  const isThere = (entry: readonly [string, Uploaded | undefined]): entry is [string, Uploaded] =>
    entry[1] !== undefined;
  const known = new Map(found.filter(isThere));
  const faults = fileFaults(given, known);
  if (faults.length > 0) throw invalid(faults);
  return placedFiles(given, known);
}
