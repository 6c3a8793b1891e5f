import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Anchor } from "../../../../infra/agent/workspace/anchor.ts";
import { readEntry, readTree } from "../../../../infra/agent/workspace/tree.ts";

const SECRET = "what no agent may read";

/** A workspace, and a folder beside it of which the agent may see nothing. */
function startWorld() {
  const root = mkdtempSync(join(tmpdir(), "anchor-"));
  const workspace = join(root, "workspace");
  mkdirSync(join(workspace, "a/b"), { recursive: true });
  writeFileSync(join(workspace, "a/b/file"), "the agent's own");
  mkdirSync(join(root, "outside/b"), { recursive: true });
  writeFileSync(join(root, "outside/b/file"), SECRET);
  return {
    root,
    workspace,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Puts a link in the place of a folder and takes it away again, as fast as it can. */
const SWAPPER = `
import { renameSync } from "node:fs";
console.log("at work");
for (;;) {
  renameSync("a", "folder"); renameSync("link", "a");
  renameSync("a", "link"); renameSync("folder", "a");
}
`;

function swap(workspace: string): ChildProcess {
  const args = ["--input-type=module", "-e", SWAPPER];
  return spawn(process.execPath, args, { cwd: workspace, stdio: ["ignore", "pipe", "inherit"] });
}

test("no link that is put in the place of a folder meanwhile leads anywhere", async () => {
  using world = startWorld();
  const { root, workspace } = world;
  symlinkSync(join(root, "outside"), join(workspace, "link"));
  const agent = swap(workspace);
  await once(agent.stdout as NodeJS.ReadableStream, "data");
  const read = new Set<string>();
  try {
    for (let count = 0; count < 3000; count += 1) {
      using tree = await readTree(workspace, { isLive: true });
      for (const entry of tree.entries) {
        if (entry.kind !== "file") continue;
        read.add(`${tree.read(entry)}`);
        read.add(`${readEntry(workspace, entry)}`);
      }
    }
  } finally {
    agent.kill("SIGKILL");
    await once(agent, "exit");
  }
  // It was caught in every state: there, and gone between its listing and its reading.
  expect([...read].sort()).toEqual(["the agent's own", "undefined"]);
}, 60_000);

test.each([
  [
    "a link above it",
    (workspace: string) => symlinkSync("../outside", join(workspace, "a2")),
    "a2/b/file",
  ],
  [
    "a link above that",
    (workspace: string) => symlinkSync("..", join(workspace, "up")),
    "up/outside/b/file",
  ],
  ["two dots in it", () => {}, "../outside/b/file"],
])("a path with %s is reached by nobody", (_what, prepare, path) => {
  using world = startWorld();
  prepare(world.workspace);
  using anchor = new Anchor(world.workspace);
  expect(() => anchor.pathOf(Buffer.from(path))).toThrow();
});

test("a file that became a pipe or grew without end is not waited for", async () => {
  using world = startWorld();
  const { workspace } = world;
  writeFileSync(join(workspace, "grows"), "a".repeat(10));
  using tree = await readTree(workspace, { isLive: true });
  const [grows, file] = ["grows", "a/b/file"].map((name) =>
    tree.entries.find(({ path }) => path.toString() === name),
  );
  writeFileSync(join(workspace, "grows"), "a".repeat(1_000_000));
  rmSync(join(workspace, "a/b/file"));
  const made = spawn("mkfifo", [join(workspace, "a/b/file")]);
  await once(made, "exit");
  expect(grows && tree.read(grows)?.length).toBe(10);
  expect(grows?.isRacy).toBe(true);
  expect(file && tree.read(file)).toBeUndefined();
});
