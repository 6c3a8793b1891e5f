import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Storage } from "@google-cloud/storage";
import { usageFault } from "../../cli/failure.ts";
import { DEFAULT_STATE } from "../../cli/typed.ts";
import { readSettings, SETTINGS_FILE, variableOf } from "../deploy/settings.ts";
import { knownPorts } from "../local/ports.ts";
import { secretsFile } from "../local/secrets.ts";
import { examined, type Finding } from "./check.ts";
import { ACCESS_CHECKS, projectNumberOf } from "./cloud/access.ts";
import { CLOUD_CHECKS } from "./cloud/checks.ts";
import type { Answer, Request } from "./cloud/google.ts";
import { type Access, accessOf, cloudOf } from "./cloud/world.ts";
import { LOCAL_CHECKS } from "./local/checks.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** The options of the command, as they were typed. */
export interface DoctorFlags {
  state?: string;
  project?: string;
  settings?: string;
}

const CALL_MS = 20_000;
/** Stands for an image of which nothing was said. */
const NO_IMAGE = `none/none@sha256:${"0".repeat(64)}`;

/**
 * Looks at everything that Runyard needs, on this machine or in a project of Google Cloud, and
 * changes nothing.
 *
 * @throws {Failure} if options or settings are not as they must be
 */
export function diagnosed(flags: DoctorFlags, env: Variables): AsyncGenerator<Finding> {
  const { state, project, settings } = flags;
  if (project === undefined && settings === undefined) return ofMachine(state || DEFAULT_STATE);
  if (state !== undefined) throw usageFault("--state is for a local server: leave it out");
  return ofProject(givenAccess(flags, env));
}

function ofMachine(state: string): AsyncGenerator<Finding> {
  const directory = resolve(state);
  const secrets = secretsFile(directory);
  return examined(LOCAL_CHECKS, { state, directory, secrets, ports: knownPorts, fetch });
}

/** What there must be first; where all of that is there, every part of the deployment. */
export async function* ofProject(access: Access): AsyncGenerator<Finding> {
  let isOpen = true;
  for await (const finding of examined(ACCESS_CHECKS, access)) {
    const { isNeeded } = ACCESS_CHECKS.find(({ name }) => name === finding.check) ?? {};
    if (isNeeded && finding.state === "fault") isOpen = false;
    yield finding;
  }
  if (!isOpen) return;
  yield* examined(CLOUD_CHECKS, cloudOf(access, await projectNumberOf(access)));
}

/** @throws {Failure} if the settings are about another project, or not as they must be */
function givenAccess({ project, settings: file }: DoctorFlags, env: Variables): Access {
  const isSaid =
    file !== undefined || existsSync(SETTINGS_FILE) || env[variableOf("image")] !== undefined;
  const unsaid = {
    ...(project !== undefined && { project }),
    ...(!isSaid && { image: NO_IMAGE, runnerImage: NO_IMAGE }),
  };
  const settings = readSettings(file, env, unsaid);
  if (project !== undefined && settings.project !== project) {
    throw usageFault(
      `The settings are about the project ${settings.project}, not ${project}: name others with --settings FILE.`,
    );
  }
  const request = requestOf(settings.project);
  return accessOf({ settings, isSaid, request, fetch, now: Date.now }, file);
}

/**
 * Google's REST APIs with whoever is signed in here; the project's own quota is what calls count
 * on.
 */
function requestOf(projectId: string): Request {
  const { authClient } = new Storage({ projectId });
  return async ({ url, method = "GET", data }): Promise<Answer> => {
    const answer = await authClient.request<unknown>({
      url,
      method,
      ...(data !== undefined && { data }),
      headers: { "x-goog-user-project": projectId },
      timeout: CALL_MS,
      validateStatus: () => true,
    });
    return { status: answer.status, data: answer.data, date: answer.headers.get("date") };
  };
}
