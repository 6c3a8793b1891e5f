import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkpointing } from "../../../../infra/agent/attempt/checkpoints.ts";
import type { Objects } from "../../../../infra/agent/attempt/objects.ts";
import { factsSoFar } from "../../../../infra/agent/engines/claude-code/facts.ts";
import { recordPassed } from "../../../../infra/agent/model/passed.ts";
import { makeFolders } from "../../../../infra/agent/sandbox/place.ts";
import { openStates, recordState } from "../../../../infra/agent/workspace/git-states.ts";
import { pathsUnder } from "../../../../shared/documents/attempt.ts";
import type { Checkpoint } from "../../../../shared/documents/manifest.ts";

const SESSION = "5f6f0d44-2d8f-4f0b-8d38-3a3f5e3f9a01";
const LINE = JSON.stringify({ type: "assistant", message: { content: [{ type: "thinking" }] } });

/** An attempt with an agent that is played, and a storage that the test can break. */
async function startWorld() {
  const root = mkdtempSync(join(tmpdir(), "checkpoints-"));
  const folders = await makeFolders(root, "none");
  const session = join(folders.home, ".claude/projects/session");
  mkdirSync(session, { recursive: true });
  writeFileSync(join(session, `${SESSION}.jsonl`), `${LINE}\n`);
  const states = await openStates(
    { gitFolder: folders.git, workspace: folders.workspace },
    process.env["PATH"] ?? "",
  );
  await recordState(states, "first");
  const stored: Checkpoint[] = [];
  const created: string[] = [];
  const told: object[] = [];
  const trouble: Error[] = [];
  const objects = {
    async upload(name: string, path: string) {
      created.push(name);
      const content = readFileSync(path);
      const sha256 = createHash("sha256").update(content).digest("hex");
      return { sizeBytes: content.length, sha256 };
    },
    async createOnce(_name: string, content: string) {
      const error = trouble.shift();
      if (error !== undefined) throw error;
      stored.push(JSON.parse(content));
      return "created" as const;
    },
  } as Partial<Objects> as Objects;
  const passed = recordPassed((text) => text);
  passed.add([{ type: "text", text: "So far." }]);
  const log: string[] = [];
  const take = checkpointing({
    folders,
    objects,
    paths: pathsUnder("attempts/run_1/1-n/"),
    beginning: {
      session: { id: SESSION, origin: "new", remark: "", commit: null, instructionsHash: "" },
      states,
      isResumed: false,
    },
    against: () => ({ passed, restored: new Set() }),
    head: {
      schemaVersion: 1,
      by: "build",
      runId: "run_1",
      attempt: 1,
      buildId: "b",
      agent: { name: "claude-code", version: "2" },
      isolation: "none",
      startedAt: "2026-01-01T00:00:00Z",
    },
    facts: () => factsSoFar(passed, false),
    onChanges: (changes) => void told.push(changes),
    now: () => new Date(),
    log: (line) => void log.push(line),
  });
  return {
    take,
    told,
    stored,
    created,
    trouble,
    log,
    write: (name: string, text: string) => writeFileSync(join(folders.workspace, name), text),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

test("a checkpoint is stored once something is new, and refers to what is not", async () => {
  using world = await startWorld();
  const { take, stored, created, log, told, write } = world;
  write("a", "one\n");
  await take();
  await take();
  write("a", "two\n");
  await take();
  expect(stored.map(({ number }) => number)).toEqual([1, 3]);
  expect(created).toEqual([
    "attempts/run_1/1-n/checkpoints/1/patch.diff",
    `attempts/run_1/1-n/checkpoints/1/session/${SESSION}.jsonl`,
    "attempts/run_1/1-n/checkpoints/3/patch.diff",
  ]);
  expect(stored[1]?.outputs.map(({ object }) => object)).toEqual([created[2], created[1]]);
  expect(stored[1]?.facts).toMatchObject({ started: true, turns: 1, lastText: "So far." });
  expect(told).toEqual([
    { files: 1, added: 1, removed: 0 },
    { files: 1, added: 1, removed: 0 },
  ]);
  expect(log).toEqual([
    expect.stringMatching(/^checkpoint 1: 3 objects in \d+ ms$/),
    expect.stringMatching(/^checkpoint 3: 2 objects in \d+ ms$/),
  ]);
});

test("what was stored before the storage failed is named by the next", async () => {
  using world = await startWorld();
  const { take, stored, created, trouble, write } = world;
  write("a", "one\n");
  trouble.push(new Error("no storage"));
  await expect(take()).rejects.toThrow("no storage");
  await take();
  expect(stored.map(({ number }) => number)).toEqual([2]);
  expect(stored[0]?.outputs.map(({ object }) => object)).toEqual(created);
});
