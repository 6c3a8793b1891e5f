import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Instance, startInstance } from "../../infra/local/functions-host/instance.ts";
import { bundlesIn } from "../../infra/local/programs.ts";
import { stop } from "./processes.ts";
import { BUCKET, type Clients, PROJECT } from "./services.ts";

/** A module that registers functions. */
export interface FunctionModule {
  target: string;
  source: string;
  /** What serves it. Default: functions-framework's own program. */
  program?: string | undefined;
}

/** One of ours, from its sources. */
export const ours = (target: string): FunctionModule => ({
  target,
  source: fileURLToPath(new URL("../../functions/index.ts", import.meta.url)),
});

/** One of ours, as it is deployed. */
export const bundled = (target: string, folder: string): FunctionModule => ({
  target,
  ...bundlesIn(folder).functions,
});

/** One of the functions in `variants/` that ours are compared with. */
export const variant = (name: string): FunctionModule => ({
  target: name,
  source: fileURLToPath(new URL(`variants/${name}.ts`, import.meta.url)),
});

let started = 0;

/**
 * Starts a function as the functions host does: by the same code, in a process of its own,
 * listening on a Unix socket. Resolves when it accepts connections.
 */
export async function startFunction(
  cleanup: AsyncDisposableStack,
  { target, source, program }: FunctionModule,
  { env, folder }: { env: Clients; folder: string },
): Promise<Instance & { pid: number; stop(): Promise<void> }> {
  started += 1;
  const instance = await startInstance({
    target,
    source,
    program,
    socketPath: join(folder, `${target}-${started}.sock`),
    env: { ...environment(), ...env },
    onLog: (line) => {
      if (/"(WARNING|ERROR)"/.test(line)) process.stderr.write(`${target}: ${line}\n`);
    },
  });
  cleanup.defer(() => stop(instance.process));
  const pid = instance.process.pid as number;
  return { ...instance, pid, stop: () => stop(instance.process) };
}

/** What `functions/config.ts` requires. */
function environment(): Record<string, string> {
  return {
    METADATA_SERVER_DETECTION: "none",
    GOOGLE_CLOUD_PROJECT: PROJECT,
    RUNYARD_BUCKET: BUCKET,
    RUNYARD_PUBLIC_URL: "http://127.0.0.1:9",
    RUNYARD_IMAGE: "agent",
    RUNYARD_BUILD_SERVICE_ACCOUNT: `projects/${PROJECT}/serviceAccounts/a@b.iam.gserviceaccount.com`,
    RUNYARD_LOGS_BUCKET: `gs://${BUCKET}`,
    // One owner sends them all.
    RUNYARD_REQUESTS_PER_MINUTE: "1000000",
    RUNYARD_MODEL_KEY_SECRET: `projects/${PROJECT}/secrets/key/versions/1`,
    // Nothing is built here; a client that would connect shall find nobody.
    CLOUD_BUILD_EMULATOR_HOST: "127.0.0.1:9",
  };
}
