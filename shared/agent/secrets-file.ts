/**
 * The file that stands for Secret Manager on one machine, as an object: ids or names of versions,
 * and values.
 */
export const SECRETS_FILE = "secrets.json";

const VERSION_NAME = /^projects\/[^/]+\/secrets\/[^/]+\/versions\/[^/]+$/;
const SECRET_ID = /^[A-Za-z0-9_-]{1,255}$/;
/** What a version may hold. @see https://cloud.google.com/secret-manager/quotas */
const MAX_BYTES = 64 * 1024;
const EXAMPLE = '{"runyard-token": "its value"}';
/** Permissions that let others read or write. */
const OTHERS = 0o077;
/** The versions that a mere id stands for. */
const VERSIONS = ["1", "latest"];

/**
 * The values of secrets by `projects/P/secrets/S/versions/V`, from a {@link SECRETS_FILE}. A mere
 * id `S` in it stands for versions `1` and `latest` in `projectId`. `mode` is the file's, where a
 * system has such modes.
 *
 * @throws {Error} that says what the file must be, without a word of its values
 */
export function secretsIn(
  { path, mode = 0, content }: { path: string; mode?: number | undefined; content: string },
  projectId: string,
): Record<string, string> {
  if ((mode & OTHERS) !== 0) {
    throw new Error(`${path} may be read by others: chmod 600 ${path}`);
  }
  const entries = Object.entries(parseObject(path, content)).flatMap(([name, value]) => {
    const problem = problemOf(name, value);
    if (problem !== undefined) throw new Error(`${path}: ${problem}`);
    return namesOf(name, projectId).map((full) => [full, value as string] as const);
  });
  return Object.fromEntries(entries);
}

/** What to write into the file, so that it has `versionName`. */
export function secretsEntry(versionName: string, projectId: string): string {
  const [, project, , id = "", , version = ""] = versionName.split("/");
  const isOwn = project === projectId && VERSIONS.includes(version);
  return `{${JSON.stringify(isOwn ? id : versionName)}: "its value"}`;
}

function parseObject(path: string, text: string): object {
  let content: unknown;
  try {
    content = JSON.parse(text);
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
  return new TextEncoder().encode(value).length > MAX_BYTES
    ? `${name} has more than ${MAX_BYTES} bytes`
    : undefined;
}

const namesOf = (name: string, projectId: string): string[] =>
  VERSION_NAME.test(name)
    ? [name]
    : VERSIONS.map((version) => `projects/${projectId}/secrets/${name}/versions/${version}`);
