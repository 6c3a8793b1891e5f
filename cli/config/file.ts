import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Failure, systemReason, usageFault } from "../failure.ts";
import { oneLine } from "../terminal.ts";

/** A server that somebody has logged in to. */
interface Profile {
  /** The API's address with its version. */
  url: string;
  key: string;
}

/** The file of settings. */
export interface Config {
  /** The profile that is used if none is named. */
  current?: string;
  profiles: Record<string, Profile>;
}

/** Of a file that others than its user can read. */
const OTHERS = 0o077;

/** Where settings are kept: `~/.config/runyard/config.json`, or below `XDG_CONFIG_HOME`. */
export function configFile(env: Readonly<Record<string, string | undefined>>): string {
  const home = env["XDG_CONFIG_HOME"] || join(env["HOME"] || homedir(), ".config");
  return join(home, "runyard", "config.json");
}

/**
 * Reads the settings; none if there is no file.
 *
 * @throws {Failure} if others can read it, or it is not as it must be: the file and what to do are
 * named
 */
export function readConfig(file: string): Config {
  let text: string;
  try {
    const { mode } = statSync(file);
    if (process.platform !== "win32" && (mode & OTHERS) !== 0) {
      throw usageFault(`${file} holds keys, and others can read it: chmod 600 ${file}`);
    }
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Failure) throw error;
    if ((error as { code?: string }).code === "ENOENT") return { profiles: {} };
    throw usageFault(`${file} cannot be read: ${systemReason(error)}`, error);
  }
  return checked(text, file);
}

function checked(text: string, file: string): Config {
  const wrong = (what: string, cause?: unknown) =>
    usageFault(`${file} ${what}; mend it, or remove it and log in again`, cause);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong("is not JSON", error);
  }
  const { current, profiles } = (value ?? {}) as Partial<Config>;
  if (typeof profiles !== "object" || profiles === null) throw wrong('has no "profiles"');
  if (current !== undefined && typeof current !== "string") throw wrong('has a wrong "current"');
  for (const [name, profile] of Object.entries(profiles)) {
    if (typeof profile?.url !== "string" || typeof profile.key !== "string") {
      throw wrong(`has no "url" and "key" for the profile ${oneLine(name)}`);
    }
  }
  return { ...(current !== undefined && { current }), profiles };
}

/** Replaces the settings as a whole, readable by their user alone. */
export function writeConfig(file: string, config: Config): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
