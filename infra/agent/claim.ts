import { Ajv } from "ajv";
import { Claim } from "../../shared/manifest.ts";
import type { Objects } from "./objects.ts";

const isClaim = new Ajv({ strict: false }).compile<Claim>(Claim);

/**
 * Takes the attempt for this build: at most one build or seal ever does.
 *
 * @returns undefined if the attempt is ours, else who has it.
 * @throws if the storage cannot be asked; then nothing may start.
 */
export async function takeClaim(
  objects: Objects,
  name: string,
  buildId: string,
): Promise<string | undefined> {
  const claim: Claim = { by: "build", buildId };
  if ((await objects.createOnce(name, JSON.stringify(claim))) === "created") return undefined;
  const found: unknown = JSON.parse((await objects.read(name)).toString());
  if (!isClaim(found)) return "an unreadable claim";
  if (found.by === "seal") return `a seal (${found.cause})`;
  // Ours: it was created, and only the acknowledgement was lost.
  return found.buildId === buildId ? undefined : `build ${found.buildId}`;
}
