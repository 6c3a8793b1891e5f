import { createHash } from "node:crypto";
import type { Output } from "../../../shared/documents/manifest.ts";
import type { Session } from "../../../shared/documents/session.ts";
import { startConversationWorld } from "./conversation-world.ts";
import { startGitServer } from "./workspace/git-server.ts";

test.each(["bubblewrap", "none"] as const)(
  "each turn knows what was said and made in the turns before, with isolation %s",
  async (isolation) => {
    await using world = await startConversationWorld();
    const first = await world.turn("run: echo one > notes.txt; printf '\\000\\001' > raw.bin", {
      isolation,
    });
    expect(first.manifest.session).toEqual({
      id: world.sessionId,
      origin: "new",
      remark: "",
      commit: null,
      instructionsHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const second = await world.turn(
      "run: echo two >> notes.txt; mkdir d; mv raw.bin d; cat notes.txt",
      { isolation, restore: first.session },
    );
    expect(second.manifest.session).toEqual({
      ...first.manifest.session,
      origin: "restored",
    });
    expect(JSON.stringify(second.requests[0]?.body)).toContain("echo one > notes.txt");
    expect(second.answer).toContain("answered:\none\ntwo");
    expect(second.manifest.changedFiles.map(({ path, status }) => [path, status])).toEqual([
      ["d/raw.bin", "added"],
      ["notes.txt", "modified"],
      ["raw.bin", "deleted"],
    ]);
    expect(second.session?.workspace?.name).toBe("workspace.diff");
    const note = "# Runyard: This turn's changes alone; they apply on those of the turns before.";
    expect(await second.output("patch.diff")).toContain(note);
    expect(await first.output("patch.diff")).not.toContain("# Runyard");
    const third = await world.turn("run: cat notes.txt; od -An -tx1 d/raw.bin; ls", {
      isolation,
      restore: second.session,
    });
    expect(third.answer).toContain("one\ntwo\n 00 01\nd\nnotes.txt");
    expect(third.manifest.changedFiles).toEqual([]);
    const last = await world.turn("What did I ask before?", { isolation, restore: third.session });
    expect(last.answer).toMatch(/echo one .*then .*echo two .*then .*od -An/);
    expect(await world.leftovers()).toEqual([]);
  },
  180_000,
);

test("a session's costs go on from those of the turn before, and its totals are kept", async () => {
  await using world = await startConversationWorld();
  const settings = { model: "sonnet" };
  const first = await world.turn("spend 1000 tokens", { settings });
  const second = await world.turn("spend 500 tokens", { settings, restore: first.session });
  expect(first.session?.totalOutputTokens).toBe(1000);
  expect(second.session?.totalOutputTokens).toBe(1500);
  expect(second.session?.totalCostUsd).toBeCloseTo((first.session?.totalCostUsd ?? 0) * 1.5, 9);
});

test("changed instructions and tools count in the next turns, and the run says so once", async () => {
  await using world = await startConversationWorld();
  const toolsOf = (body: unknown) =>
    (body as { tools: { name: string }[] }).tools.map(({ name }) => name);
  const first = await world.turn("echo", { settings: { instructions: "Speak like ONE." } });
  const settings = { instructions: "Speak like TWO.", tools: ["Bash"] };
  const second = await world.turn("echo", { settings, restore: first.session });
  expect(second.manifest.session).toMatchObject({
    id: world.sessionId,
    origin: "restored",
    remark:
      "The agent's instructions or tools have changed since the turn before; the new ones count.",
  });
  const third = await world.turn("echo", { settings, restore: second.session });
  expect(third.manifest.session).toMatchObject({ origin: "restored", remark: "" });
  for (const { requests } of [second, third]) {
    const { body } = requests[0] ?? {};
    expect(JSON.stringify(body)).toContain("Speak like TWO.");
    expect(JSON.stringify(body)).not.toContain("Speak like ONE.");
    expect(toolsOf(body)).not.toContain("Write");
  }
}, 180_000);

test.each<[string, string]>([
  ["that is damaged", "is no longer kept, or damaged"],
  ["that is gone", "is no longer kept, or damaged"],
  ["of another engine", "it is one of other-agent"],
])("a session %s is lost, its files are not, and the run says so", async (how, why) => {
  await using world = await startConversationWorld();
  const { session } = await world.turn("Say hello.");
  if (session === null) throw new Error("no session was left");
  const restore = structuredClone(session);
  const file = world.bucket.file(restore.files[0]?.object ?? "");
  if (how === "that is damaged") await file.save("{}\n");
  if (how === "that is gone") await file.delete();
  if (how === "of another engine") restore.engine.name = "other-agent";
  const { manifest, answer, requests } = await world.turn("run: cat hello.txt", { restore });
  expect(manifest.session).toMatchObject({
    origin: "lost",
    remark: expect.stringMatching(
      new RegExp(
        `^The session of the turns before is lost, because .*${why}; their files are there`,
      ),
    ),
  });
  expect(manifest.session?.id).not.toBe(world.sessionId);
  expect(answer).toContain("Hello from Runyard.");
  expect(JSON.stringify(requests)).not.toContain("Say hello.");
  expect(manifest.outputs.map(({ name }) => name)).toContain(
    `session/${manifest.session?.id}.jsonl`,
  );
});

type World = Awaited<ReturnType<typeof startConversationWorld>>;

/** Uploads `content` and describes it as the output that `output` is. */
async function replaced(world: World, output: Output | null | undefined, content: string) {
  if (!output) throw new Error("there is no such output");
  const object = `replaced/${output.name}`;
  await world.bucket.file(object).save(content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { ...output, object, sizeBytes: Buffer.byteLength(content), sha256 };
}

/** A turn that says and writes something, and what it leaves. */
async function helloTurn(world: World): Promise<Session> {
  const { session } = await world.turn("Say hello.");
  if (session === null) throw new Error("no session was left");
  return session;
}

test("a session that the agent does not know is replaced in the same attempt", async () => {
  await using world = await startConversationWorld();
  const session = await helloTurn(world);
  const restore = { ...session, files: [await replaced(world, session.files[0], "")] };
  const { manifest, answer } = await world.turn("run: cat hello.txt", { restore });
  expect(manifest.session).toMatchObject({
    origin: "lost",
    remark:
      "The session of the turns before is lost, because the agent does not know it; their files are there.",
  });
  expect(manifest.facts).toMatchObject({ exitCode: 0, result: { is_error: false } });
  expect(answer).toContain("Hello from Runyard.");
}, 180_000);

test.each<[string, object, string]>([
  ["is damaged", { sha256: "0".repeat(64) }, "its patch.diff is no longer kept, or damaged"],
  ["does not apply", {}, "its patch.diff does not apply (error: x: No such file or directory)"],
])(
  "when the workspace's state %s, the session is dropped with it",
  async (_how, damage, why) => {
    await using world = await startConversationWorld();
    const session = await helloTurn(world);
    const diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n";
    const workspace = { ...(await replaced(world, session.workspace, diff)), ...damage };
    const { manifest, answer, requests } = await world.turn("run: ls -A; echo end", {
      restore: { ...session, workspace },
    });
    expect(manifest.session).toMatchObject({
      origin: "lost",
      remark: `What the turns before left is lost, because ${why}; this turn began anew.`,
    });
    expect(answer).toContain("answered:\nend");
    expect(JSON.stringify(requests)).not.toContain("Say hello.");
  },
  180_000,
);

test("a workspace whose diff says that it leaves something out is restored, and the run says so", async () => {
  await using world = await startConversationWorld();
  const session = await helloTurn(world);
  const [content] = await world.bucket.file(session.workspace?.object ?? "").download();
  const note = "2 files are too large or too many, and are left out.";
  const workspace = await replaced(world, session.workspace, `${content}# Runyard: ${note}\n`);
  const { manifest, answer } = await world.turn("run: cat hello.txt", {
    restore: { ...session, workspace },
  });
  expect(manifest.session).toMatchObject({
    origin: "restored",
    remark: `The workspace may miss something: ${note}`,
  });
  expect(answer).toContain("Hello from Runyard.");
}, 180_000);

test("a conversation on a repository keeps its commit and what the turns changed on top of it", async () => {
  await using world = await startConversationWorld();
  await using server = await startGitServer();
  const commit = server.commit({ "a.txt": "a\n", "b.bin": Buffer.from([0, 1, 2]), "c.txt": "c\n" });
  const options = {
    repositories: server.access,
    settings: { repository: { url: server.url } },
  };
  const first = await world.turn(
    "run: rm c.txt; printf '\\377\\000' > b.bin; git log --oneline | wc -l",
    options,
  );
  expect(first.manifest.session).toMatchObject({ origin: "new", commit });
  expect(first.manifest.changedFiles.map(({ path, status }) => [path, status])).toEqual([
    ["b.bin", "modified"],
    ["c.txt", "deleted"],
  ]);
  server.commit({ "a.txt": "later\n" });
  const second = await world.turn("run: echo 2 >> a.txt", { ...options, restore: first.session });
  expect(second.manifest.session).toMatchObject({ origin: "restored", commit });
  const third = await world.turn("run: ls; cat a.txt; od -An -tx1 b.bin; git status --short", {
    ...options,
    restore: second.session,
  });
  expect(third.answer).toContain("a.txt\nb.bin\na\n2\n ff 00\n M a.txt\n M b.bin\n D c.txt");
  const patch = await second.output("workspace.diff");
  expect(patch).not.toContain(".git/");
}, 180_000);

test("where the repository lost the commit, the conversation begins anew on the ref and says so", async () => {
  await using world = await startConversationWorld();
  await using server = await startGitServer();
  const commit = server.commit({ "a.txt": "a\n" });
  const options = { repositories: server.access, settings: { repository: { url: server.url } } };
  const { session } = await world.turn("echo", options);
  if (session === null) throw new Error("no session was left");
  const gone = "1".repeat(40);
  const { manifest } = await world.turn("echo", {
    ...options,
    restore: { ...session, commit: gone },
  });
  expect(manifest.session).toMatchObject({
    origin: "lost",
    commit,
    remark: expect.stringContaining(`the repository no longer has the commit ${gone}`),
  });
  const without = await world.turn("echo", { restore: session });
  expect(without.manifest.session).toMatchObject({
    origin: "lost",
    commit: null,
    remark: expect.stringContaining("no longer has the repository"),
  });
}, 180_000);

test("what setup commands do is done again in each turn and not restored twice", async () => {
  await using world = await startConversationWorld();
  const settings = { setupCommands: ["echo set up >> log.txt; echo made > made.txt"] };
  const first = await world.turn("run: echo agent >> log.txt; cat log.txt", { settings });
  expect(first.answer).toContain("answered:\nset up\nagent");
  expect(first.manifest.changedFiles.map(({ path }) => path)).toEqual(["log.txt"]);
  const second = await world.turn("run: cat log.txt made.txt", {
    settings,
    restore: first.session,
  });
  expect(second.answer).toContain("answered:\nset up\nagent\nset up\nmade");
  expect(second.manifest.session).toMatchObject({ origin: "restored", remark: "" });
});

test("a checkout that fails starts no agent, and the facts say why", async () => {
  await using world = await startConversationWorld();
  await using server = await startGitServer();
  server.commit({ "a.txt": "a\n" });
  const repository = { url: server.url, ref: "nowhere" };
  const { manifest, session, log } = await world.turn("Say hello.", {
    repositories: server.access,
    settings: { repository },
  });
  expect(manifest.facts).toMatchObject({
    started: false,
    failedStep: "checkout",
    stoppedBy: null,
    error: `The repository ${server.url} cannot be checked out: it has no branch, tag or commit nowhere.`,
  });
  expect(manifest.session).toBeNull();
  expect(session).toBeNull();
  expect(world.requests).toEqual([]);
  expect(log).toContain("the agent did not start: its checkout failed");
});
