import { randomUUID } from "node:crypto";
import { Claim } from "../../../shared/documents/manifest.ts";
import { validatorOf } from "../../../shared/schema/validate.ts";
import type { Objects } from "./objects.ts";

const validateClaim = validatorOf(Claim);

/**
 * Takes the attempt for this build: at most one build or seal ever does.
 *
 * @returns undefined if the attempt is ours, else who has it.
 * @throws if the storage cannot be asked; then nothing may start.
 */
export async function takeClaim(
  objects: Pick<Objects, "createOnce" | "read">,
  name: string,
  buildId: string,
): Promise<string | undefined> {
  const claim = { by: "build", buildId, runner: randomUUID() } satisfies Claim;
  if ((await objects.createOnce(name, JSON.stringify(claim))) === "created") return undefined;
  const read = validateClaim(JSON.parse((await objects.read(name)).toString()));
  if (!read.ok) return "an unreadable claim";
  const found = read.value;
  if (found.by === "seal") return `a seal (${found.cause})`;
  // Ours: it was created, and only the acknowledgement was lost.
  if (found.buildId === buildId && found.runner === claim.runner) return undefined;
  return `build ${found.buildId}`;
}
