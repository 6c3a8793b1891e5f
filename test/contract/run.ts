import { spawn } from "node:child_process";
import { constants } from "node:os";
import {
  EMULATORS,
  emulatorHost,
  remoteProject,
  SERVICES,
  type ServiceName,
  servicesOf,
} from "./target.ts";

const HELP = `Runs the contract suites: each service of the stand-in through Google's own clients.

  npm run test:contract                              against the stand-in, which the tests start
  npm run test:contract -- --emulators               against emulators that run already
  REMOTE=1 npm run test:contract                     against Google Cloud

  --emulators        clients go where these variables say:
${Object.values(EMULATORS)
  .map(
    ({ variable, start }) =>
      `                       ${variable}\n                         ${start}`,
  )
  .join("\n")}
                     (without --service: each that has its variable; the others are named)
  --service NAME     this service alone (${SERVICES.join(", ")}); may be repeated
  RANDOM_SEED=N      other random queries and writes of Firestore (default 42)
  --help             this text
  anything else      goes to jest: a file, -t PATTERN, --verbose

REMOTE=1 makes resources with random names in the project of GOOGLE_CLOUD_PROJECT, with application default
credentials, and removes them. Builds and databases cost money.

What a target cannot have is reported as skipped, by name. Against the stand-in nothing is skipped. Of errors an
emulator must have Google's codes; its texts may be its own.
`;

/** What the command line asks for. */
interface Request {
  help: boolean;
  emulators: boolean;
  services: ServiceName[];
  /** For jest. */
  rest: string[];
}

/** @throws {Error} that names the argument that is wrong */
export function parseArguments(args: string[]): Request {
  const request: Request = { help: false, emulators: false, services: [], rest: [] };
  const left = [...args];
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    if (next === "--help") request.help = true;
    else if (next === "--emulators") request.emulators = true;
    else if (next === "--service") request.services.push(checkedService(left.shift()));
    else if (next.startsWith("--service=")) request.services.push(checkedService(next.slice(10)));
    else request.rest.push(next);
  }
  return request;
}

function checkedService(name = ""): ServiceName {
  const found = SERVICES.find((service) => service === name);
  if (found === undefined) {
    throw new Error(`--service is one of ${SERVICES.join(", ")}, not "${name}"`);
  }
  return found;
}

/**
 * Jest's arguments and the variables that choose the target. @throws {Error} if the target is
 * incomplete
 */
export function jestCall(
  { emulators, services, rest }: Request,
  env: NodeJS.ProcessEnv,
): { args: string[]; env: NodeJS.ProcessEnv; missing: string[] } {
  const isRemote = env["REMOTE"] === "1";
  if (emulators && isRemote) throw new Error("--emulators and REMOTE=1 exclude each other");
  if (isRemote) remoteProject(env);
  const { present, missing } = emulators
    ? findEmulators(services, env)
    : { present: isRemote && services.length === 0 ? SERVICES : services, missing: [] };
  const isTimed = rest.some((argument) => argument.startsWith("--testTimeout"));
  const patience = isRemote ? 900_000 : 120_000;
  return {
    args: [
      ...(rest.some(isPath) ? [] : foldersOf(present)),
      ...((emulators || isRemote) && !isTimed ? [`--testTimeout=${patience}`] : []),
      ...rest,
    ],
    env: { ...env, CONTRACT_TARGET: emulators ? "emulators" : "" },
    missing,
  };
}

/**
 * Without services: everything, also what is about the stand-in alone, like faults and hostile
 * input.
 */
function foldersOf(services: readonly ServiceName[]): string[] {
  if (services.length === 0) return ["test/contract/"];
  return services.map((service) => `test/contract/${service}/`);
}

/**
 * Which services have their emulators, and of the others why not.
 *
 * @throws {Error} if one that was asked for has none, or nothing has
 */
function findEmulators(
  asked: readonly ServiceName[],
  env: NodeJS.ProcessEnv,
): { present: ServiceName[]; missing: string[] } {
  const present: ServiceName[] = [];
  const missing: string[] = [];
  for (const suite of asked.length > 0 ? asked : SERVICES) {
    try {
      for (const service of servicesOf([suite])) emulatorHost(service, env);
      present.push(suite);
    } catch (error) {
      missing.push(`${suite} is not tested: ${(error as Error).message}`);
    }
  }
  if (present.length === 0 || (asked.length > 0 && missing.length > 0)) {
    throw new Error(missing.join("\n"));
  }
  return { present, missing };
}

/**
 * A file or folder among jest's arguments: what has a slash, or ends like a test, and follows no
 * option.
 */
function isPath(argument: string, at: number, all: string[]): boolean {
  const follows = all[at - 1]?.startsWith("-") && !all[at - 1]?.includes("=");
  return !argument.startsWith("-") && !follows && /\/|\.test(\.ts)?$/.test(argument);
}

function main(): void {
  const request = parseArguments(process.argv.slice(2));
  if (request.help) {
    process.stdout.write(HELP);
    return;
  }
  const { args, env, missing } = jestCall(request, process.env);
  for (const line of missing) process.stderr.write(`${line}\n`);
  const jest = ["node_modules/jest/bin/jest.js", ...args];
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...jest], {
    stdio: "inherit",
    env,
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("exit", (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
