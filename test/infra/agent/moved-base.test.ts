import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommitEntry, readCommitFile } from "../../../shared/delivery/commit-file.ts";
import { startConversationWorld } from "./conversation-world.ts";
import { startGitServer } from "./workspace/git-server.ts";

const LINES = "one\ntwo\nthree\n";
const FILES = { "a.txt": LINES, "b.txt": LINES, "gone.txt": "gone\n" };

/** What git makes of a delivery: the base's tree with the entries, on both. */
function commitBy(
  folder: string,
  { parents, entries }: { parents: readonly string[]; entries: readonly CommitEntry[] },
): string {
  const options = {
    cwd: folder,
    env: { ...process.env, GIT_INDEX_FILE: join(folder, ".git", "made") },
  };
  const git = (args: readonly string[], input = "") =>
    execFileSync("git", [...args], { ...options, input })
      .toString()
      .trim();
  git(["read-tree", parents.at(-1) ?? ""]);
  for (const entry of entries) {
    if ("gone" in entry) git(["update-index", "--force-remove", entry.path]);
    else {
      const text = "text" in entry ? entry.text : "";
      const blob = git(["hash-object", "-w", "--stdin"], text);
      git(["update-index", "--add", "--cacheinfo", `${entry.mode},${blob},${entry.path}`]);
    }
  }
  const who = ["-c", "user.name=t", "-c", "user.email=t@invalid"];
  const on = parents.flatMap((parent) => ["-p", parent]);
  return git([...who, "commit-tree", git(["write-tree"]), ...on, "-m", "made"]);
}

test("a turn after a conflict begins with both sides, and what it decides can be merged", async () => {
  await using server = await startGitServer();
  const site = server.add("site");
  const base = site.commit(FILES);
  await using world = await startConversationWorld();
  const repository = { url: "https://git.example/more/site" };
  const settings = { repository, setupCommands: ["echo built > built.txt"] };
  const options = { repositories: server.access, settings, isDelivered: true as const };
  const work = "sed -i s/two/ours/ a.txt; sed -i s/one/ours/ b.txt; rm gone.txt; echo n > new.txt";
  const first = await world.turn(`run: ${work}`, options);
  const [theirs, both] = [LINES.replace("two", "theirs"), LINES.replace("three", "theirs")];
  // Its own merge driver would take one side without a word.
  const more = { "gone.txt": "kept\n", "more.txt": "more\n", ".gitattributes": "* merge=union\n" };
  const moved = site.commit({ "a.txt": theirs, "b.txt": both, ...more });
  const later = { ...options, restore: first.session, onto: "refs/heads/trunk" };
  const content = (turn: { output(name: string): Promise<string> }) =>
    turn.output("commit.jsonl").then((text) => readCommitFile(Buffer.from(text))?.[0]);

  const careless = await world.turn("run: cat a.txt b.txt gone.txt; git status --short", later);
  expect(careless.answer).toContain(
    "one\n<<<<<<< runyard/conversation\nours\n=======\ntheirs\n>>>>>>> runyard/base\nthree\n" +
      "ours\ntwo\ntheirs\nkept\n",
  );
  const asked = JSON.stringify(careless.requests[0]?.body);
  expect(asked.includes(`moved on to the commit ${moved}`)).toBe(true);
  expect(asked.includes(String.raw`These conflict: \"a.txt\", \"gone.txt\".`)).toBe(true);
  expect(careless.manifest.session).toMatchObject({ origin: "restored", commit: moved });
  expect(await content(careless)).toMatchObject({
    base: moved,
    without: expect.stringMatching(/still have the marks of a conflict .*: a\.txt\.$/),
  });

  // The next turn goes on from there, wherever the base is by then.
  const next = { ...options, restore: careless.session };
  const solved = await world.turn("run: printf 'one\\nboth\\nthree\\n' > a.txt; rm gone.txt", next);
  const made = await content(solved);
  expect(made).toMatchObject({ base: moved });
  expect(made?.entries).toEqual([
    { path: "a.txt", mode: "100644", text: "one\nboth\nthree\n" },
    { path: "b.txt", mode: "100644", text: "ours\ntwo\ntheirs\n" },
    { path: "gone.txt", gone: true },
    { path: "new.txt", mode: "100644", text: "n\n" },
  ]);
  const { git, folder } = site;
  const before = commitBy(folder, {
    parents: [base],
    entries: (await content(first))?.entries ?? [],
  });
  expect(() => git("merge-tree", "--write-tree", "trunk", before)).toThrow();
  const after = commitBy(folder, { parents: [before, moved], entries: made?.entries ?? [] });
  writeFileSync(join(folder, "last.txt"), "last\n");
  site.commit({});
  const merged = git("merge-tree", "--write-tree", "trunk", after);
  expect(git("ls-tree", "--name-only", merged).split("\n")).toEqual([
    ...[".gitattributes", "a.txt", "b.txt", "last.txt", "more.txt", "new.txt"],
  ]);

  // An attempt that goes on from one that was broken off is where that one was.
  const again = await world.turn("echo", { ...later, resume: solved.session });
  expect(again.manifest.session).toMatchObject({ origin: "restored", commit: moved });
  const same = (await content(again))?.entries.filter(({ path }) => path !== "hello.txt");
  expect(same).toEqual(made?.entries);
  expect(again.manifest.changedFiles.map(({ path }) => path)).toEqual([
    ...["a.txt", "gone.txt", "hello.txt"],
  ]);
}, 180_000);
