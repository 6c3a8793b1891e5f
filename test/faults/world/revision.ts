import { pathToFileURL } from "node:url";
import { HANDLERS } from "../../../functions/api/handlers.ts";
import { callOf } from "../../../functions/api/http/call.ts";
import { recordBuildStatus } from "../../../functions/attempts/record-build-status.ts";
import { submitBuild } from "../../../functions/attempts/submit-build.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import { servicesOn } from "../../../functions/cloud/open-services.ts";
import { readConfig } from "../../../functions/config.ts";
import type { Services } from "../../../functions/services/services.ts";
import { pubsubTrigger } from "../../../functions/trigger.ts";
import { OPERATIONS } from "../../../shared/api/operations.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Process } from "./process.ts";

/** The functions of this tree: what of them a world runs. */
export const PRESENT = {
  HANDLERS,
  callOf,
  OPERATIONS,
  AppError,
  recordBuildStatus,
  submitBuild,
  sweep,
  servicesOn,
  readConfig,
  pubsubTrigger,
};

/** The same of this or another revision. */
export type Revision = typeof PRESENT;

/** A process that serves one function of a revision. */
export interface Opened {
  process: Process;
  services: Services;
  revision: Revision;
}

/** Where each of them stands. */
const FILES = {
  HANDLERS: "functions/api/handlers.ts",
  callOf: "functions/api/http/call.ts",
  OPERATIONS: "shared/api/operations.ts",
  AppError: "shared/errors.ts",
  recordBuildStatus: "functions/attempts/record-build-status.ts",
  submitBuild: "functions/attempts/submit-build.ts",
  sweep: "functions/attempts/sweep.ts",
  servicesOn: "functions/cloud/open-services.ts",
  readConfig: "functions/config.ts",
  pubsubTrigger: "functions/trigger.ts",
} as const satisfies Record<keyof Revision, string>;

/**
 * The revision whose `functions/` and `shared/` lie in a folder, from which the packages of this
 * tree are found.
 */
export async function revisionIn(folder: string): Promise<Revision> {
  const entries = Object.entries(FILES).map(async ([name, file]) => {
    const module = (await import(pathToFileURL(`${folder}/${file}`).href)) as object;
    return [name, module[name as keyof typeof module]] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as unknown as Revision;
}
