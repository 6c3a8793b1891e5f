import { toProtoJson } from "../../../../infra/emulators/cloud-build/proto-json.ts";

const BUILD = "google.devtools.cloudbuild.v1.Build";

test.each([
  ["the empty message", {}, {}],
  ["defaults are left out", { id: "", tags: [], substitutions: {}, status: "STATUS_UNKNOWN" }, {}],
  ["an enum by number", { status: 0 }, {}],
  ["empty messages are kept", { source: {}, options: {} }, { source: {}, options: {} }],
  ["an enum by name", { status: "SUCCESS" }, { status: "SUCCESS" }],
  ["whole seconds", { timeout: { seconds: "3600" } }, { timeout: "3600s" }],
  ["zero as a message", { timeout: {} }, { timeout: "0s" }],
  ["milliseconds", { timeout: { seconds: "1", nanos: 500_000_000 } }, { timeout: "1.500s" }],
  [
    "a timestamp",
    { createTime: { seconds: "0", nanos: 0 } },
    { createTime: "1970-01-01T00:00:00Z" },
  ],
  [
    "its fraction",
    { createTime: { seconds: "1", nanos: 5_000_000 } },
    { createTime: "1970-01-01T00:00:01.005Z" },
  ],
  [
    "nanoseconds",
    { createTime: { seconds: "1", nanos: 1 } },
    { createTime: "1970-01-01T00:00:01.000000001Z" },
  ],
  ["int64 as text", { options: { diskSizeGb: 100 } }, { options: { diskSizeGb: "100" } }],
  ["int64 zero", { options: { diskSizeGb: "0" } }, { options: {} }],
  [
    "int32 as number",
    { steps: [{ exitCode: 3 }, { exitCode: 0 }] },
    { steps: [{ exitCode: 3 }, {}] },
  ],
  [
    "bytes",
    { results: { buildStepOutputs: [Buffer.from("x"), ""] } },
    { results: { buildStepOutputs: ["eA==", ""] } },
  ],
  ["maps", { substitutions: { _A: "" } }, { substitutions: { _A: "" } }],
  [
    "maps of messages",
    { timing: { BUILD: { startTime: { seconds: "0", nanos: 0 } } } },
    { timing: { BUILD: { startTime: "1970-01-01T00:00:00Z" } } },
  ],
  [
    "an optional false",
    { steps: [{ automapSubstitutions: false, allowFailure: false }] },
    { steps: [{ automapSubstitutions: false }] },
  ],
  [
    "no oneof's name",
    { source: { source: "storageSource", storageSource: { bucket: "b" } } },
    { source: { storageSource: { bucket: "b" } } },
  ],
  [
    "an enum of a nested type",
    { failureInfo: { type: "USER_BUILD_STEP" } },
    { failureInfo: { type: "USER_BUILD_STEP" } },
  ],
  ["unknown fields are dropped", { unknown: 1 }, {}],
])("%s", (_title, message, json) => {
  expect(toProtoJson(BUILD, message)).toEqual(json);
});
