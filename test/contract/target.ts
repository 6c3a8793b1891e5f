import { randomBytes } from "node:crypto";

/**
 * What the contract suite speaks to.
 *
 * - `standIn`: each test starts the stand-in of its service, in its own process and directory.
 * - `emulators`: services that run already, where the `*_EMULATOR_HOST` variables say.
 * - `remote`: Google Cloud, in the project of `GOOGLE_CLOUD_PROJECT`, with application default
 *   credentials.
 */
export type Target = "standIn" | "emulators" | "remote";

/** The services that have a contract. */
export const SERVICES = ["firestore", "pubsub", "storage", "cloud-build"] as const;
export type ServiceName = (typeof SERVICES)[number];

const OWN_EMULATORS =
  "or start the stand-in's services: node infra/launch.js test/contract/host.ts";

/** Of each service the variable that says where it is, and how there comes to be one. */
export const EMULATORS: Record<ServiceName, { variable: string; start: string }> = {
  firestore: {
    variable: "FIRESTORE_EMULATOR_HOST",
    start: `gcloud emulators firestore start --host-port=127.0.0.1:8081, ${OWN_EMULATORS}`,
  },
  pubsub: {
    variable: "PUBSUB_EMULATOR_HOST",
    start: `gcloud beta emulators pubsub start --host-port=127.0.0.1:8085, ${OWN_EMULATORS}`,
  },
  storage: {
    variable: "STORAGE_EMULATOR_HOST",
    start: `firebase emulators:start --only storage, ${OWN_EMULATORS}`,
  },
  "cloud-build": {
    variable: "CLOUD_BUILD_EMULATOR_HOST",
    start: `Google has none; ${OWN_EMULATORS.slice(3)}`,
  },
};

/** The services whose emulators a suite speaks to: builds read and write objects, and publish. */
export function servicesOf(suites: readonly ServiceName[]): readonly ServiceName[] {
  if (!suites.includes("cloud-build")) return suites;
  return [...new Set<ServiceName>([...suites, "pubsub", "storage"])];
}

/** The target of this process: `REMOTE=1` and `CONTRACT_TARGET=emulators` choose, in this order. */
export const TARGET: Target = targetOf(process.env);

/** @throws {Error} for a `CONTRACT_TARGET` that is none */
function targetOf(env: NodeJS.ProcessEnv): Target {
  if (env["REMOTE"] === "1") return "remote";
  const name = env["CONTRACT_TARGET"] || "standIn";
  if (name === "standIn" || name === "emulators") return name;
  throw new Error(`CONTRACT_TARGET is standIn or emulators, not ${name}; REMOTE=1 is Google Cloud`);
}

/**
 * `host:port` of a service's emulator. @throws {Error} that says which variable is missing, and how
 * to get it
 */
export function emulatorHost(service: ServiceName, env: NodeJS.ProcessEnv = process.env): string {
  const { variable, start } = EMULATORS[service];
  const value = env[variable];
  if (!value) {
    throw new Error(`${variable} is not set. It says where an emulator of ${service} is: ${start}`);
  }
  return value.replace(/^https?:\/\//, "").replace(/\/$/, "");
}

/** The project of the remote target. @throws {Error} if none is named */
export function remoteProject(env: NodeJS.ProcessEnv = process.env): string {
  const project = env["GOOGLE_CLOUD_PROJECT"];
  if (!project) {
    throw new Error(
      "GOOGLE_CLOUD_PROJECT is not set. REMOTE=1 makes and removes resources in that project, with the credentials of: gcloud auth application-default login",
    );
  }
  return project;
}

/** A name that nobody else has: 8 random hexadecimal digits after `prefix`. */
export function randomName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString("hex")}`;
}

/** The project that a test file works in: its own, except remotely, where there is one. */
export function contractProject(): string {
  return TARGET === "remote" ? remoteProject() : randomName("contract");
}

/** How many times longer than on loopback something may take. */
export const PATIENCE = { standIn: 1, emulators: 5, remote: 30 }[TARGET];

/** Resolves after so many milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
