// Hosts one service in a process that a fault may kill. Arguments: the service, its directory, its
// port, the faults as JSON. Prints where it is. The build service publishes into the file
// `published` of its directory.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { startCloudBuild } from "../../../infra/emulators/cloud-build/start.ts";
import { startFirestore } from "../../../infra/emulators/firestore/start.ts";
import { startPubsub } from "../../../infra/emulators/pubsub/start.ts";
import { startStorage } from "../../../infra/emulators/storage/start.ts";
import { injectFaults } from "../../../infra/emulators/wire/faults.ts";

const [service = "", directory = "", port = "0", faults = "[]"] = process.argv.slice(2);
const options = { directory, port: Number(port), faults: injectFaults(JSON.parse(faults)) };

async function start(): Promise<string> {
  switch (service) {
    case "firestore":
      return (await startFirestore(options)).address;
    case "pubsub":
      return (await startPubsub(options)).address;
    case "storage":
      return (await startStorage({ ...options, buckets: ["bucket"] })).url;
    default:
      return (await startBuilds()).address;
  }
}

function startBuilds() {
  return startCloudBuild({
    ...options,
    images: { sh: { command: ["sh"], env: {} } },
    publish: (_project, { attributes }) =>
      appendFileSync(join(directory, "published"), `${attributes["status"]}\n`),
    readObject: () => undefined,
    writeObject: async () => ({ generation: "1" }),
  });
}

process.stdout.write(`${await start()}\n`);
