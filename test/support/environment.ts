/** Off Google Cloud the clients would otherwise probe for a metadata server and wait for it. */
process.env["METADATA_SERVER_DETECTION"] = "none";

/** Else a shell's variables would send the clients of the stand-in's tests to an emulator. */
if (process.env["CONTRACT_TARGET"] !== "emulators") {
  for (const name of Object.keys(process.env)) {
    if (name.endsWith("_EMULATOR_HOST")) Reflect.deleteProperty(process.env, name);
  }
}
