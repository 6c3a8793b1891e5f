import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { mergeOnto, treeAfter } from "../../../cli/here/merge.ts";
import { type Content, startHere } from "./here-world.ts";

type World = ReturnType<typeof startHere>;
type Sent = Awaited<ReturnType<World["send"]>>;

/** The patch of an agent, as the runner makes it: byte for byte, and with remarks behind it. */
function patchOf(here: World, { store, sent }: Sent, change: (agent: World) => void): Buffer {
  using agent = startHere();
  const git = (...args: string[]) =>
    execFileSync("git", [`--git-dir=${store.folder}`, `--work-tree=${agent.root}`, ...args], {
      env: { ...here.env, GIT_INDEX_FILE: join(agent.folder, "index") },
      cwd: agent.root,
    });
  git("read-tree", sent.withFiles);
  git("checkout-index", "--all");
  change(agent);
  git("add", "--all", "--force", ".");
  const diff = git("diff", "--cached", "-p", "--binary", "--full-index", "-M", sent.withFiles);
  return Buffer.concat([diff, Buffer.from("# Runyard: a remark\n")]);
}

async function merged(
  here: World,
  { store, sent }: Sent,
  { patch, base = sent.withFiles }: { patch: Buffer; base?: string },
) {
  const isRepository = existsSync(here.at(".git"));
  return mergeOnto(store, { ...here, isRepository }, { base, patch, name: "run_1" });
}

const LINES = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
const TREE: Record<string, Content> = {
  "a.txt": LINES,
  "b.txt": LINES,
  "crlf.txt": "one\r\ntwo\r\n",
  "gone.txt": "gone\n",
  "moved.txt": "a long line that says that this is it\nand another one\n",
  "raw.bin": Buffer.from([0, 1, 2, 3]),
  "tool.sh": "run\n",
  ".gitattributes": "*.txt text eol=lf\n",
  ".gitignore": "ignored*\n",
};

/** What an agent makes of it. */
function work(agent: World): void {
  agent.put({
    "a.txt": LINES.replace("2", "two"),
    "crlf.txt": "one\r\nzwei\r\n",
    "raw.bin": Buffer.from([9, 0, 9]),
    "new/file.txt": "new\n",
    link: { link: "a.txt" },
    "later.txt": agent.at("moved.txt") && readFileSync(agent.at("moved.txt"), "utf8"),
  });
  rmSync(agent.at("moved.txt"));
  rmSync(agent.at("gone.txt"));
  chmodSync(agent.at("tool.sh"), 0o755);
}

test.each([
  ["a repository", true],
  ["a folder without git", false],
])(
  "what a run changed comes back onto %s that moved on, and a second time nothing",
  async (_, isRepository) => {
    using here = startHere();
    if (isRepository) here.git("init", "-q");
    here.put(TREE);
    const sent = await here.send();
    const patch = patchOf(here, sent, work);
    const onto = {
      "a.txt": LINES.replace("9", "nine"),
      "b.txt": "mine\n",
      "own.txt": "dirty and untracked\n",
      "ignored.txt": "ignored\n",
    };
    here.put(onto);
    const b = statSync(here.at("b.txt"), { bigint: true });
    {
      await using merge = await merged(here, sent, { patch });
      expect(merge.conflicts).toEqual([]);
      expect(existsSync(here.at("new"))).toBe(false);
      await merge.write();
    }
    const read = (path: string) => readFileSync(here.at(path), "latin1");
    expect(read("a.txt")).toBe("1\ntwo\n3\n4\n5\n6\n7\n8\nnine\n");
    expect([read("crlf.txt"), read("raw.bin"), read("new/file.txt")]).toEqual([
      "one\r\nzwei\r\n",
      "\t\0\t",
      "new\n",
    ]);
    expect([read("b.txt"), read("own.txt"), read("ignored.txt")]).toEqual([
      "mine\n",
      onto["own.txt"],
      "ignored\n",
    ]);
    expect(statSync(here.at("b.txt"), { bigint: true }).ctimeNs).toBe(b.ctimeNs);
    expect(["gone.txt", "moved.txt"].filter((path) => existsSync(here.at(path)))).toEqual([]);
    expect(statSync(here.at("tool.sh")).mode & 0o111).not.toBe(0);
    expect(lstatSync(here.at("link")).isSymbolicLink()).toBe(true);
    if (isRepository) expect(here.git("ls-files")).toBe("");
    await using again = await merged(here, sent, { patch });
    expect([again.conflicts, again.paths]).toEqual([[], []]);
  },
);

test("what was renamed here is changed under its new name", async () => {
  using here = startHere();
  here.put(TREE);
  const sent = await here.send();
  const patch = patchOf(here, sent, (agent) => agent.put({ "a.txt": LINES.replace("5", "five") }));
  here.put({ "renamed.txt": LINES });
  rmSync(here.at("a.txt"));
  await using merge = await merged(here, sent, { patch });
  expect([merge.conflicts, merge.paths]).toEqual([[], ["renamed.txt"]]);
  await merge.write();
  expect(readFileSync(here.at("renamed.txt"), "utf8")).toContain("five");
});

test("conflicts are said, and stand in the files when the merge is written; the rest is applied", async () => {
  using here = startHere();
  here.put(TREE);
  const sent = await here.send();
  const patch = patchOf(here, sent, work);
  here.put({ "a.txt": LINES.replace("2", "deux"), "raw.bin": Buffer.from([7, 0]) });
  here.put({ "gone.txt": "changed here\n", link: "a file here\n", ignored: "x" });
  await using merge = await merged(here, sent, { patch });
  expect(merge.conflicts.map((line) => line.replace(/:.*/, "")).sort()).toEqual([
    "CONFLICT (content)",
    "CONFLICT (content)",
    "CONFLICT (distinct types)",
    "CONFLICT (modify/delete)",
    "warning",
  ]);
  await merge.write();
  const read = (path: string) => readFileSync(here.at(path), "latin1");
  expect(read("a.txt")).toContain("<<<<<<< yours\ndeux\n=======\ntwo\n>>>>>>> run_1\n");
  expect(read("raw.bin")).toBe("\u0007\0");
  expect(read("gone.txt")).toBe("changed here\n");
  expect(read("new/file.txt")).toBe("new\n");
});

test("what is ignored here is overwritten by nothing, and no link leads a change elsewhere", async () => {
  using here = startHere();
  here.git("init", "-q");
  here.put(TREE);
  const sent = await here.send();
  const patch = patchOf(here, sent, (agent) => agent.put({ "ignored.txt": "of the agent\n" }));
  here.put({ "ignored.txt": "mine\n" });
  {
    await using merge = await merged(here, sent, { patch });
    expect(merge.conflicts).toEqual([expect.stringContaining("ignored.txt")]);
  }
  const below = patchOf(here, sent, (agent) => agent.put({ "ignored-dir/file": "x" }));
  symlinkSync(here.folder, here.at("ignored-dir"));
  await expect(merged(here, sent, { patch: below })).rejects.toThrow(
    "ignored-dir/file cannot be written: ignored-dir is no folder. Nothing was changed",
  );
});

test("a change that cannot be written is said, with what is changed nevertheless", async () => {
  using here = startHere();
  here.put({ ...TREE, "z.txt": "z\n" });
  const sent = await here.send();
  const patch = patchOf(here, sent, (agent) => agent.put({ "a.txt": "1\n", "z.txt": "zz\n" }));
  await using merge = await merged(here, sent, { patch });
  here.put({ "z.txt": "changed meanwhile\n" });
  await expect(merge.write()).rejects.toThrow(/z\.txt.*not uptodate[\s\S]*Nothing was changed\./);
  expect(readFileSync(here.at("a.txt"), "utf8")).toBe(LINES);
});

test("a later turn's patch is against what the turns before it left, files of the request too", async () => {
  using here = startHere();
  here.put(TREE);
  const content = Buffer.from("attached\n");
  const file = { path: "attached.txt", kind: "file", sizeBytes: 9, isExecutable: false } as const;
  const sent = await here.send({ files: [{ ...file, content }] });
  const first = patchOf(here, sent, (agent) => agent.put({ "attached.txt": "changed\n" }));
  await using merge = await merged(here, sent, { patch: first });
  expect(merge.conflicts).toEqual([expect.stringContaining("attached.txt")]);
  const second = patchOf(here, sent, (agent) => agent.put({ "b.txt": "of turn 1\n" }));
  const base = await treeAfter(sent.store, sent.sent.plain, second);
  here.put({ "b.txt": "of turn 1\n" });
  const next = Buffer.from(
    "diff --git a/b.txt b/b.txt\n--- a/b.txt\n+++ b/b.txt\n@@ -1 +1 @@\n-of turn 1\n+of turn 2\n",
  );
  await using later = await merged(here, sent, { patch: next, base });
  expect([later.conflicts, later.paths]).toEqual([[], ["b.txt"]]);
  await expect(merged(here, sent, { patch: next })).rejects.toThrow("git apply failed");
});
