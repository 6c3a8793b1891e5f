import { writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { startConversationWorld } from "../conversation-world.ts";
import { startWorld } from "./checkout-world.ts";
import { GIT_TOKEN, startGitServer, THIEF } from "./git-server.ts";

test("submodules that the run names are fetched with the credential, whatever form their address has", async () => {
  await using world = await startWorld("bubblewrap");
  const { access, add, asked } = world.server;
  const [deep, inner, main] = [add("deep"), add("inner"), add("main")];
  const leaf = deep.commit({ "leaf.txt": "leaf\n" });
  const first = inner.commit({ "in.txt": "1\n" });
  inner.commit({ "in.txt": "2\n" });
  inner.git("checkout", "-q", first);
  const nested = inner.embed({ deep: ["../deep", leaf] });
  main.commit({ "a.txt": "a\n" });
  main.embed({
    "sub dir/é": ["../inner", nested],
    ssh: ["git@git.example:locked/deep", leaf],
    open: ["https://git.example/more/deep", leaf],
  });
  const opened = { ...access, credential: GIT_TOKEN };
  const url = "https://git.example/locked/main";
  const named = ["https://git.example/locked/*", "https://git.example/more/deep.git"];
  expect(await world.checkOutAll(url, opened, { opened: named })).toEqual([]);
  expect(world.read("sub dir/é/in.txt")).toBe("1\n");
  expect(world.read("sub dir/é/deep/leaf.txt")).toBe("leaf\n");
  expect(world.read("ssh/leaf.txt")).toBe("leaf\n");
  expect(world.read("open/leaf.txt")).toBe("leaf\n");
  expect(world.read(".git/modules/ssh/config")).not.toContain("http://");
  expect(asked.every(({ authorization }) => authorization?.startsWith("Basic "))).toBe(true);
}, 60_000);

test("submodules of other hosts are fetched without the credential, and only where they are allowed", async () => {
  await using world = await startWorld();
  const { access, add, asked } = world.server;
  const [inner, main] = [add("inner"), add("main")];
  const made = inner.commit({ "in.txt": "1\n" });
  main.embed({ sub: [`https://${THIEF}/more/inner`, made] });
  const opened = { ...access, credential: GIT_TOKEN };
  const url = "https://git.example/locked/main";
  expect(await world.checkOutAll(url, opened)).toEqual([
    `Submodules that could not be fetched: sub (https://${THIEF}/more/inner: its host is not among allowedHosts).`,
  ]);
  expect(asked.filter(({ host }) => host === THIEF)).toEqual([]);
  for (const name of [".git", ".gitmodules", "sub"]) await rm(world.at(name), { recursive: true });
  expect(await world.checkOutAll(url, opened, { hosts: ["Thief.example"] })).toEqual([]);
  expect(world.read("sub/in.txt")).toBe("1\n");
  const stolen = asked.filter(({ host }) => host === THIEF);
  expect(stolen.length).toBeGreaterThan(0);
  expect(stolen.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
}, 60_000);

test("a hostile .gitmodules reads nothing with the credential that the run has not named", async () => {
  await using world = await startWorld();
  const { access, add, asked } = world.server;
  const [open, vault, main] = [add("open"), add("vault"), add("main")];
  const made = open.commit({ "o.txt": "o\n" });
  const secret = vault.commit({ "s.txt": "s\n" });
  main.embed({
    open: ["https://git.example/more/open", made],
    plain: ["https://git.example/locked/vault", secret],
    ssh: ["git@git.example:locked/vault", secret],
    relative: ["../vault", secret],
    suffix: ["https://git.example/locked/vault.git/", secret],
    // Whatever a server makes of them.
    dots: ["https://git.example/locked/open/../vault", secret],
    escaped: ["https://git.example/more/..%2flocked/vault", secret],
    doubled: ["https://git.example/more//locked/vault", secret],
    sibling: ["https://git.example/more-or-less/vault", secret],
    capitals: ["https://git.example/More/open", made],
  });
  const url = "https://git.example/locked/main";
  const opened = { ...access, credential: GIT_TOKEN };
  const [note = ""] = await world.checkOutAll(url, opened, {
    opened: ["https://git.example/locked/open", "https://git.example/more/*"],
  });
  expect(note).toMatch(/fetched: capitals, dots, doubled, escaped, plain and 4 more/);
  expect(note).toContain(
    "https://git.example/locked/vault: there is none, or it is not public; the credential opens what credential.submodules names",
  );
  expect(world.read("open/o.txt")).toBe("o\n");
  const authorized = asked.filter(({ authorization }) => authorization !== undefined);
  const places = new Set(
    authorized.map(({ url: path }) => /^\/(\w+\/[\w-]+)\//.exec(path ?? "")?.[1]),
  );
  expect(places).toEqual(new Set(["locked/main", "more/open"]));
}, 60_000);

test("submodules of a hostile repository lead nowhere and run nothing, and each is named", async () => {
  await using world = await startWorld("bubblewrap");
  const { add } = world.server;
  const main = add("main");
  const made = main.commit({ "a.txt": "a\n" });
  const command = "ext::sh -c touch% /workspace/ran% >&2";
  const hostile: Record<string, [string, string]> = {
    ext: [command, made],
    file: ["file:///workspace", made],
    here: [".", made],
    option: ["--upload-pack=touch /workspace/ran", made],
    plain: ["http://git.example/more/main", made],
    port: ["https://git.example:8443/more/main", made],
    user: ["https://u:p@git.example/more/main", made],
    none: ["https://git.example/more/none", made],
    link: ["https://git.example/more/main", made],
    gone: ["https://git.example/more/main", "1".repeat(40)],
  };
  main.embed(hostile);
  const url = "https://git.example/more/main";
  const [note = ""] = await world.checkOutAll(url);
  expect(world.read("plain/a.txt")).toBe("a\n");
  expect(note).toMatch(
    /^Submodules that could not be fetched: ext, file, gone, here, none and 2 more/,
  );
  // With this nothing of the file counts.
  const update = '[submodule "x"]\n\tpath = x\n\turl = .\n\tupdate = !touch /workspace/ran\n';
  main.git("update-index", "--add", "--cacheinfo", `160000,${made},x`);
  writeFileSync(join(main.folder, ".gitmodules"), update, { flag: "a" });
  main.git("add", ".gitmodules");
  main.git("commit", "-q", "-m", "a command");
  for (const name of await readdir(world.at("."))) await rm(world.at(name), { recursive: true });
  expect((await world.checkOutAll(url))[0]).toMatch(
    /fetched: ext, file, gone, here, link and 6 more/,
  );
  expect(world.has("ran")).toBe(false);
}, 60_000);

test("submodules end at some depth, however many there are below", async () => {
  await using world = await startWorld();
  const chain = world.server.add("chain");
  let made = chain.commit({ "a.txt": "0\n" });
  for (let level = 0; level < 5; level += 1) {
    made = chain.embed({ sub: ["https://git.example/more/chain", made] });
  }
  const notes = await world.checkOutAll("https://git.example/more/chain");
  expect(notes).toEqual(["Submodules that could not be fetched: sub/sub/sub/sub/sub."]);
}, 60_000);

test("what an agent changes in a submodule is in the patch, and there in the next turn", async () => {
  await using world = await startConversationWorld();
  await using server = await startGitServer();
  const [inner, main] = [server.add("inner"), server.add("main")];
  const made = inner.commit({ "in.txt": "1\n" });
  main.embed({ sub: ["../inner", made], lost: ["../none", made] });
  const repository = { url: "https://git.example/more/main", submodules: true };
  const options = { repositories: server.access, settings: { repository } };
  const first = await world.turn("run: echo 2 >> sub/in.txt; echo n > sub/new.txt", options);
  const paths = first.manifest.changedFiles.map(({ path }) => path);
  expect(paths).toEqual(["sub/in.txt", "sub/new.txt"]);
  const note =
    "Submodules that could not be fetched: lost (https://git.example/more/none: there is none";
  expect(first.manifest.session?.remark).toContain(note);
  expect(JSON.stringify(world.progress)).toContain(note);
  const second = await world.turn("run: cat sub/in.txt sub/new.txt; git -C sub status -s", {
    ...options,
    restore: first.session,
  });
  expect(second.answer).toContain("1\n2\nn\n M in.txt\n?? new.txt");
}, 120_000);
