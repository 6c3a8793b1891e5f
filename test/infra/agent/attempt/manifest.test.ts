import { takeClaim } from "../../../../infra/agent/attempt/claim.ts";
import { putManifest, withinBounds } from "../../../../infra/agent/attempt/manifest.ts";
import type { Objects } from "../../../../infra/agent/attempt/objects.ts";
import {
  boundedResult,
  factsWithoutAgent,
} from "../../../../infra/agent/engines/claude-code/facts.ts";
import { type BuildManifest, MANIFEST_LIMITS } from "../../../../shared/documents/manifest.ts";

/** Objects that hold `content` under every name, if it is given, whatever was created. */
function holding(content?: string): Objects {
  return {
    createOnce: async () => (content === undefined ? "created" : "exists"),
    read: async () => Buffer.from(content ?? ""),
    find: async () => (content === undefined ? undefined : Buffer.from(content)),
    exists: async () => content !== undefined,
    upload: async () => ({ sizeBytes: 0, sha256: "" }),
    uploadContent: async () => ({ sizeBytes: 0, sha256: "" }),
  };
}

function makeManifest(more: Partial<BuildManifest> = {}): BuildManifest {
  return {
    schemaVersion: 1,
    by: "build",
    runId: "run_1",
    attempt: 1,
    buildId: "build-1",
    agent: { name: "claude-code", version: "2.1.330" },
    isolation: "bubblewrap",
    startedAt: "2026-01-01T00:00:00.000Z",
    endedAt: "2026-01-01T00:00:01.000Z",
    facts: factsWithoutAgent({}, false),
    session: null,
    outputs: [],
    changedFiles: [],
    moreChangedFiles: 0,
    ...more,
  };
}

const SEAL = JSON.stringify({ schemaVersion: 1, by: "seal", cause: "expired" });

test.each<[string, string | undefined, string | undefined]>([
  ["nothing", undefined, undefined],
  ["our own manifest", JSON.stringify(makeManifest()), undefined],
  ["a seal", SEAL, "a seal (expired)"],
  ["another build's", JSON.stringify(makeManifest({ buildId: "b2" })), "build b2"],
  ["something else", "{}", "an unreadable manifest"],
])("a manifest where %s was before is decided by: %s", async (_name, there, expected) => {
  expect(await putManifest(holding(there), "manifest.json", makeManifest())).toBe(expected);
});

test.each<[string, string | undefined, string | undefined]>([
  ["nothing", undefined, undefined],
  ["our build's other process", `{"by":"build","buildId":"b1","runner":"r"}`, "build b1"],
  ["another build's", `{"by":"build","buildId":"b2","runner":"r"}`, "build b2"],
  ["a seal", `{"by":"seal","cause":"cancel"}`, "a seal (cancel)"],
  ["something else", "{}", "an unreadable claim"],
])("a claim where %s was before belongs to: %s", async (_name, there, expected) => {
  expect(await takeClaim(holding(there), "claim", "b1")).toBe(expected);
});

test("a manifest that is not as its schema says is not written", () => {
  const manifest = makeManifest({ attempt: "1" as unknown as number });
  expect(() => withinBounds(manifest)).toThrow("the manifest is not valid: /attempt");
});

test("changed files that do not fit into the manifest are counted instead", () => {
  const changedFiles = Array.from({ length: 1000 }, (_, index) => ({
    path: `${index}${"x".repeat(4000)}`,
    status: "added" as const,
    added: 1,
    removed: 0,
  }));
  const text = withinBounds(makeManifest({ changedFiles, moreChangedFiles: 7 }));
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MANIFEST_LIMITS.bytes);
  const { changedFiles: kept, moreChangedFiles } = JSON.parse(text);
  expect(kept.length).toBeGreaterThan(200);
  expect(kept.length + moreChangedFiles).toBe(1007);
});

const long = "é".repeat(100_000);

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ["short fields stay", { subtype: "success", x: 1 }, { subtype: "success", x: 1 }],
  ["fields of a wrong type go", { is_error: "yes", errors: [1], num_turns: 1.5 }, {}],
  ["unknown fields that are large go", { other: long, small: "s" }, { small: "s" }],
  ["nulls stay where they may be", { api_error_status: null }, { api_error_status: null }],
  [
    "a structured output that fits stays",
    { structured_output: { a: 1 } },
    { structured_output: { a: 1 } },
  ],
  [
    "a structured output that does not fit is left out, and that is said",
    { structured_output: { long } },
    { structured_output_omitted: true },
  ],
  [
    "denials keep their tool alone",
    { permission_denials: [{ tool_name: "Bash", tool_input: { command: long } }] },
    { permission_denials: [{ tool_name: "Bash" }] },
  ],
])("in a result for the manifest %s", (_name, line, expected) => {
  expect(boundedResult(line)).toEqual(expected);
});

test("a result's text is cut at a whole character", () => {
  const { result = "" } = boundedResult({ result: long });
  expect(Buffer.byteLength(result)).toBeLessThanOrEqual(MANIFEST_LIMITS.textBytes);
  expect(result).toMatch(/^é+…$/u);
});

test("the largest result line still makes a valid manifest", () => {
  const models = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [
      `m${index}`,
      { inputTokens: 1, note: "n".repeat(500) },
    ]),
  );
  const result = boundedResult({
    result: long,
    errors: Array.from({ length: 500 }, () => long),
    modelUsage: models,
    permission_denials: Array.from({ length: 5000 }, () => ({ tool_name: long })),
    ...Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, "v"])),
  });
  const facts = { ...factsWithoutAgent({}, false), result };
  expect(Buffer.byteLength(withinBounds(makeManifest({ facts })))).toBeLessThan(500_000);
});
