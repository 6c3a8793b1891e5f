import { accessSync, constants, existsSync, type Stats, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { isInUse, keyFile, readKey, runningServer } from "../../../cli/local-server.ts";
import { bytes, counted } from "../../../cli/text.ts";
import { quoted, typed } from "../../../cli/typed.ts";
import { LOCAL } from "../../local/names.ts";
import { type Ports, USUAL_PORTS } from "../../local/ports.ts";
import { readSecrets } from "../../local/secrets.ts";
import { readFormat, refuseUnusable } from "../../local/state/format.ts";
import { fault, type Look, ok, Unseen, warning } from "../check.ts";

/** What the local checks look at. */
export interface Local {
  /** The state directory as it was typed, */
  state: string;
  /** … and its path. */
  directory: string;
  /** What stands for Secret Manager in it. */
  secrets: string;
  /** Finds the ports that a start would take now. */
  ports(): Promise<Ports>;
  fetch: typeof fetch;
}

/** With less a build soon has no room for what its agent makes. */
const LITTLE_BYTES = 1024 ** 3;
/** A start is refused with less. */
const NO_BYTES = 1024 ** 2;
const ANSWER_MS = 10_000;
/** Permissions that let others read or write. */
const OTHERS = 0o077;

/** Where everything is kept, and where builds have their workspaces. */
export function lookAtRoom({ directory }: Local): Look[] {
  return [...new Set([thereAbove(directory), tmpdir()])].map((path) => {
    const { bavail, bsize } = statfsSync(path);
    return roomLook(path, bavail * bsize);
  });
}

export function roomLook(path: string, freeBytes: number): Look {
  const found = `${bytes(freeBytes)} free in ${path}`;
  if (freeBytes < NO_BYTES) return fault(found);
  return freeBytes < LITTLE_BYTES ? warning(found) : ok(found);
}

/** The path, or the next above it that is there. */
function thereAbove(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : thereAbove(dirname(path));
}

/** @throws {UnusableState} with what to do instead */
export function lookAtDirectory({ directory }: Local): Look[] {
  const format = readFormat(directory);
  refuseUnusable(directory, format);
  if (format.kind === "absent") return [writableLook(thereAbove(directory), "not there yet")];
  const kind = format.kind === "state" ? `format version ${format.version}` : "empty";
  return [
    writableLook(directory, kind),
    ...modeLooks(directory, statSync(directory), process.getuid?.()),
  ];
}

function writableLook(path: string, kind: string): Look {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return ok(`${path}: ${kind}`);
  } catch {
    return fault(`${path} may not be written (${kind})`);
  }
}

/** What is wrong with whose it is, and who may look into it. */
export function modeLooks(
  path: string,
  { uid, mode }: Pick<Stats, "uid" | "mode">,
  self: number | undefined,
): Look[] {
  const looks: Look[] = [];
  if (self !== undefined && uid !== self) {
    const mend = `sudo chown -R "$(id -un)" ${quoted(path)}`;
    looks.push(warning(`${path} is of the user ${uid}, and you are ${self}`, mend));
  }
  if ((mode & OTHERS) !== 0) {
    looks.push(warning(`${path} may be read by others`, `chmod go= ${quoted(path)}`));
  }
  return looks;
}

/** @throws if the file is readable by others or not as it must be */
export function lookAtSecrets({ directory, secrets }: Local): Look {
  if (!existsSync(secrets)) return ok("no file of secrets, which none has to be");
  const names = Object.keys(readSecrets(directory, LOCAL.project));
  return ok(`${secrets}: ${counted(names.length, "name")} of secrets, read by you alone`);
}

/** @throws if no port is free */
export async function lookAtPorts({ directory, ports }: Local): Promise<Look> {
  if (isInUse(directory)) return ok("the server has its own");
  return portsLook(await ports());
}

/** What a start would take, against the usual ones. */
export function portsLook(ports: Ports): Look {
  const names = Object.keys(USUAL_PORTS) as (keyof Ports)[];
  const moved = names.filter((name) => ports[name] !== USUAL_PORTS[name]);
  if (moved.length === 0) return ok(`free: ${names.map((name) => ports[name]).join(", ")}`);
  const others = moved.map((name) => `${USUAL_PORTS[name]} (${name}; instead ${ports[name]})`);
  return warning(`other programs have ${others.join(", ")}`);
}

/** Whether a server has the directory, and answers. */
export async function lookAtServer({ state, directory, fetch }: Local): Promise<Look> {
  const server = runningServer(directory);
  if (server === undefined) {
    return isInUse(directory)
      ? warning(`another process has ${directory}, and tells of no server`)
      : warning(`no server runs on ${directory}`);
  }
  const mend = `kill ${server.pid} && ${typed(["start"], { state })}`;
  const answer = await answered(fetch, `${server.apiUrl}/health`, { mend });
  const found = `${server.apiUrl} (process ${server.pid})`;
  return answer.ok ? ok(`${found} answers`) : fault(`${found} answers with ${answer.status}`, mend);
}

/** Whether there is a key, whether it is hidden, and whether the server takes it. */
export async function lookAtKey({ state, directory, fetch }: Local): Promise<Look[]> {
  const key = readKey(directory);
  const path = keyFile(directory);
  if (key === undefined) return [ok("none yet; the first start makes it")];
  const looks = modeLooks(path, statSync(path), process.getuid?.());
  const server = runningServer(directory);
  if (server === undefined) return [ok(`${path}; no server was asked`), ...looks];
  const headers = { authorization: `Bearer ${key}` };
  const answer = await answered(fetch, `${server.apiUrl}/runs?pageSize=1`, { headers });
  const taken = answer.ok
    ? ok(`${path}: the server takes it`)
    : fault(`${path}: the server of ${state} refuses it (${answer.status})`);
  return [taken, ...looks];
}

/** @throws {Unseen} if nothing answers */
async function answered(
  request: typeof fetch,
  url: string,
  { headers = {}, mend }: { headers?: Record<string, string>; mend?: string },
): Promise<Response> {
  try {
    return await request(url, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (cause) {
    throw new Unseen(`${url} does not answer: ${(cause as Error).message}`, {
      cause,
      ...(mend !== undefined && { remedy: mend }),
    });
  }
}
