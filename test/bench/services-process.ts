import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startFirestore } from "../../infra/emulators/firestore/start.ts";
import { startPubsub } from "../../infra/emulators/pubsub/start.ts";
import { startStorage } from "../../infra/emulators/storage/start.ts";
import { observing } from "./observed.ts";
import { serveHelper } from "./serve-helper.ts";

// A process with the stand-in's Firestore, Pub/Sub and Cloud Storage, without Cloud Build: nothing
// is built. Arguments: the state directory, and `observe` to have the calls counted.
const [directory = "", observe] = process.argv.slice(2);
const counts: Record<string, number> = {};
const faults = observing((method) => {
  counts[method] = (counts[method] ?? 0) + 1;
});
const part = (name: string) => ({
  directory: join(directory, name),
  ...(observe === "observe" && { faults }),
});
const indexesFile = fileURLToPath(new URL("../../firestore.indexes.json", import.meta.url));
const firestore = await startFirestore({ ...part("firestore"), indexesFile });
const pubsub = await startPubsub(part("pubsub"));
const storage = await startStorage({ ...part("storage"), buckets: ["runyard-bench"] });
const clients = {
  FIRESTORE_EMULATOR_HOST: firestore.address,
  PUBSUB_EMULATOR_HOST: pubsub.address,
  STORAGE_EMULATOR_HOST: storage.url,
};
serveHelper(async () => ({ clients, counts }));
