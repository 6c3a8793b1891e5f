import { parentPort, workerData } from "node:worker_threads";
import { outputFaults } from "../../../../shared/agent/output-schema.ts";

/** A thread that holds one output against its schema; see `output-check.ts`. */
parentPort?.postMessage(outputFaults(workerData.schema, workerData.output));
