import { startFirestore } from "../../../infra/emulators/firestore/start.ts";

// Hosts the service in a process of its own, for a test that kills it.
const [directory = "", port = "0"] = process.argv.slice(2);
const { address } = await startFirestore({ directory, port: Number(port) });
process.stdout.write(`${address}\n`);
