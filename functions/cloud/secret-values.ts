import type { GoogleAuth } from "google-auth-library";
import { DELIVERY } from "../../shared/delivery/limits.ts";
import { DeliveryFault } from "../services/repository-host.ts";
import type { KnownSecrets, SecretValues } from "../services/secrets.ts";
import { secretsOf } from "./known-secrets.ts";

type Requester = Pick<GoogleAuth, "request">;

interface Options {
  /** The file that stands for Secret Manager; undefined: Google's is asked. */
  secretsFile: string | undefined;
  projectId: string;
  known: KnownSecrets;
  /** Default: as the process's account. */
  requester?: () => Promise<Requester>;
  /** Default: Google's. */
  origin?: string;
}

/** @see https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access */
export const openSecretValues = (options: Options): SecretValues => ({
  async read(versionName) {
    const { secretsFile, projectId, known } = options;
    const value =
      secretsFile === undefined
        ? await inSecretManager(versionName, options)
        : await secretsOf(secretsFile, projectId)(versionName);
    if (value !== undefined) return value;
    throw new DeliveryFault(
      `The secret ${versionName} is not there: ${known.howToAdd(versionName)}.`,
    );
  },
});

const GOOGLES = "https://secretmanager.googleapis.com";

async function inSecretManager(
  versionName: string,
  { requester = ownRequester, origin = GOOGLES }: Options,
): Promise<string | undefined> {
  const url = `${origin}/v1/${versionName}:access`;
  try {
    const auth = await requester();
    const { data } = await auth.request<{ payload?: { data?: string } }>({
      ...{ url, timeout: DELIVERY.call * 1000, retry: false },
    });
    return Buffer.from(data.payload?.data ?? "", "base64").toString("utf8");
  } catch (cause) {
    const { status } = cause as { status?: number };
    if (status === 404) return undefined;
    if (status === 403) {
      throw new DeliveryFault(
        `The function deliver may not read the secret ${versionName}: the operator gives its account roles/secretmanager.secretAccessor on it.`,
        { cause },
      );
    }
    throw new DeliveryFault(`The secret ${versionName} cannot be read now.`, {
      cause,
      retryAfterSeconds: 0,
    });
  }
}

async function ownRequester(): Promise<Requester> {
  const { GoogleAuth } = await import("google-auth-library");
  return new GoogleAuth({ scopes: "https://www.googleapis.com/auth/cloud-platform" });
}
