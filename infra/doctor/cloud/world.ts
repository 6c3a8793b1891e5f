import { typed } from "../../../cli/typed.ts";
import { type Names, namesOf } from "../../deploy/names.ts";
import { planOf } from "../../deploy/plan/plan.ts";
import type { Resource } from "../../deploy/resource.ts";
import type { DeploySettings } from "../../deploy/settings.ts";
import { type Google, googleOf, type Request } from "./google.ts";

/** A project before anything is known of it. */
export interface Access {
  settings: DeploySettings;
  /** Whether somebody said the settings; else they are defaults, and no image is known. */
  isSaid: boolean;
  /** Deploys with these settings. */
  deploy: string;
  request: Request;
  google: Google;
  /** Asks without credentials. */
  fetch: typeof fetch;
  /** Milliseconds since the epoch, by this machine. */
  now(): number;
}

/** A deployment as its tables say it must be. */
export interface Cloud extends Access {
  settings: DeploySettings & { projectNumber: string };
  names: Names;
  plan: readonly Resource[];
}

/** @param file the settings' file, where one was named */
export function accessOf(
  given: Pick<Access, "settings" | "isSaid" | "request" | "fetch" | "now">,
  file?: string,
): Access {
  const words = file === undefined ? ["deploy"] : ["deploy", "--settings", file];
  return {
    ...given,
    deploy: typed(words),
    google: googleOf(given.request, given.settings.project),
  };
}

export function cloudOf(access: Access, projectNumber: string): Cloud {
  const settings = { ...access.settings, projectNumber };
  return { ...access, settings, names: namesOf(settings), plan: planOf(settings) };
}

/** Resources of the plan of a class of Pulumi's. */
export const ofType = ({ plan }: Cloud, type: string): Resource[] =>
  plan.filter((resource) => resource.type === type);
