import { sha256 } from "../../../shared/hash.ts";
import { secretKindOf } from "../../../shared/triggers/change-trigger.ts";
import type { Trigger } from "../../../shared/triggers/trigger.ts";
import type { Services } from "../../services/services.ts";

/** A hook's secret: as it is shown, once, and as it is kept. */
interface HookSecret {
  shown: string;
  kept: string;
}

const BYTES = 32;

/** A new secret for a trigger's hook. */
export function newHookSecret(
  services: Pick<Services, "random" | "sealing">,
  trigger: Pick<Trigger, "id" | "source">,
): HookSecret {
  const bytes = Buffer.from(services.random(BYTES));
  const isStandard =
    trigger.source.kind === "webhook" && trigger.source.verify.scheme === "standard";
  const shown = isStandard ? `whsec_${bytes.toString("base64")}` : bytes.toString("base64url");
  return { shown, kept: keptSecret(services, trigger, shown) };
}

/** A secret as it is kept: sealed where it has to sign, else as its SHA-256. */
export function keptSecret(
  { sealing }: Pick<Services, "sealing">,
  trigger: Pick<Trigger, "id" | "source">,
  secret: string,
): string {
  if (secretKindOf(trigger) === "hash") return sha256(secret);
  return sealing.seal(secret, { document: `triggers/${trigger.id}`, field: "secrets" });
}
