import { join } from "node:path";
import type { Callers } from "../wire/callers.ts";
import { type Clock, systemClock } from "../wire/clock.ts";
import type { InjectedFaults } from "../wire/faults.ts";
import { withFaults } from "../wire/grpc-faults.ts";
import { startGrpcServer } from "../wire/grpc-server.ts";
import type { Engine, Surroundings } from "./engine.ts";
import { withMessageFaults } from "./message-faults.ts";
import type { CloudBuild } from "./operations.ts";
import { type Publish, startOutbox } from "./outbox.ts";
import { startProcessRegistry } from "./process-registry.ts";
import { openQueue, recoverLostBuilds } from "./queue.ts";
import { removeTree } from "./remove-tree.ts";
import { requestQuota } from "./request-quota.ts";
import { cloudBuildServices, PROTOS } from "./service.ts";
import { openState } from "./state.ts";

const DEFAULT_CONCURRENT_BUILDS = 10;

/** How a stand-in of Cloud Build is set up. */
export interface CloudBuildOptions extends Surroundings {
  /** Holds the state, and the private folders of the builds that run. One running service each. */
  directory: string;
  /** 0, the default, takes any free one. */
  port?: number;
  /** Host names that it may be called by beside those of loopback, in lower case. Default: none. */
  hosts?: readonly string[] | undefined;
  /** Who gets an address of its own, and what it may. Default: there is the owner alone. */
  callers?: Callers | undefined;
  clock?: Clock;
  /** How many builds work at a time; the others wait. Default 10. */
  concurrentBuilds?: number;
  /** Quotas per project, RESOURCE_EXHAUSTED above; without them there is no limit. */
  createsPerMinute?: number;
  getsPerMinute?: number;
  /** Stands in the names of builds for every project. Default: one made from each project's id. */
  projectNumber?: string;
  /** May be called before {@link startCloudBuild} resolves, as may `writeObject`. */
  publish: Publish;
  /** What goes wrong. Default: nothing, and nothing of it is in the way of a call or message. */
  faults?: InjectedFaults;
}

/** A stand-in that accepts calls. */
export interface RunningCloudBuild {
  /** `127.0.0.1:PORT` */
  address: string;
  /** The same for an account of {@link Callers}. */
  addressOf(account: string): string;
  port: number;
  /**
   * Kills what builds run; the next start on the same directory ends those builds as
   * INTERNAL_ERROR.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves Cloud Build's gRPC API, and the operations that belong to it, on loopback, running builds
 * as processes of this machine.
 *
 * Goes on where an earlier start on the same directory stopped: queued builds are queued, those
 * that were working have ended as INTERNAL_ERROR, and messages that were not published yet are.
 */
export async function startCloudBuild(options: CloudBuildOptions): Promise<RunningCloudBuild> {
  const clock = options.clock ?? systemClock;
  const state = openState(options.directory, clock);
  const processes = startProcessRegistry(state);
  const buildsDirectory = join(options.directory, "builds");
  const engine: Engine = { state, surroundings: options, processes, buildsDirectory };
  await recoverLostBuilds(engine);
  await removeTree(buildsDirectory);
  const publish = withMessageFaults(options.publish, options.faults);
  const outbox = startOutbox(state, ({ projectId, data, attributes }) =>
    publish(projectId, { data, attributes }),
  );
  state.onMessage = outbox.wake;
  const queue = openQueue(engine, options.concurrentBuilds ?? DEFAULT_CONCURRENT_BUILDS);
  const service: CloudBuild = {
    engine,
    queue,
    takeCreate: requestQuota(clock, "Create requests", options.createsPerMinute),
    takeGet: requestQuota(clock, "Build and Operation Get requests", options.getsPerMinute),
    projectNumber: options.projectNumber,
  };
  const services = withFaults(cloudBuildServices(service), options.faults);
  const server = await startGrpcServer(PROTOS, services, options);
  queue.fill();
  const close = once(async () => {
    await server.close();
    await queue.close();
    await processes.close();
    await outbox.close();
    state.database.close();
  });
  const { address, addressOf, port } = server;
  return { address, addressOf, port, close, [Symbol.asyncDispose]: close };
}

/** `work`, done at most once however often it is asked for. */
function once(work: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
