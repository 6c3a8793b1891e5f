import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { unpackTar } from "modern-tar";
import { TREE_LIMITS } from "../../../cli/here/listing.ts";
import { looksSecret } from "../../../cli/here/secret-like.ts";
import { forgetOld } from "../../../cli/here/sent-store.ts";
import { commandsOfArchive } from "../../../infra/agent/workspace/tree-archive.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { startHere } from "./here-world.ts";

async function unpacked(archive: Buffer): Promise<Record<string, string>> {
  const entries = await unpackTar(gunzipSync(archive));
  return Object.fromEntries(
    entries.map(({ header: { name, type, mode = 0, linkname }, data }) => {
      if (type === "symlink") return [name, `-> ${linkname}`];
      const text = Buffer.from(data ?? []).toString("latin1");
      return [name, type === "directory" ? "folder" : `${(mode & 0o100) === 0 ? "" : "x "}${text}`];
    }),
  );
}

test("a repository is sent as it is: tracked, changed and new files, not what is deleted or ignored", async () => {
  using here = startHere();
  here.git("init", "-q");
  here.put({
    ".gitignore": "*.log\nbuild/\n",
    "kept.txt": "kept\n",
    "changed.txt": "before\n",
    "gone.txt": "gone\n",
    "forced.log": "tracked all the same\n",
    "full/file": "1",
    ".gitattributes": "* text eol=lf\n",
  });
  here.git("add", "-f", ".");
  here.git("commit", "-qm", "one");
  here.git("rm", "-q", "gone.txt");
  here.put({
    "changed.txt": "after\r\n",
    "a b/ü.sh": { script: "run\n" },
    "b.log": "ignored",
    "build/out": "ignored",
    link: { link: "../../outside" },
    dead: { link: "nowhere" },
    "raw.bin": Buffer.from([0, 0xff, 13, 10]),
    "pointer.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
    "empty/below": "folder",
    "empty/other": "folder",
    "full/empty": "folder",
    "sub/own.txt": "of another repository\n",
  });
  spawnSync("git", ["init", "-q"], { cwd: here.at("sub") });
  here.put({ "sub/.gitignore": "x\n", "sub/x": "ignored there" });
  spawnSync("mkfifo", [here.at("pipe")]);
  writeFileSync(Buffer.concat([Buffer.from(`${here.root}/`), Buffer.from([0xff])]), "");
  const { packed, listing, remarks, store, sent } = await here.send();
  expect(await unpacked(packed.archive)).toEqual({
    ".gitattributes": "* text eol=lf\n",
    ".gitignore": "*.log\nbuild/\n",
    "a b/ü.sh": "x run\n",
    "changed.txt": "after\r\n",
    dead: "-> nowhere",
    "empty/below/": "folder",
    "empty/other/": "folder",
    "forced.log": "tracked all the same\n",
    "full/empty/": "folder",
    "full/file": "1",
    "kept.txt": "kept\n",
    link: "-> ../../outside",
    "pointer.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
    "raw.bin": "\0\u00ff\r\n",
    "sub/.gitignore": "x\n",
    "sub/own.txt": "of another repository\n",
  });
  expect(listing.repositories).toEqual(["sub"]);
  expect(listing.leftOut.sort()).toEqual(["\ufffd (no UTF-8)"]);
  expect(remarks).toEqual({ secrets: [], pointers: ["pointer.bin"], unsteady: [] });
  const pieces = [];
  for await (const one of commandsOfArchive(packed.archive, { name: "sent", folders: [] })) {
    pieces.push(one);
  }
  expect(pieces.at(-1)).toBe("done\n");
  const kept = spawnSync("git", [`--git-dir=${store.folder}`, "show", `${sent.plain}:changed.txt`]);
  expect(kept.stdout.toString()).toBe("after\r\n");
  expect(here.git("for-each-ref", "refs/sent")).toBe("");
});

test("a folder without git is sent without what nobody sends, and what its .gitignore names", async () => {
  using here = startHere();
  here.put({
    "a.txt": "a",
    "node_modules/x/index.js": "1",
    "deep/.venv/bin": "1",
    ".gitignore": "*.tmp\n",
    "b.tmp": "1",
    "project/src/main.ts": "1",
  });
  mkdirSync(here.at("project/.git"), { recursive: true });
  spawnSync("git", ["init", "-q"], { cwd: here.at("project") });
  const { packed, listing } = await here.send();
  expect(Object.keys(await unpacked(packed.archive))).toEqual([
    ".gitignore",
    "a.txt",
    "project/src/main.ts",
  ]);
  expect(listing).toMatchObject({ isRepository: false, repositories: ["project"] });
});

test("what looks like a secret is told, and stays where it is if that is said", async () => {
  using here = startHere();
  here.put({
    ".env": "TOKEN=1",
    ".env.example": "TOKEN=",
    "deploy/key.txt": "-----BEGIN OPENSSH PRIVATE KEY-----\n",
    "a.txt": "a",
  });
  const { remarks } = await here.send();
  expect(remarks.secrets).toEqual([".env", "deploy/key.txt"]);
  const { packed } = await here.send({ omitsSecrets: true });
  expect(Object.keys(await unpacked(packed.archive))).toEqual([".env.example", "a.txt"]);
});

test.each([
  [".env", "", true],
  ["app/.env.local", "", true],
  [".env.sample", "", false],
  ["certs/server.pem", "", true],
  ["home/.ssh/id_ed25519", "", true],
  ["home/.ssh/id_ed25519.pub", "", false],
  [".npmrc", "save-exact=true", false],
  [".npmrc", "//registry.example/:_authToken=abc", true],
  ["x/.aws/credentials", "", true],
  ["my-service-account-1.json", "", true],
  ["key.json", '{"private_key": "-----BEGIN PRIVATE KEY-----\\n"}', true],
  ["src/keys.ts", 'const head = "-----BEGIN PRIVATE KEY-----";', false],
  ["environment.ts", "", false],
])("whether %s with %j looks like a secret: %s", (path, content, isSecret) => {
  expect(looksSecret(path, Buffer.from(content))).toBe(isSecret);
});

test("what was sent long ago is no longer kept, and the API's bounds are those of the command", async () => {
  using here = startHere();
  here.put({ "a.txt": "a" });
  const { store } = await here.send();
  const refs = () =>
    spawnSync("git", [`--git-dir=${store.folder}`, "for-each-ref"]).stdout.toString();
  await forgetOld(store);
  expect(refs()).toMatch(/refs\/sent\/upl_/);
  const old = { ...here.env, GIT_COMMITTER_DATE: "2020-01-01T00:00:00Z" };
  const tree = spawnSync("git", [`--git-dir=${store.folder}`, "write-tree"]).stdout;
  const commit = ["commit-tree", tree.toString().trim(), "-m", "{}"];
  const made = spawnSync("git", [`--git-dir=${store.folder}`, ...commit], { env: old }).stdout;
  const update = ["update-ref", "refs/sent/upl_old", made.toString().trim()];
  spawnSync("git", [`--git-dir=${store.folder}`, ...update]);
  expect(refs()).toContain("upl_old");
  await forgetOld(store);
  expect(refs().trim().split("\n")).toHaveLength(1);
  const { treeEntries: entries, treeBytes: bytes, uploadBytes: packedBytes } = RUN_LIMITS;
  expect(TREE_LIMITS).toEqual({ entries, bytes, packedBytes });
});
