import { readFile, stat } from "node:fs/promises";
import { secretsEntry, secretsIn } from "../../shared/agent/secrets-file.ts";
import type { KnownSecrets } from "../services/secrets.ts";

/**
 * @param secretsFile the file that stands for Secret Manager; undefined: Google's is asked by
 * builds alone
 */
export const openKnownSecrets = (
  secretsFile: string | undefined,
  projectId: string,
): KnownSecrets => (secretsFile === undefined ? SECRET_MANAGER : inFile(secretsFile, projectId));

const SECRET_MANAGER: KnownSecrets = {
  faultOf: async () => undefined,
  howToAdd(versionName) {
    const [, project, , id] = versionName.split("/");
    const create = `gcloud secrets create ${id} --project=${project} --data-file=FILE`;
    return `add it with \`${create}\`, or a version of it with \`${create.replace("create", "versions add")}\``;
  },
};

/** Looks at the file each time: it may be changed while the server runs. */
function inFile(path: string, projectId: string): KnownSecrets {
  const howToAdd = (versionName: string): string =>
    `add ${secretsEntry(versionName, projectId)} to ${path} (chmod 600)`;
  return {
    howToAdd,
    async faultOf(versionName) {
      try {
        const secrets = await readSecrets(path, projectId);
        if (Object.hasOwn(secrets, versionName)) return undefined;
      } catch (error) {
        return (error as Error).message;
      }
      return `is not there: ${howToAdd(versionName)}`;
    },
  };
}

/** Of a file that is not there: none. */
async function readSecrets(path: string, projectId: string): Promise<Record<string, string>> {
  try {
    const mode = process.platform === "win32" ? undefined : (await stat(path)).mode;
    return secretsIn({ path, mode, content: await readFile(path, "utf8") }, projectId);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

/** Finds a secret's value in the file that stands for Secret Manager; without one, nothing. */
export const secretsOf =
  (secretsFile: string | undefined, projectId: string) =>
  async (versionName: string): Promise<string | undefined> => {
    if (secretsFile === undefined) return undefined;
    try {
      return (await readSecrets(secretsFile, projectId))[versionName];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  };
