import { BuildManifest, MANIFEST_LIMITS, Manifest } from "../../../shared/documents/manifest.ts";
import { describeFaults, validatorOf } from "../../../shared/schema/validate.ts";
import type { Objects } from "./objects.ts";

const validateOwn = validatorOf(BuildManifest);
const validateAny = validatorOf(Manifest);

/**
 * Creates the manifest, which makes the attempt's result final.
 *
 * @returns undefined if it is ours, else who was first.
 * @throws if it is not as its schema says, or the storage does not take it.
 */
export async function putManifest(
  objects: Objects,
  name: string,
  manifest: BuildManifest,
): Promise<string | undefined> {
  const content = withinBounds(manifest);
  if ((await objects.createOnce(name, content)) === "created") return undefined;
  const there = (await objects.read(name)).toString();
  // Ours: it was created, and only the acknowledgement was lost.
  if (there === content) return undefined;
  const read = validateAny(JSON.parse(there));
  if (!read.ok) return "an unreadable manifest";
  const found = read.value;
  return found.by === "seal" ? `a seal (${found.cause})` : `build ${found.buildId}`;
}

/** The manifest's text; changed files that do not fit are counted instead of listed. */
export function withinBounds<M extends BuildManifest>(manifest: M): string {
  const valid = validateOwn(manifest);
  if (!valid.ok) throw new Error(`the manifest is not valid: ${describeFaults(valid.faults)}`);
  let bounded = manifest;
  let content = JSON.stringify(bounded);
  while (Buffer.byteLength(content) > MANIFEST_LIMITS.bytes && bounded.changedFiles.length > 0) {
    const kept = bounded.changedFiles.slice(0, bounded.changedFiles.length >> 1);
    const moved = bounded.changedFiles.length - kept.length;
    const moreChangedFiles = bounded.moreChangedFiles + moved;
    bounded = { ...bounded, changedFiles: kept, moreChangedFiles };
    content = JSON.stringify(bounded);
  }
  return content;
}
