import type { TokenIssuer } from "../emulators/wire/id-tokens.ts";

const DOMAIN = "runyard-local.iam.gserviceaccount.com";
/** As whom Pub/Sub pushes. */
export const PUSH_ACCOUNT = `pubsub-push@${DOMAIN}`;
/** As whom Scheduler calls `sweep`. */
const SWEEP_ACCOUNT = `scheduler@${DOMAIN}`;

/**
 * What a function that is no API must know of who may call it; each has its own caller and
 * audience.
 */
export function triggerSettings(
  target: string,
  { url, certificatesUrl }: { url: string; certificatesUrl: string },
): Record<string, string> {
  return {
    RUNYARD_TRIGGER_AUTH: "oidc",
    RUNYARD_TRIGGER_AUDIENCE: url,
    RUNYARD_TRIGGER_ACCOUNTS: target === "sweep" ? SWEEP_ACCOUNT : PUSH_ACCOUNT,
    RUNYARD_TRIGGER_CERTIFICATES: certificatesUrl,
  };
}

/** Calls `sweep` as Cloud Scheduler does. */
export async function callSweep(url: string, issuer: TokenIssuer): Promise<void> {
  const token = issuer.tokenFor({ serviceAccountEmail: SWEEP_ACCOUNT, audience: url });
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: "POST", headers });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`sweep answered ${response.status}`);
}
