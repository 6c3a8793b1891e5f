import { type Check, fault, type Look, ok, Unseen, warning } from "../check.ts";
import { type Answer, enabling, refusalOf, SIGN_IN } from "./google.ts";
import type { Access } from "./world.ts";

/** Seconds by which clocks may differ before it is worth a word, */
const SKEW_SECONDS = 5;
/** … and before tokens may be refused, which are good for so long before they are made. */
const MOST_SKEW_SECONDS = 60;

const projectUrl = (project: string): string =>
  `https://cloudresourcemanager.googleapis.com/v3/projects/${project}`;

interface Project {
  /** `projects/NUMBER` */
  name: string;
  state: string;
}

/** What there must be before a project can be looked at. */
export const ACCESS_CHECKS: readonly Check<Access>[] = [
  { name: "credentials", look: lookAtCredentials, remedy: () => SIGN_IN, isNeeded: true },
  {
    name: "project",
    look: lookAtProject,
    remedy: ({ settings: { project } }) =>
      enabling(["cloudresourcemanager.googleapis.com"], project),
    isNeeded: true,
  },
  { name: "settings", look: lookAtSettings, remedy: ({ deploy }) => `${deploy} --dry-run` },
  { name: "clock", look: lookAtClock, remedy: () => "sudo timedatectl set-ntp true" },
];

/** Something else than "who are you" is answered. @throws if there are no credentials at all */
async function lookAtCredentials({ request, settings }: Access): Promise<Look> {
  const { status } = await request({ url: projectUrl(settings.project) });
  return status === 401
    ? fault("Google does not take the credentials that are here")
    : ok("Google takes the credentials that are here");
}

/**
 * The project's number, which names what is deployed. @throws {Unseen} if it cannot be looked up
 */
export async function projectNumberOf({ google, settings }: Access): Promise<string> {
  const project = (await google.get(projectUrl(settings.project))) as Project | undefined;
  if (project !== undefined) return project.name.replace("projects/", "");
  throw new Unseen(`there is no project ${settings.project}`, {
    remedy: `gcloud projects create ${settings.project}`,
  });
}

async function lookAtProject(access: Access): Promise<Look> {
  const { google, settings } = access;
  const number = await projectNumberOf(access);
  const { state } = (await google.get(projectUrl(settings.project))) as Project;
  if (state !== "ACTIVE") {
    const mend = `gcloud projects undelete ${settings.project}`;
    return fault(`${settings.project} is ${state}`, mend);
  }
  if (settings.projectNumber !== undefined && settings.projectNumber !== number) {
    const mend = "take projectNumber out of the settings, or correct it";
    return fault(`${settings.project} has the number ${number}, the settings say another`, mend);
  }
  return ok(`${settings.project}, number ${number}`);
}

function lookAtSettings({ isSaid, settings }: Access): Look {
  const { region, buildRegion } = settings;
  const where = `region ${region}, builds in ${buildRegion}`;
  return isSaid
    ? ok(where)
    : warning(`there are none: held against the defaults (${where}), without images and variables`);
}

async function lookAtClock({ request, settings, now }: Access): Promise<Look> {
  const sentAt = now();
  const answer = await request({ url: projectUrl(settings.project) });
  if (answer.status >= 500) throw refusalOf(answer, settings.project);
  return clockLook(answer, { sentAt, gotAt: now() });
}

/** What Google's clock says, against the middle of the call by this machine's. */
export function clockLook(
  { date }: Pick<Answer, "date">,
  { sentAt, gotAt }: { sentAt: number; gotAt: number },
): Look {
  const there = Date.parse(date ?? "");
  if (Number.isNaN(there)) return warning("Google's answer does not say what time it is");
  // Whole seconds, cut off.
  const skew = ((sentAt + gotAt) / 2 - (there + 500)) / 1000;
  const by = `${Math.abs(skew).toFixed(1)} s ${skew > 0 ? "ahead of" : "behind"} Google's`;
  if (Math.abs(skew) > MOST_SKEW_SECONDS) return fault(`this machine's clock is ${by}`);
  return Math.abs(skew) > SKEW_SECONDS ? warning(`this machine's clock is ${by}`) : ok(by);
}
