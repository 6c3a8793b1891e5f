import { execFileSync } from "node:child_process";
import { fault, startWorld } from "./checkout-world.ts";
import { GIT_TOKEN, THIEF } from "./git-server.ts";

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
