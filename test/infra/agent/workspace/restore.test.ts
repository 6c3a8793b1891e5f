import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Objects } from "../../../../infra/agent/attempt/objects.ts";
import { restoreSession } from "../../../../infra/agent/workspace/restore.ts";
import type { Session } from "../../../../shared/documents/session.ts";

/** A home, and a session whose files hold their own names. */
function startWorld(...names: string[]) {
  const home = mkdtempSync(join(tmpdir(), "runyard-restore-"));
  const session: Session = {
    runId: "run_1",
    bucket: "b",
    sessionId: "sid",
    engine: { name: "claude-code", version: "1" },
    files: names.map((name) => ({
      name,
      object: name,
      contentType: "text/plain",
      sizeBytes: name.length,
      sha256: createHash("sha256").update(name).digest("hex"),
    })),
    workspace: null,
    commit: null,
    totalCostUsd: 0,
    totalInputTokens: 0,
    totalOutputTokens: 0,
    instructionsHash: "",
  };
  return {
    home,
    restore: (find: Objects["find"] = async (name) => Buffer.from(name)) =>
      restoreSession(session, {
        objects: { find } as Objects,
        home,
        engineName: "claude-code",
      }),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
  };
}

test("the session's file and the files of its folder are put where they were", async () => {
  await using world = startWorld("session/sid.jsonl", "session/sid/tool-results/1.txt");
  expect(await world.restore()).toBeUndefined();
  const project = join(world.home, ".claude", "projects", "session");
  expect(readdirSync(project)).toEqual(["sid", "sid.jsonl"]);
  expect(readFileSync(join(project, "sid/tool-results/1.txt"), "utf8")).toBe(
    "session/sid/tool-results/1.txt",
  );
});

test.each<[string, string[], string]>([
  ["without a file of its own", ["session/sid/x.txt"], "the turn before left none"],
  [
    "with a file of another",
    ["session/sid.jsonl", "session/other.jsonl"],
    "it has a file of another",
  ],
  [
    "with a file elsewhere",
    ["session/sid.jsonl", "session/sid/../../../settings.json"],
    "it has a file of another",
  ],
])("of a session %s nothing is restored", async (_name, names, why) => {
  await using world = startWorld(...names);
  expect(await world.restore()).toEqual({ why });
  expect(readdirSync(world.home)).toEqual([]);
});

test("one missing or damaged file leaves the whole session out", async () => {
  await using world = startWorld("session/sid.jsonl", "session/sid/x.txt");
  const why = "session/sid/x.txt is no longer kept, or damaged";
  const missing = async (name: string) => (name.endsWith("x.txt") ? undefined : Buffer.from(name));
  expect(await world.restore(missing)).toEqual({ why });
  const damaged = async (name: string) => Buffer.from(name.replace("x.txt", "y.txt"));
  expect(await world.restore(damaged)).toEqual({ why });
  expect(readdirSync(world.home)).toEqual([]);
});

test("a storage that does not answer is no loss of the session", async () => {
  await using world = startWorld("session/sid.jsonl");
  const find = () => Promise.reject(new Error("503"));
  await expect(world.restore(find)).rejects.toThrow("503");
});
