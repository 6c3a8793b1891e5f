import type { Finding } from "../../../infra/doctor/check.ts";
import { accessOf } from "../../../infra/doctor/cloud/world.ts";
import { ofProject } from "../../../infra/doctor/doctor.ts";
import { DEPLOYED } from "../../support/deployment.ts";
import { type GoogleProject, googleProject } from "../../support/google-project.ts";

const HEALTHY: typeof fetch = async () => new Response('{"status":"ok"}');

/** What the doctor finds in a project. */
export function foundIn(
  google: Pick<GoogleProject, "request">,
  { isSaid = true, fetch = HEALTHY, now = Date.now } = {},
): Promise<Finding[]> {
  const { projectNumber: _number, ...settings } = DEPLOYED;
  const access = accessOf({ settings, isSaid, request: google.request, fetch, now });
  return Array.fromAsync(ofProject(access));
}

/** What is not as it must be in a project that was changed. */
export async function wrongAfter(change: (google: GoogleProject) => void): Promise<Finding[]> {
  const google = googleProject();
  change(google);
  return (await foundIn(google)).filter(({ state }) => state !== "ok");
}
