import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sessionOf } from "../../../shared/attempt/result.ts";
import type { Checkpoint } from "../../../shared/documents/manifest.ts";
import { eventually } from "../../support/eventually.ts";
import { startConversationWorld } from "./conversation-world.ts";
import { startGitServer } from "./workspace/git-server.ts";

const TIMEOUT_MS = 180_000;

test(
  "a request's files replace what a repository has there, and only what the agent changes is in the patch",
  async () => {
    await using server = await startGitServer();
    const inRepository = (path: string) => join(server.folder, path);
    writeFileSync(inRepository(".gitattributes"), "* text eol=crlf\n");
    symlinkSync("/tmp", inRepository("docs"));
    mkdirSync(inRepository("data"));
    writeFileSync(inRepository("data/old.txt"), "old\n");
    writeFileSync(inRepository("kept.txt"), "kept\n");
    server.git("add", ".");
    server.git("commit", "-qm", "one");
    await using world = await startConversationWorld();
    const options = { repositories: server.access, settings: { repository: { url: server.url } } };
    const files = [
      { path: "docs/notes.md", content: "one\ntwo\n" },
      { path: "data", content: "now a file\n" },
      { path: "new/ü.bin", base64: "AAEN/w==" },
      { path: "tool.sh", content: "echo from the tool\n", executable: true },
    ];
    const look =
      "ls /tmp | grep notes; cat docs/notes.md data; od -An -tx1 new/ü.bin; ./tool.sh; echo 3 >> docs/notes.md; git status --short | head -3";
    const first = await world.turn(`run: ${look}`, { ...options, files });
    expect(first.answer).toContain(
      "answered:\none\ntwo\nnow a file\n 00 01 0d ff\nfrom the tool\n",
    );
    expect(first.manifest.changedFiles).toEqual([
      { path: "docs/notes.md", status: "modified", added: 1, removed: 0 },
    ]);
    const patch = await first.output("patch.diff");
    expect(patch).toContain(" two\n+3\n");
    expect(patch).toContain("# Runyard: The files of the request are not in it");
    const second = await world.turn("run: cat docs/notes.md data kept.txt; ls data new", {
      ...options,
      restore: first.session,
    });
    expect(second.answer).toContain("one\ntwo\n3\nnow a file\nkept\r\n");
    expect(second.manifest.session).toMatchObject({ origin: "restored", remark: "" });
    expect(second.manifest.changedFiles).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "an attempt that goes on from the one before it has the files as that one left them",
  async () => {
    await using world = await startConversationWorld();
    const before = await world.turn("run: echo base > base.txt; mkdir d; echo 1 > d/1; echo 2 > x");
    const restore = before.session;
    const files = [
      { path: "base.txt", content: "given\n" },
      { path: "d", content: "given as a file\n" },
      { path: "given.txt", content: "given, too\n" },
    ];
    const flag = join(world.root, "go-on");
    const prompt = `run each:\necho more >> given.txt; rm d; echo own > own.txt\nuntil [ -e ${flag} ]; do sleep 0.2; done`;
    const losing = world.turn(prompt, { restore, files, isolation: "none" });
    const stored = await storedWith(world, "own.txt");
    writeFileSync(flag, "");
    expect((await losing).manifest.changedFiles).toHaveLength(3);
    const resume = sessionOf(stored, world.bucket.name);
    const second = await world.turn("not told", { restore, resume, files });
    expect(second.manifest.session).toMatchObject({ origin: "restored", remark: "" });
    expect(second.log.join("\n")).not.toContain("cannot be used");
    // What the agent makes of its new beginning is not looked at.
    const changed = second.manifest.changedFiles
      .filter(({ path }) => path !== "hello.txt")
      .map(({ path, status }) => [path, status]);
    expect(changed).toEqual([
      ["d", "deleted"],
      ["given.txt", "modified"],
      ["own.txt", "added"],
    ]);
    const next = await world.turn("run: cat base.txt given.txt own.txt x; ls", {
      restore: second.session,
      isolation: "none",
      files: [{ path: "last.txt", content: "" }],
    });
    expect(next.answer).toContain("given\ngiven, too\nmore\nown\n2\nbase.txt\ngiven.txt\n");
    expect(next.answer).toContain("last.txt");
    expect(next.manifest.changedFiles).toEqual([]);
  },
  TIMEOUT_MS,
);

/** The first checkpoint of the second run that has a file. */
async function storedWith(
  { bucket, read }: Awaited<ReturnType<typeof startConversationWorld>>,
  path: string,
): Promise<Checkpoint> {
  let found: Checkpoint | undefined;
  await eventually(async () => {
    const [files] = await bucket.getFiles({ prefix: "attempts/run_2/" });
    const names = files
      .map(({ name }) => name)
      .filter((name) => /checkpoints\/\d+\.json$/.test(name));
    const all: Checkpoint[] = await Promise.all(
      names.map(async (name) => JSON.parse(await read(name))),
    );
    found = all.find(({ changedFiles }) => changedFiles.some((file) => file.path === path));
    expect(found).toBeDefined();
  });
  return found as Checkpoint;
}
