import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { systemReason, unreachable, usageFault } from "../failure.ts";
import { readKey, runningServer } from "../local-server.ts";
import { oneLine } from "../terminal.ts";
import { DEFAULT_STATE, type PlaceFlags, typed } from "../typed.ts";
import { type Config, configFile, readConfig } from "./file.ts";

/** What a command is started with, beside its arguments. */
export interface Context {
  env: Readonly<Record<string, string | undefined>>;
}

/** Where requests go, with which key, and who said so. */
export interface Connection {
  url: string;
  key: string;
  /** For a person: what named the address, and what the key. */
  urlFrom: string;
  keyFrom: string;
  /** Of a local server: its state directory. It has another address after each start. */
  directory?: string | undefined;
}

/** Something that names a server, perhaps with its key. */
interface Place {
  url: string;
  from: string;
  key?: string | undefined;
  keyFrom?: string;
  directory?: string;
}

/**
 * Finds the server: what flags say counts more than what variables say, and that more than the file
 * of settings; without all of these it is the local server of the state directory. A key that was
 * made for one server is sent to no other by itself.
 *
 * @throws {Failure} if there is no server, or no key for it
 */
export function connectionOf(flags: PlaceFlags, { env }: Context): Connection {
  refuseTwoPlaces(flags);
  const file = configFile(env);
  const isEnough = flags.state !== undefined || (flags.url ?? env["RUNYARD_URL"]) !== undefined;
  // A file that is not needed is no reason to fail.
  const config = isEnough ? quietly(file) : readConfig(file);
  const place = placeOf(flags, { env, config, file });
  const key = keyOf(place, flags, env) ?? knownKey(place, config, file);
  if (key === undefined) {
    throw unreachable(
      `There is no key for ${place.url} (from ${place.from}). Set RUNYARD_KEY, name a file with --key-file, or log in: ${typed(["login", place.url])}`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(key.key)) {
    throw unreachable(`What ${key.keyFrom} has is no key: one looks like ry_… and is one word`);
  }
  const { url, from, directory } = place;
  return { url, urlFrom: from, directory, ...key };
}

function refuseTwoPlaces({ url, profile, state }: PlaceFlags): void {
  const given = Object.entries({ "--url": url, "--profile": profile, "--state": state })
    .filter(([, value]) => value !== undefined)
    .map(([flag]) => flag);
  if (given.length > 1) throw usageFault(`${given.join(" and ")}: say one of them`);
}

function quietly(file: string): Config {
  try {
    return readConfig(file);
  } catch {
    return { profiles: {} };
  }
}

interface Sources {
  env: Context["env"];
  config: Config;
  file: string;
}

function placeOf(flags: PlaceFlags, { env, config, file }: Sources): Place {
  const { RUNYARD_URL: url, RUNYARD_PROFILE: profile } = env;
  if (flags.url !== undefined) return { url: apiUrl(flags.url, "--url"), from: "--url" };
  if (flags.state !== undefined) return localPlace(flags.state, true);
  if (flags.profile !== undefined)
    return profilePlace({ name: flags.profile, by: "--profile" }, config, file);
  if (url) return { url: apiUrl(url, "RUNYARD_URL"), from: "RUNYARD_URL" };
  if (profile) return profilePlace({ name: profile, by: "RUNYARD_PROFILE" }, config, file);
  if (config.current !== undefined)
    return profilePlace({ name: config.current, by: "current" }, config, file);
  return localPlace(DEFAULT_STATE, false);
}

/**
 * @param said a profile's name, and where it was said, which is part of what may be wrong with it
 */
function profilePlace(
  { name, by }: { name: string; by: string },
  { profiles }: Config,
  file: string,
): Place {
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile === undefined) {
    const known = Object.keys(profiles).map(oneLine).join(", ") || "none";
    throw usageFault(
      `${by}: there is no profile ${oneLine(name)} in ${file} (there is: ${known}). Make it: ${typed(["login", "URL"], { profile: name })}`,
    );
  }
  const from = `the profile ${oneLine(name)} in ${file}`;
  return { url: apiUrl(profile.url, from), from, key: profile.key, keyFrom: from };
}

function localPlace(state: string, isGiven: boolean): Place {
  const directory = resolve(state);
  const server = runningServer(directory);
  const key = readKey(directory);
  if (server === undefined || key === undefined) {
    const start = `Start one with: ${typed(["start"], { state })}`;
    const other = isGiven ? "" : `\nOr log in to one elsewhere: ${typed(["login", "URL"])}`;
    throw unreachable(`No server runs on ${directory}. ${start}${other}`);
  }
  return {
    url: server.apiUrl,
    from: `${directory}/server.json`,
    key,
    keyFrom: `${directory}/key`,
    directory,
  };
}

/**
 * An address as it was typed, with the API's version.
 *
 * @throws {Failure} if it is none
 */
export function apiUrl(text: string, saidBy: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw usageFault(`${saidBy}: ${oneLine(text)} is no address; ${EXAMPLE}`, error);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw usageFault(`${saidBy}: ${oneLine(text)} begins neither with http:// nor https://`);
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw usageFault(`${saidBy}: an address has no user, password, ? or #; ${EXAMPLE}`);
  }
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.origin}${path === "" ? "/v1" : path}`;
}

const EXAMPLE = "one looks like https://runyard.example.com";

type Key = Pick<Connection, "key" | "keyFrom">;

/** The key that is said, or that belongs to what was said. */
function keyOf(place: Place, flags: PlaceFlags, env: Context["env"]): Key | undefined {
  if (flags.keyFile !== undefined) return keyOfFile(flags.keyFile);
  const own =
    place.key === undefined ? undefined : { key: place.key, keyFrom: place.keyFrom ?? "" };
  const isFlag = flags.state !== undefined || flags.profile !== undefined;
  if (isFlag && own) return own;
  const said = env["RUNYARD_KEY"];
  if (said) return { key: said.trim(), keyFrom: "RUNYARD_KEY" };
  return own;
}

function keyOfFile(file: string): Key {
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8").trim();
  } catch (error) {
    throw usageFault(`--key-file ${file} cannot be read: ${systemReason(error)}`, error);
  }
  if (text === "") throw usageFault(`--key-file ${file} is empty; it must hold the key alone`);
  return { key: text, keyFrom: `--key-file ${file}` };
}

/** The key of who has logged in to this address, or of the local server that is at it. */
function knownKey({ url }: Place, { profiles }: Config, file: string): Key | undefined {
  for (const [name, profile] of Object.entries(profiles)) {
    if (profile.url === url)
      return { key: profile.key, keyFrom: `the profile ${oneLine(name)} in ${file}` };
  }
  const directory = resolve(DEFAULT_STATE);
  const key = readKey(directory);
  if (key === undefined || runningServer(directory)?.apiUrl !== url) return undefined;
  return { key, keyFrom: `${directory}/key` };
}
