import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMMIT_LIMITS, readCommitFile } from "../../../shared/delivery/commit-file.ts";
import { startDeliveries } from "../../support/deliveries.ts";
import { startConversationWorld } from "./conversation-world.ts";
import { startGitServer } from "./workspace/git-server.ts";

const FILES = {
  "a.txt": "a\n",
  "gone.txt": "gone\n",
  link: "a.txt",
  ".gitattributes": "*.win text eol=crlf\n",
  "lines.win": "one\n",
};

async function startRepository() {
  const server = await startGitServer();
  const { git, folder, embed } = server.add("site");
  for (const [name, content] of Object.entries(FILES)) {
    if (name === "link") symlinkSync(content, join(folder, name));
    else writeFileSync(join(folder, name), content);
  }
  git("add", "-A");
  git("commit", "-qm", "one");
  const { commit } = server.add("inner");
  embed({ "sub ü": ["../inner", commit({ "in.txt": "in\n" })] });
  const repository = { url: "https://git.example/more/site", submodules: true };
  const settings = { repository, setupCommands: ["echo built > built.txt"] };
  const options = { repositories: server.access, settings, isDelivered: true as const };
  return { server, options, base: git("rev-parse", "HEAD") };
}

const WORK = [
  "echo b >> a.txt; rm gone.txt; printf '\\000\\377' > 'raw ü.bin'; mkdir d; echo d > d/e",
  "chmod +x d/e; ln -sf d/e link; printf 'one\\r\\ntwo\\r\\n' > lines.win; printf '\\303' > \"$(printf 'n\\377')\"",
  "echo more >> 'sub ü/in.txt'; echo new > 'sub ü/new.txt'",
].join("; ");

test("from a prompt to a pull request, and a turn later once more", async () => {
  const { server, options, base } = await startRepository();
  await using _server = server;
  await using world = await startConversationWorld();
  const files = [{ path: "given.txt", content: "for the agent\n" }];
  const first = await world.turn(`run: ${WORK}`, { ...options, files });
  const content = await first.output("commit.jsonl");
  expect(
    content
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { schemaVersion: 1, base, unnamed: 1, inSubmodules: 2 },
    { path: "a.txt", mode: "100644", text: "a\nb\n" },
    { path: "d/e", mode: "100755", text: "d\n" },
    { path: "gone.txt", gone: true },
    { path: "lines.win", mode: "100644", text: "one\ntwo\n" },
    { path: "link", mode: "120000", text: "d/e" },
    { path: "raw ü.bin", mode: "100644", base64: "AP8=" },
  ]);
  const second = await world.turn("run: rm d/e; echo f > f.txt", {
    ...options,
    restore: first.session,
  });
  const [all] = readCommitFile(Buffer.from(await second.output("commit.jsonl"))) ?? [];
  expect(all?.entries.map(({ path }) => path)).toEqual([
    ...["a.txt", "f.txt", "given.txt", "gone.txt", "lines.win", "link", "raw ü.bin"],
  ]);
  expect(second.manifest.session).toMatchObject({ origin: "restored", commit: base });
  await using deliveries = await startDeliveries();
  const { github } = deliveries;
  github.begin(base, FILES);
  const run = await deliveries.finish({ content });
  await deliveries.deliver(run);
  const made = await deliveries.repositoryOf(run);
  expect(made).toMatchObject({ baseCommit: base, pullRequest: { number: 1 } });
  expect(made?.why).toMatch(/Not in it: 1 file.* Not in it: 2 changed files in submodules/);
  const turn = await deliveries.finish({
    ...{ after: run, content: await second.output("commit.jsonl") },
  });
  await deliveries.deliver(turn);
  expect((await deliveries.repositoryOf(turn))?.pullRequest).toEqual(made?.pullRequest);
  expect(Object.keys(github.filesAt(made?.branch ?? ""))).toEqual([
    ...[".gitattributes", "a.txt", "f.txt", "given.txt", "lines.win", "link", "raw ü.bin"],
  ]);
}, 180_000);

test("more than there is room for is said instead of left", async () => {
  const { server, options, base } = await startRepository();
  await using _server = server;
  await using world = await startConversationWorld();
  const many = `for i in $(seq ${COMMIT_LIMITS.files + 1}); do echo $i > f$i; done`;
  const { output } = await world.turn(`run: ${many}`, options);
  expect(JSON.parse(await output("commit.jsonl"))).toEqual({
    ...{ schemaVersion: 1, base, unnamed: 0 },
    without: expect.stringContaining(`It changed ${COMMIT_LIMITS.files + 1} files with`),
  });
}, 180_000);
