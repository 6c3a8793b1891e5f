import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startConversationWorld } from "../conversation-world.ts";
import { fault, startWorld } from "./checkout-world.ts";
import { GIT_TOKEN, startGitServer, THIEF } from "./git-server.ts";
import { LFS_ATTRIBUTES, pointerOf } from "./lfs-store.ts";

const PRIVATE = "https://git.example/private";
/** Places of the host, for what it tells of a file. */
const at = (href: string, header = {}) => ({ actions: { download: { href, header } } });

test("files of Git LFS come with the credential, which only the repository's host sees", async () => {
  await using world = await startWorld("bubblewrap");
  const { access, asked, commit, lfs } = world.server;
  const contents = Array.from({ length: 30 }, () => randomBytes(3000));
  const pointers = contents.map((content, at) => [`${at}.bin`, lfs.add(content)] as const);
  commit({ ".gitattributes": LFS_ATTRIBUTES, "a.txt": "a\n", ...Object.fromEntries(pointers) });
  const opened = { ...access, credential: GIT_TOKEN };
  expect(await world.checkOutLfs(PRIVATE, opened)).toMatchObject({ notes: [] });
  for (const [index, content] of contents.entries()) {
    expect(world.read(`${index}.bin`)).toBe(content.toString("utf8"));
  }
  // Its host is asked once, for reading; the other host gets what it wants, and no credential.
  expect(lfs.questions.map(({ operation }) => operation)).toEqual(["download"]);
  expect(lfs.fetched).toHaveLength(30);
  expect(lfs.fetched.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  const own = asked.filter(({ host }) => host !== THIEF);
  expect(own.every(({ authorization }) => authorization?.startsWith("Basic "))).toBe(true);
  // Without a filter git would take each of them for changed.
  expect(world.inside("git status --short; git lfs ls-files | grep -c ' \\* '")).toBe("30\n");
  expect(world.inside("grep -rlaE 'store-key|thief' . || true")).toBe("");
}, 60_000);

test("without the setting they are pointers, and Git LFS is asked for nothing", async () => {
  await using world = await startWorld();
  const { commit, lfs } = world.server;
  const content = randomBytes(100);
  commit({ ".gitattributes": LFS_ATTRIBUTES, "a.bin": lfs.add(content) });
  await world.checkOut("HEAD");
  expect(world.read("a.bin")).toBe(pointerOf(content));
  expect(lfs.questions).toEqual([]);
});

test("a file on the own host comes with the credential, one behind a redirect to another without", async () => {
  await using world = await startWorld();
  const { access, commit, lfs } = world.server;
  const content = randomBytes(100);
  const [, oid = ""] = /sha256:(\w+)/.exec(lfs.add(content)) ?? [];
  commit({ ".gitattributes": LFS_ATTRIBUTES, "a.bin": pointerOf(content) });
  lfs.tell = () => at(`https://git.example/own/${oid}`);
  const opened = { ...access, credential: GIT_TOKEN };
  expect(await world.checkOutLfs(PRIVATE, opened)).toMatchObject({ notes: [] });
  await world.empty();
  lfs.fetched.length = 0;
  lfs.tell = () =>
    at(`https://git.example/away/${oid}`, { "X-Key": "x", Authorization: "Basic y" });
  expect(fault(await world.checkOutLfs(PRIVATE, opened))).toContain("is answered with 403");
  const [own, away] = lfs.fetched;
  expect(own).toMatchObject({ "x-key": "x", authorization: "Basic y" });
  expect(away).not.toHaveProperty("authorization");
  expect(away).not.toHaveProperty("x-key");
}, 60_000);

const CONTENT = randomBytes(100);
const [, OID = ""] = /sha256:(\w+)/.exec(pointerOf(CONTENT)) ?? [];

const HOSTILE: [name: string, tells: unknown, why: string][] = [
  ["another scheme", at(`http://git.example/own/${OID}`), "where only HTTPS on port 443 may lead"],
  ["another port", at(`https://git.example:8443/own/${OID}`), "where only HTTPS on port 443"],
  ["the metadata server", at("https://169.254.169.254/x"), "its host has no public address"],
  ["a private host", at("https://inside.example/x"), "its host has no address"],
  ["a file of this machine", at("file:///etc/passwd"), "where only HTTPS on port 443 may lead"],
  ["no address", at("x"), "where only HTTPS on port 443 may lead"],
  ["no content", { error: { code: 404 } }, `the file ${OID.slice(0, 12)}… of Git LFS (404)`],
  ["nothing", {}, `does not have the file ${OID.slice(0, 12)}… of Git LFS`],
  ["what never ends", at("https://git.example/endless/x"), "is not what its SHA-256 and size say"],
];

test("what a host tells of files leads only where HTTPS leads in public, and each fault is said", async () => {
  await using world = await startWorld();
  const { commit, lfs } = world.server;
  commit({ ".gitattributes": LFS_ATTRIBUTES, "a.bin": lfs.add(CONTENT) });
  for (const [, tells, why] of HOSTILE) {
    lfs.tell = () => tells;
    expect(fault(await world.checkOutLfs())).toContain(why);
    await world.empty();
  }
}, 120_000);

test("a file that is not what its pointer says, or more than there may be, ends the checkout", async () => {
  await using world = await startWorld();
  const { commit, lfs } = world.server;
  commit({ ".gitattributes": LFS_ATTRIBUTES, "a.bin": lfs.add(CONTENT) });
  for (const other of [randomBytes(100), randomBytes(99), Buffer.alloc(0)]) {
    lfs.replace(CONTENT, other);
    expect(fault(await world.checkOutLfs())).toContain("is not what its SHA-256 and size say");
    await world.empty();
  }
  const large = pointerOf(CONTENT).replace("size 100", `size ${5 * 1024 ** 3}`);
  commit({ "a.bin": large });
  expect(fault(await world.checkOutLfs())).toContain(
    "its files of Git LFS come to more than 4 GiB, which is the most",
  );
  await world.empty();
  expect(fault(await world.checkOutLfs("https://git.example/private"))).toContain("not public");
}, 60_000);

test("a repository's own configuration of Git LFS leads nowhere, and its filters run nothing", async () => {
  await using world = await startWorld("bubblewrap");
  const { asked, commit, lfs, folder } = world.server;
  const attributes = `${LFS_ATTRIBUTES}*.txt filter=evil\n*.lfsx filter=lfs diff=lfs\n`;
  writeFileSync(
    join(folder, ".lfsconfig"),
    `[lfs]
	url = https://${THIEF}/repository.git/info/lfs
	skipdownloaderrors = true
	concurrenttransfers = 100
	standalonetransferagent = evil
[lfs "customtransfer.evil"]
	path = touch
	args = /workspace/ran
[lfs "extension.evil"]
	clean = touch /workspace/ran
	smudge = touch /workspace/ran
	priority = 0
[remote "origin"]
	lfsurl = https://${THIEF}/repository.git/info/lfs
[filter "evil"]
	smudge = touch /workspace/ran
`,
  );
  const extended = pointerOf(CONTENT).replace("oid", `ext-0-evil sha256:${"0".repeat(64)}\noid`);
  commit({ ".gitattributes": attributes, "a.txt": "a\n", "a.bin": lfs.add(CONTENT) });
  expect(await world.checkOutLfs()).toMatchObject({ notes: [] });
  expect(world.read("a.bin")).toBe(CONTENT.toString("utf8"));
  expect(asked.filter(({ host, method }) => host === THIEF && method === "POST")).toEqual([]);
  await world.empty();
  commit({ "x.lfsx": extended });
  await world.checkOutLfs();
  expect(world.has("ran")).toBe(false);
}, 60_000);

test("submodules bring theirs, and one whose files cannot be had is named", async () => {
  await using world = await startWorld("bubblewrap");
  const { access, add, lfs } = world.server;
  const [inner, lost, main] = [add("inner"), add("lost"), add("main")];
  const made = inner.commit({ ".gitattributes": LFS_ATTRIBUTES, "a.bin": lfs.add(CONTENT) });
  const bad = lost.commit({
    ".gitattributes": LFS_ATTRIBUTES,
    "a.bin": pointerOf(randomBytes(10)),
  });
  main.commit({ "a.txt": "a\n" });
  main.embed({ inner: ["../inner", made], lost: ["../lost", bad] });
  const opened = { ...access, credential: GIT_TOKEN };
  const [note] = await world.checkOutAll("https://git.example/locked/main", opened, {
    opened: ["https://git.example/locked/inner", "https://git.example/locked/lost"],
  });
  expect(world.read("inner/a.bin")).toBe(CONTENT.toString("utf8"));
  expect(world.inside("git -C inner status --short")).toBe("");
  expect(note).toMatch(/fetched: lost \(https:.*lost.*its host does not have the file/);
}, 60_000);

test("a changed file is its pointer before and its content after, with and without Git LFS, in the next turn too", async () => {
  await using world = await startConversationWorld();
  await using server = await startGitServer();
  const [old, gone] = [randomBytes(2000), randomBytes(2000)];
  const files = { "a.bin": old, "gone.bin": gone, "same.bin": CONTENT, "text.bin": "one\n" };
  const contents = Object.entries(files).map(
    ([name, bytes]) => [name, Buffer.from(bytes)] as const,
  );
  server.commit({
    ".gitattributes": LFS_ATTRIBUTES,
    ...Object.fromEntries(contents.map(([name, content]) => [name, server.lfs.add(content)])),
  });
  const settings = { repository: { url: server.url, lfs: true } };
  const options = { repositories: server.access, settings };
  const prompt =
    "run: printf new > a.bin; rm gone.bin; echo two >> text.bin; head -c 99 /dev/zero > n.bin";
  const first = await world.turn(prompt, options);
  expect(first.manifest.changedFiles.map(({ path }) => path)).toEqual([
    ...["a.bin", "gone.bin", "n.bin", "text.bin"],
  ]);
  const patch = await first.output("patch.diff");
  expect(patch).toContain("-version https://git-lfs.github.com/spec/v1\n");
  expect(patch).toContain("\n+one\n+two\n");
  for (const isInstalled of [false, true]) {
    const clone = cloneOf(server, isInstalled ? contents : []);
    clone.git(["apply", "-"], patch);
    expect(clone.read("a.bin")).toBe("new");
    expect(clone.read("text.bin")).toBe("one\ntwo\n");
    expect(clone.has("gone.bin")).toBe(false);
    if (!isInstalled) continue;
    clone.git(["add", "-A"]);
    expect(clone.git(["show", ":a.bin"])).toBe(pointerOf(Buffer.from("new")));
    expect(clone.git(["show", ":n.bin"])).toBe(pointerOf(Buffer.alloc(99)));
  }
  const second = await world.turn("run: cat a.bin text.bin; git status --short", {
    ...options,
    restore: first.session,
  });
  expect(second.answer).toContain("newone\ntwo\n");
  expect(second.answer).toContain(" M a.bin\n D gone.bin\n M text.bin\n?? n.bin");
}, 120_000);

/** A clone, with Git LFS and these contents of its files if there are any. */
function cloneOf(
  { folder }: { folder: string },
  contents: readonly (readonly [name: string, content: Buffer])[],
) {
  const clone = mkdtempSync(join(tmpdir(), "runyard-clone-"));
  const env = {
    PATH: process.env["PATH"],
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
  };
  const git = (args: string[], input = "") =>
    execFileSync("git", args, {
      cwd: clone,
      env,
      input,
      stdio: ["pipe", "pipe", "pipe"],
    }).toString();
  git(["clone", "-q", folder, "."]);
  if (contents.length > 0) {
    git(["lfs", "install", "--local", "--skip-repo"]);
    for (const [name, content] of contents) writeFileSync(join(clone, name), content);
    git(["add", "-A"]);
  }
  const read = (name: string) => readFileSync(join(clone, name), "utf8");
  return { git, read, has: (name: string) => existsSync(join(clone, name)) };
}
