import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** In the state directory: what stands for Secret Manager on this machine. */
const SECRETS_FILE = "secrets.json";

const VERSION_NAME = /^projects\/[^/]+\/secrets\/[^/]+\/versions\/[^/]+$/;
const SECRET_ID = /^[A-Za-z0-9_-]{1,255}$/;
/** Permissions that let others read or write. */
const OTHERS = 0o077;
/** What a version may hold. @see https://cloud.google.com/secret-manager/quotas */
const MAX_BYTES = 64 * 1024;
const EXAMPLE = '{"runyard-token": "its value"}';

/**
 * The values of secrets by `projects/P/secrets/S/versions/V`, from the file of a state directory; none if
 * there is no such file. A mere id `S` in it stands for versions `1` and `latest` in `projectId`.
 *
 * @throws {Error} that says what to do, if the file is readable by others or not as it must be.
 */
export function readSecrets(directory: string, projectId: string): Record<string, string> {
  const path = join(directory, SECRETS_FILE);
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return {};
  if (process.platform !== "win32" && (status.mode & OTHERS) !== 0) {
    throw new Error(`${path} may be read by others: chmod 600 ${path}`);
  }
  const entries = Object.entries(parseObject(path)).flatMap(([name, value]) => {
    const problem = problemOf(name, value);
    if (problem !== undefined) throw new Error(`${path}: ${problem}`);
    return namesOf(name, projectId).map((full) => [full, value as string] as const);
  });
  return Object.fromEntries(entries);
}

function parseObject(path: string): object {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    // The parser's own message quotes the file.
    throw new Error(`${path} is not JSON; it must be like ${EXAMPLE}`, { cause });
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new Error(`${path} must be an object like ${EXAMPLE}`);
  }
  return content;
}

function problemOf(name: string, value: unknown): string | undefined {
  if (!VERSION_NAME.test(name) && !SECRET_ID.test(name)) {
    return `${JSON.stringify(name)} is neither the id of a secret nor projects/P/secrets/S/versions/V`;
  }
  if (typeof value !== "string") return `the value of ${name} must be a string`;
  if (value.includes("\0")) return `the value of ${name} cannot be a variable: it has a NUL in it`;
  return Buffer.byteLength(value) > MAX_BYTES
    ? `${name} has more than ${MAX_BYTES} bytes`
    : undefined;
}

const namesOf = (name: string, projectId: string): string[] =>
  VERSION_NAME.test(name)
    ? [name]
    : ["1", "latest"].map((version) => `projects/${projectId}/secrets/${name}/versions/${version}`);
