import { lstatSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fault, startWorld } from "./checkout-world.ts";

test.each(["bubblewrap", "none"] as const)(
  "the head of a repository is checked out without history, with isolation %s",
  async (isolation) => {
    await using world = await startWorld(isolation);
    world.server.commit({ "a.txt": "1\n" });
    const commit = world.server.commit({ "a.txt": "2\n" });
    expect(await world.checkOut("HEAD")).toBe(commit);
    expect(world.read("a.txt")).toBe("2\n");
    expect(world.read(".git/shallow").trim()).toBe(commit);
    expect(world.read(".git/HEAD").trim()).toBe(commit);
  },
);

test.each(["repository", "dumb"])(
  "at /%s a branch, a tag and a commit are found, an abbreviated commit too",
  async (place) => {
    await using world = await startWorld();
    const { git, commit, url } = world.server;
    const first = commit({ "a.txt": "1\n" });
    git("tag", "-a", "v1", "-m", "one");
    git("checkout", "-q", "-b", "feature/x");
    const second = commit({ "a.txt": "2\n" });
    git("checkout", "-q", "trunk");
    const address = url.replace("repository", place);
    expect(await world.checkOut("v1", address)).toBe(first);
    expect(await world.checkOut("feature/x", address)).toBe(second);
    expect(await world.checkOut(first, address)).toBe(first);
    expect(await world.checkOut(second.slice(0, 9), address)).toBe(second);
    expect(world.read("a.txt")).toBe("2\n");
  },
);

test.each(["+plus", "tag", "dépôt", "$(id)'b"])(
  "the branch %s is no option, force or keyword to git",
  async (name) => {
    await using world = await startWorld();
    const { git, commit } = world.server;
    const made = commit({ "a.txt": "1\n" });
    git("update-ref", `refs/heads/${name}`, made);
    commit({ "a.txt": "2\n" });
    expect(await world.checkOut(name)).toBe(made);
  },
);

test("a repository's filters, submodules and links are checked out as they are", async () => {
  await using world = await startWorld();
  const { git, commit } = world.server;
  const module = '[submodule "sub"]\n\tpath = sub\n\turl = https://elsewhere.example/x\n';
  const file = commit({
    "plain.txt": "p\n",
    ".gitmodules": module,
    ".gitattributes": "* filter=lfs\n",
  });
  git("update-index", "--add", "--cacheinfo", `160000,${file},sub`);
  symlinkSync("/etc/passwd", join(world.server.folder, "link"));
  git("add", "link");
  git("commit", "-q", "-m", "links");
  expect(await world.checkOut("HEAD")).toBe(git("rev-parse", "HEAD"));
  expect(world.read("plain.txt")).toBe("p\n");
  expect(world.has("sub/.git")).toBe(false);
  expect(lstatSync(world.at("link")).isSymbolicLink()).toBe(true);
});

test.each<[string, string, string]>([
  ["https://git.example/repository", "none-such", "it has no branch, tag or commit none-such"],
  [
    "https://git.example/repository",
    "0".repeat(40),
    `it has no branch, tag or commit ${"0".repeat(40)}`,
  ],
  ["https://git.example/repository", "a..b", "invalid refspec"],
  ["https://git.example/nothing", "HEAD", "there is none, or it is not public"],
  ["https://git.example/private", "HEAD", "there is none, or it is not public"],
  ["https://other.example/x", "HEAD", "its host has no address"],
  ["https://git.example:8443/x", "HEAD", "only port 443 of a host can be reached"],
  ["https://[/x", "HEAD", "that is no address"],
])("%s at %s is refused: %s", async (url, ref, why) => {
  await using world = await startWorld();
  world.server.commit({ "a.txt": "1\n" });
  expect(fault(await world.checkOut(ref, url))).toContain(
    `The repository ${url} cannot be checked out: ${why === "invalid refspec" ? "fatal: " : ""}${why}`,
  );
});

test("a host in the private network is not reached", async () => {
  await using world = await startWorld();
  const access = {
    ...world.server.access,
    resolve: async () => [{ address: "10.0.0.1", family: 4 }],
  };
  expect(fault(await world.checkOut("HEAD", world.server.url, access))).toContain(
    "its host has no public address",
  );
});

test("a host whose certificate nobody vouches for is not believed", async () => {
  await using world = await startWorld();
  const { resolve, open } = world.server.access;
  const access = { ...(resolve && { resolve }), ...(open && { open }) };
  expect(fault(await world.checkOut("HEAD", world.server.url, access))).toContain(
    "the certificate of its host is not valid",
  );
});

test("a build that is ended from outside ends the checkout", async () => {
  await using world = await startWorld();
  world.terminated.abort();
  expect(await world.checkOut("HEAD")).toMatchObject({ stoppedBy: "terminated" });
});
