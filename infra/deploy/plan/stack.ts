import type { Names } from "../names.ts";
import type { DeploySettings } from "../settings.ts";

/** What every part of the plan is made of. */
export interface Stack {
  settings: DeploySettings & { projectNumber: string };
  names: Names;
}
