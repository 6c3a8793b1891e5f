import { createInterface } from "node:readline/promises";
import { usageFault } from "../../cli/failure.ts";
import { say } from "../../cli/terminal.ts";
import { setTarget } from "../capacity/capacity.ts";
import { costLines } from "./costs.ts";
import { assertEngine, type Order, perform } from "./engine.ts";
import { checkEnvironment } from "./environment.ts";
import { namesOf, UNKNOWN_NUMBER } from "./names.ts";
import { keptOf, planOf } from "./plan/plan.ts";
import { projectNumberOf, sealKeys, stateBucket } from "./project.ts";
import type { Resource } from "./resource.ts";
import { type DeploySettings, readSettings } from "./settings.ts";
import { planText } from "./show-plan.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** The options of both commands, as they were typed. */
export interface DeployFlags {
  settings?: string;
  dryRun?: boolean;
  yes?: boolean;
  deleteData?: boolean;
}

/**
 * Makes what the settings say in Google Cloud: shows what will change and what it costs, asks, and
 * does it.
 *
 * @returns false if the answer was no
 * @throws {Failure} with what is wrong and what to do
 */
export async function deploy(flags: DeployFlags, env: Variables): Promise<boolean> {
  const given = readSettings(flags.settings, env);
  checkEnvironment(given);
  if (flags.dryRun) {
    const settings = { ...given, projectNumber: given.projectNumber ?? UNKNOWN_NUMBER };
    say(planText(given, planOf(settings)));
    return true;
  }
  assertEngine(env);
  const { settings, order } = await prepared(given);
  await perform({ ...order, action: "preview" }, env);
  say(`\n${costLines(settings).join("\n")}`);
  if (!(flags.yes ?? (await agreed("Make this?")))) return false;
  await sealKeys(settings.project);
  await perform({ ...order, action: "up" }, env);
  const { project, buildRegion, slots } = settings;
  const counts = Object.entries(slots).map(([type, count]) => `${type}=${count}`);
  await setTarget("default", counts, { project, location: buildRegion });
  sayNext(settings);
  return true;
}

/**
 * Removes what {@link deploy} has made; documents, objects, images and the model's key stay unless
 * it is told otherwise, the keys that seal in any case.
 *
 * @returns false if the answer was no
 */
export async function destroy(flags: DeployFlags, env: Variables): Promise<boolean> {
  const given = readSettings(flags.settings, env);
  assertEngine(env);
  const { order } = await prepared(given);
  const data = order.resources.filter(({ isData }) => isData).map(({ name }) => name);
  say(
    flags.deleteData
      ? `DATA IS DELETED, for good: ${data.join(", ")}.`
      : `Kept: ${data.join(", ")}. --delete-data removes them, too.`,
  );
  if (!(flags.yes ?? (await agreed(`Remove everything else of ${given.project}?`)))) return false;
  // What is in no plan any longer is removed; what is kept, the next deploy goes on with.
  const resources = flags.deleteData ? order.resources.map(unprotected) : keptOf(order.resources);
  await perform({ ...order, resources, action: "up" }, env);
  if (flags.deleteData) await perform({ ...order, resources, action: "destroy" }, env);
  return true;
}

async function prepared(
  given: DeploySettings,
): Promise<{ settings: DeploySettings & { projectNumber: string }; order: Omit<Order, "action"> }> {
  const projectNumber = given.projectNumber ?? (await projectNumberOf(given.project));
  const settings = { ...given, projectNumber };
  const backend = await stateBucket(settings);
  const { project } = settings;
  return { settings, order: { backend, project, resources: planOf(settings) } };
}

/** The same, but nothing holds it against being deleted. */
function unprotected(resource: Resource): Resource {
  const free = FREE[resource.type];
  return free === undefined ? resource : { ...resource, args: { ...resource.args, ...free } };
}

const FREE: Readonly<Record<string, Resource["args"]>> = {
  "firestore.Database": {
    deleteProtectionState: "DELETE_PROTECTION_DISABLED",
    deletionPolicy: "DELETE",
  },
  "storage.Bucket": { forceDestroy: true },
};

/** @throws {Failure} where nobody can answer */
async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw usageFault("There is no terminal to ask at: say --yes");
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

function sayNext(settings: DeploySettings & { projectNumber: string }): void {
  const { project, modelKeySecret } = settings;
  say(`
The API is ${namesOf(settings).urlOf("api")}/v1. What is left, once:
  gcloud secrets versions add ${modelKeySecret} --project ${project} --data-file=FILE
  npx runyard keys create --project ${project} --owner YOU --scope run`);
}
