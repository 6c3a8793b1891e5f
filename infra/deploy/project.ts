import { Storage } from "@google-cloud/storage";
import { Failure } from "../../cli/failure.ts";

/** ALREADY_EXISTS, over HTTP. */
const CONFLICT = 409;

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
