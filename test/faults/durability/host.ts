// Hosts the four services on one state directory, in a process that the harness kills. It says
// "loaded" when its code is there, waits for its order, and says when it accepts calls.
import { join } from "node:path";
import { startCloudBuild } from "../../../infra/emulators/cloud-build/start.ts";
import { startFirestore } from "../../../infra/emulators/firestore/start.ts";
import { startPubsub } from "../../../infra/emulators/pubsub/start.ts";
import { startStorage } from "../../../infra/emulators/storage/start.ts";
import type { Fault } from "../../../infra/emulators/wire/fault.ts";
import { injectFaults } from "../../../infra/emulators/wire/faults.ts";

/** The port of each service. */
export interface HostPorts {
  firestore: number;
  storage: number;
  pubsub: number;
  cloudBuild: number;
}

/** What a host is told to start. */
export interface HostOrder {
  directory: string;
  ports: HostPorts;
  /** What goes wrong in it besides; without predicates. */
  faults: Fault[];
}

/**
 * Appends the build's id to the file of runs, then works for as long as its second argument says.
 */
const STEP_SCRIPT = 'echo "$0" >> "$RUNS"; sleep "$1"';

async function start({ directory, ports, faults: given }: HostOrder): Promise<void> {
  const faults = injectFaults(given);
  const own = (name: keyof HostPorts) => ({
    directory: join(directory, name),
    port: ports[name],
    ...(given.length > 0 && { faults }),
  });
  await startFirestore(own("firestore"));
  const storage = await startStorage({ ...own("storage"), buckets: ["bucket"] });
  const pubsub = await startPubsub(own("pubsub"));
  await startCloudBuild({
    ...own("cloudBuild"),
    concurrentBuilds: 3,
    images: {
      worker: {
        command: ["sh", "-c", STEP_SCRIPT],
        env: { RUNS: join(directory, "runs.txt"), PATH: "/usr/bin:/bin" },
      },
    },
    publish: (projectId, message) =>
      void pubsub.publish(`projects/${projectId}/topics/cloud-builds`, message),
    readObject: storage.readObject,
    writeObject: storage.writeObject,
  });
}

process.on("message", (order: HostOrder) => {
  void start(order).then(() => process.send?.("started"));
});
// A harness that was killed itself leaves no host behind.
process.on("disconnect", () => process.exit(1));
process.send?.("loaded");
