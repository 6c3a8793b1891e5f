import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installedClaudeCode } from "../../../../infra/agent/engines/claude-code/command.ts";
import type { Helper } from "../../../../infra/agent/sandbox/helper.ts";
import {
  launchSandboxed,
  launchUnconfined,
  socketsIn,
} from "../../../../infra/agent/sandbox/launch.ts";
import { arrange, type Isolation, makeFolders } from "../../../../infra/agent/sandbox/place.ts";
import { type CheckoutFailure, checkOut } from "../../../../infra/agent/workspace/checkout.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { GIT_TOKEN, startGitServer, THIEF } from "./git-server.ts";

const PATH = process.env["PATH"] ?? "";

/** An empty workspace, and git apart from the machine. */
async function startWorld(isolation: Isolation = "none") {
  const server = await startGitServer();
  const root = mkdtempSync(join(tmpdir(), "runyard-checkout-"));
  const folders = await makeFolders(root, isolation);
  const memoryBytes = 4 * 1024 ** 3;
  const wanted = {
    isolation,
    installed: installedClaudeCode(),
    agent: {},
    path: PATH,
    memoryBytes,
  };
  const { place, directory, sockets, plan } = await arrange(folders, wanted);
  const terminated = new AbortController();
  const helper: Helper = {
    path: place.path,
    temporary: place.temporary,
    clock: systemClock,
    terminated: terminated.signal,
    isCancelled: async () => false,
    log: () => {},
    patience: {
      deadlineMs: 15_000,
      idleMs: 15_000,
      graceMs: 100,
      lingerMs: 100,
      cancelPollMs: 1000,
      memoryBytes,
      processes: 100,
      diskBytes: Number.POSITIVE_INFINITY,
    },
    launch(command, environment) {
      const placed = { command, environment, directory, ...sockets };
      return plan ? launchSandboxed(placed, plan, PATH) : launchUnconfined(placed, {});
    },
  };
  const { egressSocket } = socketsIn(folders.sockets);
  return {
    server,
    helper,
    terminated,
    at: (name: string) => join(folders.workspace, name),
    read: (name: string) => readFileSync(join(folders.workspace, name), "utf8"),
    has: (name: string) => existsSync(join(folders.workspace, name)),
    checkOut: (ref: string, url = server.url, access = server.access) => {
      const isPrivate = access.credential !== undefined;
      return checkOut({ url, ref, isPrivate }, { helper, egressSocket, access });
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
    },
  };
}

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

const fault = (failure: string | CheckoutFailure): string => {
  if (typeof failure === "string") throw new Error(`checked out ${failure}`);
  expect(failure).toMatchObject({ failedStep: "checkout", stoppedBy: null });
  return failure.error ?? "";
};

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

const PRIVATE = "https://git.example/private";

test.each([GIT_TOKEN, `deploy:${GIT_TOKEN}\n`])(
  "a private repository is checked out with %j, which nothing of the workspace says",
  async (credential) => {
    await using world = await startWorld("bubblewrap");
    const { access, asked, commit } = world.server;
    const made = commit({ "a.txt": "1\n" });
    expect(await world.checkOut("HEAD", PRIVATE, { ...access, credential })).toBe(made);
    expect(world.read("a.txt")).toBe("1\n");
    expect(world.read(".git/config")).toContain(`url = ${PRIVATE}\n`);
    expect(asked.every(({ authorization }) => authorization?.startsWith("Basic "))).toBe(true);
    const found = execFileSync("bash", ["-c", 'grep -rlaE "$0" . || true', secretForms()], {
      cwd: world.at(".."),
    });
    expect(found.toString()).toBe("");
  },
);

/** What of the credential could be found, as an expression. */
const secretForms = (): string =>
  ["x-access-token", "deploy"]
    .map((user) => Buffer.from(`${user}:${GIT_TOKEN}`).toString("base64"))
    .concat(GIT_TOKEN)
    .join("|");

const REFUSED = [
  ["private", "wrong", "its host does not accept the credential (401)"],
  ["private", "somebody:else", "its host does not accept the credential (401)"],
  ["forbidden", GIT_TOKEN, "its host does not let the credential read it (403)"],
  ["nothing", GIT_TOKEN, "there is none, or the credential may not read it (404)"],
  ["private", "", "its credential is neither TOKEN nor USER:TOKEN"],
  ["private", "two words", "its credential is neither TOKEN nor USER:TOKEN"],
  ["private", "user:", "its credential is neither TOKEN nor USER:TOKEN"],
  ["private", "a\r\nX-B: c", "its credential is neither TOKEN nor USER:TOKEN"],
];

test("what is wrong with a credential is said in words", async () => {
  await using world = await startWorld();
  for (const [place, credential = "", why] of REFUSED) {
    const url = `https://git.example/${place}`;
    const access = { ...world.server.access, credential };
    expect(fault(await world.checkOut("HEAD", url, access))).toContain(
      `The repository ${url} cannot be checked out: ${why}`,
    );
  }
});

test("a redirect is followed within the host, with the credential; to another host it is not", async () => {
  await using world = await startWorld();
  const { access, asked, commit } = world.server;
  const made = commit({ "a.txt": "1\n" });
  const opened = { ...access, credential: GIT_TOKEN };
  expect(await world.checkOut("HEAD", "https://git.example/moved", opened)).toBe(made);
  for (const [place, why] of [
    ["stolen", "its host sends git to another one, or to a page"],
    ["circle", "its host sends git in circles"],
  ]) {
    const url = `https://git.example/${place}`;
    expect(fault(await world.checkOut("HEAD", url, opened))).toContain(why);
  }
  expect(asked.filter(({ host }) => host === THIEF)).toEqual([]);
});

test("a build that is ended from outside ends the checkout", async () => {
  await using world = await startWorld();
  world.terminated.abort();
  expect(await world.checkOut("HEAD")).toMatchObject({ stoppedBy: "terminated" });
});
