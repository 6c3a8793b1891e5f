import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { quoted } from "../../../cli/typed.ts";

/** The version of the state directory's format that is written here. */
const FORMAT_VERSION = 1;

/** The file that says that a directory is ours, and in which version. */
export const FORMAT_FILE = "format.json";

/** What {@link FORMAT_FILE} becomes while the directory is being cleared. */
export const CLEARING_FILE = "clearing.json";

const FORMAT_NAME = "runyard-state";

/**
 * What a start leaves that did not get as far as the format file, and what a person may put there
 * before the first one.
 */
const BLANK_FILES = [
  "lock.db",
  "lock.db-journal",
  `${FORMAT_FILE}.new`,
  "probe.new",
  "secrets.json",
];

/**
 * The step at `N` takes a directory from version N to N + 1. It may be repeated if it did not end.
 */
type MigrationSteps = Record<number, (path: string) => void>;

/** There has been one version so far. */
const CURRENT: { version: number; steps: MigrationSteps } = { version: FORMAT_VERSION, steps: {} };

/** A directory that cannot be used as a state directory, with what to do instead. */
export class UnusableState extends Error {
  override readonly name = "UnusableState";
}

/** What a path holds. `blank`: nothing, or what a start left that was broken off at once. */
export type StateFormat =
  | { kind: "absent" | "blank" | "foreign" | "clearing" }
  | { kind: "state"; version: number };

/**
 * Looks at a path and changes nothing.
 *
 * @throws {UnusableState} if it is no directory, may not be read, or its format file is damaged
 */
export function readFormat(path: string): StateFormat {
  const names = listDirectory(path);
  if (names === undefined) return { kind: "absent" };
  if (names.includes(FORMAT_FILE)) return parseFormat(readFileSync(join(path, FORMAT_FILE)), path);
  if (names.includes(CLEARING_FILE)) return { kind: "clearing" };
  return { kind: names.every((name) => BLANK_FILES.includes(name)) ? "blank" : "foreign" };
}

/** What the bytes of a format file say; `path` is for the error. @throws {UnusableState} */
export function parseFormat(bytes: Uint8Array, path: string): StateFormat {
  let content: unknown;
  try {
    content = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new UnusableState(`${path}: its ${FORMAT_FILE} is damaged: it is no JSON`, { cause });
  }
  const { format, version } = (content ?? {}) as { format?: unknown; version?: unknown };
  if (format !== FORMAT_NAME) return { kind: "foreign" };
  if (typeof version === "number" && Number.isInteger(version) && version >= 1) {
    return { kind: "state", version };
  }
  throw new UnusableState(`${path}: its ${FORMAT_FILE} is damaged: it has no version`);
}

/** Refuses a version that was written by a later Runyard. @throws {UnusableState} */
export function refuseNewer(path: string, version: number, newest = FORMAT_VERSION): void {
  if (version <= newest) return;
  throw new UnusableState(
    `${path} has format version ${version}, and this Runyard knows versions up to ${newest}. ` +
      "Use a Runyard at least as new as the one that wrote it, or choose another directory with --state DIR.",
  );
}

/**
 * Refuses what must not become a state directory, before anything is written there. @throws
 * {UnusableState}
 */
export function refuseUnusable(path: string, format: StateFormat, newest = FORMAT_VERSION): void {
  if (format.kind === "state") refuseNewer(path, format.version, newest);
  if (format.kind === "foreign") {
    throw new UnusableState(
      `${path} is not empty and no state directory of Runyard (it has no ${FORMAT_FILE}). ` +
        "Choose a new or empty directory with --state DIR.",
    );
  }
  if (format.kind === "clearing") {
    throw new UnusableState(
      `${path} was being cleared when that was broken off. Finish with: npx runyard state clear --state ${quoted(path)}`,
    );
  }
}

/**
 * Makes a directory one of this version: a blank one gets its format file, an older one is migrated
 * step by step. Call only while nobody else uses it.
 *
 * @throws {UnusableState}
 */
export function bringUpToDate(path: string, current = CURRENT): void {
  const format = readFormat(path);
  refuseUnusable(path, format, current.version);
  if (format.kind !== "state") {
    writeFormat(path, current.version);
    return;
  }
  for (let { version } = format; version < current.version; version += 1) {
    const step = current.steps[version];
    if (step === undefined) {
      throw new UnusableState(`${path} has format version ${version}, which is no longer read`);
    }
    step(path);
    writeFormat(path, version + 1);
  }
}

/** Writes a file whole or, whatever happens, not at all. `mode` is for a file that is new. */
export function writeWhole(path: string, content: string, mode = 0o600): void {
  const draft = `${path}.new`;
  try {
    writeFileSync(draft, content, { mode });
    renameSync(draft, path);
  } catch (error) {
    if (existsSync(draft)) rmSync(draft);
    throw error;
  }
}

/** The content of {@link FORMAT_FILE} in a version. */
export function formatText(version: number): string {
  return `${JSON.stringify({ format: FORMAT_NAME, version })}\n`;
}

function writeFormat(path: string, version: number): void {
  writeWhole(join(path, FORMAT_FILE), formatText(version));
}

function listDirectory(path: string): string[] | undefined {
  try {
    return readdirSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ENOTDIR") {
      throw new UnusableState(`${path} is a file, not a directory`, { cause });
    }
    throw new UnusableState(`${path} cannot be read: ${message}`, { cause });
  }
}
