// Hosts the stand-in's four services in a process of their own, for `--emulators` and for tests
// that mistreat them. Prints the variables that point clients at them. A parent with a channel to
// it may send "measure", and gets what the process holds; without the channel's parent it ends.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCloudBuild } from "../../infra/emulators/cloud-build/start.ts";
import { startFirestore } from "../../infra/emulators/firestore/start.ts";
import { startPubsub } from "../../infra/emulators/pubsub/start.ts";
import { startStorage } from "../../infra/emulators/storage/start.ts";
import { GoogleError } from "../../infra/emulators/wire/status.ts";

/** What a host tells of itself. */
export interface Measure {
  /** Sockets, timers, files …: what Node has open, by its kind. */
  resources: Record<string, number>;
  /** After a collection, where the process may ask for one. */
  heapBytes: number;
}

const directory = mkdtempSync(join(tmpdir(), "contract-host-"));
const own = (name: string) => ({ directory: join(directory, name) });
const firestore = await startFirestore(own("firestore"));
const pubsub = await startPubsub(own("pubsub"));
const storage = await startStorage(own("storage"));
const cloudBuild = await startCloudBuild({
  ...own("cloud-build"),
  images: { bash: { command: ["bash"], env: { FROM_IMAGE: "yes" } } },
  readObject: storage.readObject,
  writeObject,
  publish(projectId, message) {
    try {
      pubsub.publish(`projects/${projectId}/topics/cloud-builds`, message);
    } catch (error) {
      if (!(error instanceof GoogleError && error.status === "NOT_FOUND")) throw error;
    }
  },
});

/** Google makes a bucket for a project's logs by itself. */
// biome-ignore lint/complexity/useMaxParams: as the service calls it
async function writeObject(bucket: string, name: string, content: Buffer, contentType: string) {
  if (bucket.endsWith(".cloudbuild-logs.googleusercontent.com")) {
    // Refused if it is there.
    const answer = await fetch(`${storage.url}/storage/v1/b?project=logs`, {
      method: "POST",
      body: JSON.stringify({ name: bucket }),
    });
    await answer.arrayBuffer();
  }
  return storage.writeObject(bucket, name, content, contentType);
}

const variables = {
  FIRESTORE_EMULATOR_HOST: firestore.address,
  PUBSUB_EMULATOR_HOST: pubsub.address,
  STORAGE_EMULATOR_HOST: storage.url,
  CLOUD_BUILD_EMULATOR_HOST: cloudBuild.address,
};
const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${value}\n`);
process.stdout.write(lines.join(""));

async function end(): Promise<void> {
  for (const service of [cloudBuild, pubsub, storage, firestore]) await service.close();
  rmSync(directory, { recursive: true, force: true });
  process.exit();
}

function measure(): Measure {
  (globalThis as { gc?: () => void }).gc?.();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    resources[kind] = (resources[kind] ?? 0) + 1;
  }
  return { resources, heapBytes: process.memoryUsage().heapUsed };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end());
process.once("disconnect", () => void end());
process.on("message", () => process.send?.(measure()));
