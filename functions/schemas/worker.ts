import { parentPort } from "node:worker_threads";
import { type OutputSchema, outputSchemaFault } from "../../shared/agent/output-schema.ts";

/**
 * A thread that compiles callers' schemas, one after the other, and answers with the fault of each.
 */
parentPort?.on("message", (schema: OutputSchema) => {
  parentPort?.postMessage({ fault: outputSchemaFault(schema) });
});
parentPort?.postMessage("ready");
