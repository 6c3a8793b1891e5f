import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startConversationWorld } from "../conversation-world.ts";
import { GIT_TOKEN, startGitServer } from "./git-server.ts";

const URL = "https://git.example";

/** A private repository in `shop`, with a submodule, and another one that everybody may read. */
async function startSeveral() {
  const server = await startGitServer();
  const [inner, open] = [server.add("inner"), server.add("open")];
  const made = inner.commit({ "in.txt": "in\n" });
  server.commit({ "a.txt": "a\n", ".gitattributes": "*.txt text\n" });
  open.commit({ "b.txt": "b\n", ".gitignore": "*.log\n" });
  const locked = server.add("main");
  locked.commit({ "a.txt": "a\n" });
  locked.embed({ sub: ["../inner", made], lost: ["../none", made] });
  const credential = {
    secret: "projects/p/secrets/s/versions/1",
    submodules: [`${URL}/locked/inner`, `${URL}/locked/none`],
  };
  const repositories = [
    { folder: "Web", url: `${URL}/more/open` },
    { folder: "shop", url: `${URL}/locked/main`, credential, submodules: true },
  ];
  const settings = { repositories };
  const options = {
    repositories: { ...server.access, credentials: ["", GIT_TOKEN] },
    settings,
    ...{ isDelivered: true as const, deliveredFolders: ["Web", "shop"] },
  };
  return { server, open, locked, options };
}

test("several repositories are in their folders, each read with its own credential, and one patch has all changes", async () => {
  await using world = await startConversationWorld();
  const { server, open, locked, options } = await startSeveral();
  await using _ = server;
  const prompt =
    "run: git -C Web status --short; echo c >> Web/b.txt; echo c > shop/sub/new.txt; echo c > new.txt; git init -q other";
  const first = await world.turn(prompt, options);
  const changed = first.manifest.changedFiles.map(({ path }) => path);
  expect(changed).toEqual(["Web/b.txt", "new.txt", "shop/sub/new.txt"]);
  const { session, omitted } = first.manifest;
  const commits = { Web: open.git("rev-parse", "HEAD"), shop: locked.git("rev-parse", "HEAD") };
  expect(session).toMatchObject({ commit: null, commits });
  expect(session?.remark).toContain("Submodules that could not be fetched: shop/lost");
  // Its data is the agent's own, and no file.
  expect(omitted?.files).toEqual([{ path: "other/.git/", why: "repository" }]);
  // What is outside of the repositories, and in a submodule, is in no commit of theirs.
  const lines = (await first.output("commit.jsonl")).split("\n").filter(Boolean);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { schemaVersion: 1, folder: "Web", base: commits.Web, unnamed: 0, elsewhere: 1 },
    { path: "b.txt", mode: "100644", text: "b\nc\n" },
    {
      ...{ schemaVersion: 1, folder: "shop", base: commits.shop, unnamed: 0 },
      ...{ inSubmodules: 1, elsewhere: 1 },
    },
  ]);
  const sentTo = (place: string) =>
    server.asked.filter(({ url }) => url?.startsWith(place)).map((one) => one.authorization);
  expect(new Set(sentTo("/more/open"))).toEqual(new Set([undefined]));
  expect(sentTo("/locked/main").every((value) => value?.startsWith("Basic "))).toBe(true);

  const folder = mkdtempSync(join(tmpdir(), "runyard-several-"));
  for (const [name, { folder: from }] of Object.entries({ Web: open, shop: locked })) {
    execFileSync("git", ["clone", "-q", from, join(folder, name)]);
  }
  execFileSync("git", ["apply"], { cwd: folder, input: await first.output("patch.diff") });
  expect(readFileSync(join(folder, "Web/b.txt"), "utf8")).toBe("b\nc\n");

  // The repositories have moved on; the conversation has not.
  open.commit({ "b.txt": "later\n" });
  const { session: left } = first;
  if (left === null) throw new Error("nothing was left");
  const second = await world.turn("run: cat Web/b.txt shop/sub/*; git -C Web status -s", {
    ...options,
    restore: left,
  });
  expect(second.answer).toContain("b\nc\nin\nc\n M b.txt");
  expect(second.manifest.session).toMatchObject({ origin: "restored", commits });
  expect(second.session?.commits).toEqual(commits);

  // What was left needs each of them, at its commit.
  const gone = { ...left, commits: { ...left.commits, Web: "1".repeat(40) } };
  const lost = await world.turn("run: ls", { ...options, restore: gone });
  expect(lost.manifest.session?.remark).toContain(
    `the repository no longer has the commit ${"1".repeat(40)}; this turn began anew`,
  );
  const fewer = { repositories: options.settings.repositories.slice(0, 1) };
  const other = await world.turn("run: ls", { ...options, settings: fewer, restore: left });
  expect(other.manifest.session?.remark).toContain("no longer has the repository that they began");
}, 180_000);

test("a repository that cannot be read is named, and the credential of another does not open it", async () => {
  await using world = await startConversationWorld();
  const { server, options } = await startSeveral();
  await using _ = server;
  const { access } = server;
  const swapped = { ...access, credential: GIT_TOKEN, credentials: [GIT_TOKEN, "wrong"] };
  const { manifest } = await world.turn("run: ls", { ...options, repositories: swapped });
  expect(manifest.facts).toMatchObject({ failedStep: "checkout" });
  expect(manifest.facts.error).toContain(
    `The repository ${URL}/locked/main cannot be checked out: its host does not accept the credential (401)`,
  );
}, 60_000);
