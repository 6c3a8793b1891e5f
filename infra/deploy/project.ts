import { randomBytes } from "node:crypto";
import { Storage } from "@google-cloud/storage";
import { Failure } from "../../cli/failure.ts";
import { SEAL_SECRET } from "./names.ts";

/** ALREADY_EXISTS, over HTTP. */
const CONFLICT = 409;
const NOT_FOUND = 404;

const describe = (error: unknown): string => (error as Error).message;

/**
 * Looks the project's number up.
 *
 * @throws {Failure} with what mends it
 */
export async function projectNumberOf(project: string): Promise<string> {
  const storage = new Storage({ projectId: project });
  const url = `https://cloudresourcemanager.googleapis.com/v3/projects/${project}`;
  try {
    const { data } = await storage.authClient.request<{ name: string }>({ url });
    return data.name.replace("projects/", "");
  } catch (error) {
    throw new Failure(
      `The number of ${project} cannot be looked up: ${describe(error)}\nSign in with \`gcloud auth application-default login\` and turn the API on with \`gcloud services enable cloudresourcemanager.googleapis.com --project ${project}\`, or say the setting projectNumber.`,
      { cause: error },
    );
  }
}

/**
 * Makes the bucket of Pulumi's state, unless it is there: nothing can be made before it.
 *
 * @returns its address
 * @throws {Failure} with what mends it
 */
export async function stateBucket({
  project,
  region,
}: {
  project: string;
  region: string;
}): Promise<string> {
  const name = `${project}-runyard-state`;
  try {
    await new Storage({ projectId: project }).createBucket(name, {
      location: region,
      versioning: { enabled: true },
      iamConfiguration: {
        uniformBucketLevelAccess: { enabled: true },
        publicAccessPrevention: "enforced",
      },
    });
  } catch (error) {
    if ((error as { code?: unknown }).code !== CONFLICT) {
      throw new Failure(`The bucket ${name} of the state cannot be made: ${describe(error)}`, {
        cause: error,
      });
    }
  }
  return `gs://${name}`;
}

/** A request to one of Google's services, as whoever deploys. */
type Ask = (request: { url: string; method?: "POST"; data?: object }) => Promise<unknown>;

/**
 * Makes the secret with the keys that seal, and its first key, unless there is one. Not of the
 * stack, whose state would have the key.
 *
 * @throws {Failure} with what mends it
 */
export async function sealKeys(project: string, ask: Ask = asDeployer(project)): Promise<void> {
  const parent = `https://secretmanager.googleapis.com/v1/projects/${project}/secrets`;
  const secret = `${parent}/${SEAL_SECRET}`;
  try {
    const data = { replication: { automatic: {} } };
    await unlessCode(CONFLICT, () =>
      ask({ url: `${parent}?secretId=${SEAL_SECRET}`, method: "POST", data }),
    );
    if (await unlessCode(NOT_FOUND, () => ask({ url: `${secret}/versions/latest` }))) return;
    const payload = { data: Buffer.from(randomBytes(32).toString("base64")).toString("base64") };
    await ask({ url: `${secret}:addVersion`, method: "POST", data: { payload } });
  } catch (error) {
    throw new Failure(
      `The secret ${SEAL_SECRET} cannot be made: ${describe(error)}\nTurn the API on with \`gcloud services enable secretmanager.googleapis.com --project ${project}\`, and have the role Secret Manager Admin.`,
      { cause: error },
    );
  }
}

function asDeployer(project: string): Ask {
  const { authClient } = new Storage({ projectId: project });
  return (request) => authClient.request(request);
}

/** False if it was answered with the code. */
async function unlessCode(code: number, act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    const { code: given, status } = error as { code?: unknown; status?: unknown };
    if (status === code || Number(given) === code) return false;
    throw error;
  }
}
