import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { SECRETS_FILE, secretsIn } from "../../shared/agent/secrets-file.ts";

/** In the state directory: what stands for Secret Manager on this machine. */
export const secretsFile = (directory: string): string => join(directory, SECRETS_FILE);

/**
 * The values of secrets by `projects/P/secrets/S/versions/V`, from the file of a state directory as
 * it is now; none if there is no such file.
 *
 * @throws {Error} that says what to do, if the file is readable by others or not as it must be.
 */
export function readSecrets(directory: string, projectId: string): Record<string, string> {
  const path = secretsFile(directory);
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return {};
  const mode = process.platform === "win32" ? undefined : status.mode;
  return secretsIn({ path, mode, content: readFileSync(path, "utf8") }, projectId);
}
