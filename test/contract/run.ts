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
                     (without --service, services whose variable is missing are an error)
  --service NAME     this service alone (${SERVICES.join(", ")}); may be repeated
  --help             this text
  anything else      goes to jest: a file, -t PATTERN, --verbose

REMOTE=1 makes resources with random names in the project of GOOGLE_CLOUD_PROJECT, with application default
credentials, and removes them. Builds and databases cost money.

What a target cannot have is reported as skipped, by name. Against the stand-in nothing is skipped.
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

/** Jest's arguments and the variables that choose the target. @throws {Error} if the target is incomplete */
export function jestCall(
  { emulators, services, rest }: Request,
  env: NodeJS.ProcessEnv,
): { args: string[]; env: NodeJS.ProcessEnv } {
  const isRemote = env["REMOTE"] === "1";
  if (emulators && isRemote) throw new Error("--emulators and REMOTE=1 exclude each other");
  if (isRemote) remoteProject(env);
  const wanted = services.length > 0 ? services : [...SERVICES];
  if (emulators) for (const service of servicesOf(wanted)) emulatorHost(service, env);
  const isElsewhere = emulators || isRemote;
  // Faults and hostile input are about the stand-in alone, like everything beside the services' folders.
  const folders = services.length > 0 || isElsewhere ? wanted : [""];
  const paths = rest.some((argument) => argument.includes("test/contract/"))
    ? []
    : folders.map((folder) => `test/contract/${folder && `${folder}/`}`);
  const timeout = isElsewhere ? [`--testTimeout=${isRemote ? 900_000 : 120_000}`] : [];
  return {
    args: [...paths, ...timeout, ...rest],
    env: { ...env, CONTRACT_TARGET: emulators ? "emulators" : "" },
  };
}

function main(): void {
  const request = parseArguments(process.argv.slice(2));
  if (request.help) {
    process.stdout.write(HELP);
    return;
  }
  const { args, env } = jestCall(request, process.env);
  const jest = ["--experimental-vm-modules", "node_modules/jest/bin/jest.js", ...args];
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
