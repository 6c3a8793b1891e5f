// Hosts the four services on one state directory, in a process that the harness kills. It says "loaded"
// when its code is there, waits for the directory and the ports, and says on which ports it accepts calls.
import { join } from "node:path";
import { startCloudBuild } from "../../../infra/local/cloud-build/start.ts";
import { startFirestore } from "../../../infra/local/firestore/start.ts";
import { startPubsub } from "../../../infra/local/pubsub/start.ts";
import { startStorage } from "../../../infra/local/storage/start.ts";
import type { HostOrder, HostPorts } from "./host-process.ts";

/** Appends the build's id to the file of runs, then works for as long as its second argument says. */
const STEP_SCRIPT = 'echo "$0" >> "$RUNS"; sleep "$1"';

async function start({ directory, ports }: HostOrder): Promise<HostPorts> {
  const own = (name: keyof HostPorts) => ({ directory: join(directory, name), port: ports[name] });
  const firestore = await startFirestore(own("firestore"));
  const storage = await startStorage({ ...own("storage"), buckets: ["bucket"] });
  const pubsub = await startPubsub(own("pubsub"));
  const cloudBuild = await startCloudBuild({
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
  return {
    firestore: portOf(firestore.address),
    storage: portOf(storage.url),
    pubsub: portOf(pubsub.address),
    cloudBuild: cloudBuild.port,
  };
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

process.on("message", (order: HostOrder) => {
  void start(order).then((ports) => process.send?.(ports));
});
// A harness that was killed itself leaves no host behind.
process.on("disconnect", () => process.exit(1));
process.send?.("loaded");
