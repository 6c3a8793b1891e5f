import type { AgentSettings } from "../../../shared/agent/settings.ts";
import { sessionOf } from "../../../shared/attempt/result.ts";
import type { BuildManifest, Output } from "../../../shared/documents/manifest.ts";
import { instructionsHash, type Session } from "../../../shared/documents/session.ts";
import { manifestOf } from "../../support/attempts.ts";
import { makeRun } from "../../support/make-run.ts";

const SESSION: NonNullable<BuildManifest["session"]> = {
  id: "s",
  origin: "new",
  remark: "",
  commit: "c",
  instructionsHash: "h",
};

const outputs = (...names: string[]): Output[] =>
  names.map((name) => ({ name, object: `o/${name}`, contentType: "", sizeBytes: 1, sha256: "" }));

function makeManifest(more: Partial<BuildManifest> = {}): BuildManifest {
  const manifest = manifestOf(makeRun(), "b");
  const modelUsage = { m: { inputTokens: 1, cacheReadInputTokens: 2, outputTokens: 3 } };
  const result = { total_cost_usd: 0.5, modelUsage };
  const facts = { ...manifest.facts, result };
  const all = outputs("patch.diff", "session/s.jsonl", "session/s/tool-results/1.txt");
  return { ...manifest, facts, session: SESSION, outputs: all, ...more };
}

test("a run leaves its session's files, its workspace and its totals", () => {
  const manifest = makeManifest();
  const [patch = null, ...files] = manifest.outputs;
  expect(sessionOf(manifest, "bucket")).toEqual({
    runId: manifest.runId,
    bucket: "bucket",
    sessionId: "s",
    engine: manifest.agent,
    files,
    workspace: patch,
    commit: "c",
    totalCostUsd: 0.5,
    totalInputTokens: 3,
    totalOutputTokens: 3,
    instructionsHash: "h",
  } satisfies Session);
});

test("what all turns changed counts before what the last one changed", () => {
  const all = outputs("patch.diff", "workspace.diff", "session/s.jsonl");
  const session = sessionOf(makeManifest({ outputs: all }), "bucket");
  expect(session?.workspace?.name).toBe("workspace.diff");
});

test.each<[string, Partial<BuildManifest>]>([
  ["whose agent never started", { session: null }],
  ["whose session's file is missing", { outputs: outputs("patch.diff", "session/s/x.txt") }],
  ["that has the file of another session", { outputs: outputs("patch.diff", "session/t.jsonl") }],
])("a run %s leaves no session", (_name, more) => {
  expect(sessionOf(makeManifest(more), "bucket")).toBeNull();
});

test("a restored session without a result keeps the totals of the turn before", () => {
  const before = sessionOf(makeManifest(), "bucket");
  const { facts } = makeManifest();
  const killed = makeManifest({
    facts: { ...facts, result: null },
    session: { ...SESSION, origin: "restored" },
  });
  expect(sessionOf(killed, "bucket", before)).toMatchObject({
    totalCostUsd: 0.5,
    totalInputTokens: 3,
    totalOutputTokens: 3,
  });
  const lost = { ...killed, session: { ...SESSION, origin: "lost" as const } };
  expect(sessionOf(lost, "bucket", before)?.totalCostUsd).toBe(0);
});

const server = (command: string) => ({ type: "stdio" as const, command });

const hashes = (settings: readonly AgentSettings[]): Set<string> =>
  new Set(settings.map(instructionsHash));

test("defaults, limits and the order of names do not change the hash of the instructions", () => {
  const [x, y] = [server("x"), server("y")];
  expect(hashes([{}, { instructions: "", disallowedTools: [] }, { maxTurns: 1 }]).size).toBe(1);
  const ordered = [{ mcpServers: { a: x, b: y } }, { mcpServers: { b: y, a: x } }];
  expect(hashes(ordered).size).toBe(1);
});

test("instructions, tools and servers change the hash of the instructions", () => {
  const different: AgentSettings[] = [
    {},
    { instructions: "a" },
    { instructions: "b" },
    { tools: [] },
    { disallowedTools: ["Bash"] },
    { mcpServers: { a: server("x") } },
    { mcpServers: { a: server("y") } },
  ];
  expect(hashes(different).size).toBe(different.length);
});
