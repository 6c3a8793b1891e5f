import { EventEmitter } from "node:events";

/** Off Google Cloud the clients would otherwise probe for a metadata server and wait for it. */
process.env["METADATA_SERVER_DETECTION"] = "none";

/**
 * Google's client of Cloud Storage listens to one download more often than Node finds sane, and
 * ten times is what a leak begins with.
 */
EventEmitter.defaultMaxListeners = 12;

/** Else a shell's variables would send the clients of the stand-in's tests to an emulator. */
if (process.env["CONTRACT_TARGET"] !== "emulators") {
  for (const name of Object.keys(process.env)) {
    if (name.endsWith("_EMULATOR_HOST")) Reflect.deleteProperty(process.env, name);
  }
}

/**
 * Sets variables of this process, which the next test file has too: returns what puts back the old
 * values.
 */
export function setVariables(variables: Record<string, string>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  };
}
