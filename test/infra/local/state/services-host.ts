// Hosts the four services, each in its folder of a directory, in a process of its own. Prints where
// they are.
import { join } from "node:path";
import { startCloudBuild } from "../../../../infra/emulators/cloud-build/start.ts";
import { startFirestore } from "../../../../infra/emulators/firestore/start.ts";
import { startPubsub } from "../../../../infra/emulators/pubsub/start.ts";
import { startStorage } from "../../../../infra/emulators/storage/start.ts";

const [directory = ""] = process.argv.slice(2);
const firestore = await startFirestore({ directory: join(directory, "firestore") });
const storage = await startStorage({
  directory: join(directory, "storage"),
  buckets: ["test-bucket"],
});
const pubsub = await startPubsub({ directory: join(directory, "pubsub") });
const cloudBuild = await startCloudBuild({
  directory: join(directory, "cloud-build"),
  concurrentBuilds: 1,
  images: { shell: { command: ["/bin/sh", "-c"], env: {} } },
  publish: () => {},
  readObject: storage.readObject,
  writeObject: storage.writeObject,
});
const addresses = {
  pid: process.pid,
  firestore: firestore.address,
  storage: storage.url,
  pubsub: pubsub.address,
  cloudBuild: cloudBuild.address,
};
process.stdout.write(`${JSON.stringify(addresses)}\n`);
