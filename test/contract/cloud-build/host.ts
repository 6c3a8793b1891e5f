// Hosts the service in a process that a test can kill. Arguments: the state's folder. Prints the
// port.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startCloudBuild } from "../../../infra/emulators/cloud-build/start.ts";

const [, , folder = ""] = process.argv;
const service = await startCloudBuild({
  directory: join(folder, "state"),
  images: { bash: { command: ["bash"], env: {} } },
  publish() {
    throw new Error("nobody takes messages here");
  },
  readObject: () => undefined,
  async writeObject(...[bucket, name, content]) {
    mkdirSync(join(folder, bucket), { recursive: true });
    writeFileSync(join(folder, bucket, name), content);
    return { generation: "1" };
  },
});
process.stdout.write(`${service.port}\n`);
