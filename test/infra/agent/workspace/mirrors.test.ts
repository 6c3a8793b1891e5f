import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GIT_TOKEN } from "./git-server.ts";
import { type MirrorWorld, startMirrorWorld } from "./mirror-world.ts";

const PRIVATE = "https://git.example/private";
const LARGE = 400_000;
const TEXT = { "a.txt": "1\n" };
/** So many that git writes them with several processes. */
const MANY = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`many-${n}.txt`, `${n}\n`]));

/** A commit whose pack is worth a mirror. */
const largeCommit = ({ server }: MirrorWorld, more: Record<string, string | Buffer | null> = {}) =>
  server.commit({ ...TEXT, "large.bin": randomBytes(LARGE), ...more });

const packsAsked = ({ server }: MirrorWorld): number =>
  server.asked.filter(({ method }) => method === "POST").length;

test("a checkout leaves a mirror, from which the next has what the host need not send, and no more than without", async () => {
  await using world = await startMirrorWorld("bubblewrap");
  const { server } = world;
  const secret = randomBytes(1000);
  const first = largeCommit(world, { "secret.bin": secret, ...MANY });
  expect(await world.attempt()).toMatchObject({ commit: first, fetched: undefined, status: "" });
  const left = await world.generationOf(server.url);
  expect(left).toBeGreaterThan(0);
  expect((await world.objectOf(server.url).getMetadata())[0].metadata).toEqual({ commit: first });

  const same = await world.attempt();
  expect(same).toMatchObject({ commit: first, status: "" });
  expect(same.fetched).toMatch(/^0\.4 MB, 0\.4 MB of them from its mirror$/);

  const second = server.commit({ "b.txt": "2\n", "secret.bin": null });
  server.git("branch", "other", first);
  const next = await world.attempt();
  expect(next).toMatchObject({ commit: second, status: "", shallow: `${second}\n` });
  expect(next.fetched).toMatch(/^0\.4 MB, 0\.4 MB of them/);
  const branch = await world.attempt({ ref: "other" });
  expect(branch).toMatchObject({ commit: first, status: "", shallow: `${first}\n` });
  // What was fetched beyond it is not worth another.
  expect(await world.generationOf(server.url)).toBe(left);

  await world.objectOf(server.url).delete();
  const plain = await world.attempt();
  expect(plain.fetched).toBeUndefined();
  expect(next.objects).toEqual(plain.objects);
  expect(next.shallow).toBe(plain.shallow);
  const gone = execFileSync("git", ["hash-object", "--stdin"], { input: secret }).toString().trim();
  expect(same.objects).toContain(gone);
  expect(next.objects).not.toContain(gone);
}, 120_000);

test("a mirror is replaced where the host had to send much beside it; builds need what they are given", async () => {
  await using world = await startMirrorWorld();
  const { server } = world;
  largeCommit(world);
  await world.attempt();
  const left = await world.generationOf(server.url);
  const second = largeCommit(world, { "more.bin": randomBytes(LARGE) });
  expect(await world.attempt()).toMatchObject({ commit: second, status: "" });
  expect(await world.generationOf(server.url)).toBeGreaterThan(left);
  expect((await world.objectOf(server.url).getMetadata())[0].metadata).toEqual({ commit: second });
  const verbs = ["create", "delete", "get"].map((verb) => `storage.objects.${verb}`);
  expect([...new Set(world.needed())].sort()).toEqual(verbs);
  expect(readdirSync(world.root).filter((name) => name.startsWith("mirror-"))).toEqual([]);
});

test("nobody has of a mirror what the host does not let them have: other owners, no or a revoked credential", async () => {
  await using world = await startMirrorWorld();
  const made = largeCommit(world);
  const credential = GIT_TOKEN;
  await world.attempt({ url: PRIVATE, credential });
  expect(await world.generationOf(PRIVATE)).toBeGreaterThan(0);

  for (const refused of [undefined, "revoked"]) {
    const without = await world.attempt({ url: PRIVATE, credential: refused });
    expect(without.error).toMatch(/a private one needs a credential|\(401\)/);
    expect(without.objects).toEqual([""]);
  }
  const posts = packsAsked(world);
  const other = { url: PRIVATE, credential, owner: "bob@example.com" };
  expect(await world.attempt(other)).toMatchObject({ commit: made, fetched: undefined });
  expect(packsAsked(world)).toBeGreaterThan(posts);
  // Its own, from then on.
  expect((await world.attempt(other)).fetched).toContain("from its mirror");
  expect((await world.attempt({ url: PRIVATE, credential })).fetched).toContain("from its mirror");
});

test("a commit that the host has no more is not had of a mirror", async () => {
  await using world = await startMirrorWorld();
  const { git, url } = world.server;
  const gone = largeCommit(world);
  await world.attempt();
  git("commit", "-q", "--amend", "-m", "another");
  git("reflog", "expire", "--expire=now", "--all");
  git("gc", "-q", "--prune=now");
  const { error } = await world.attempt({ url, ref: gone });
  expect(error).toContain(`it has no branch, tag or commit ${gone}`);
  expect(await world.attempt()).toMatchObject({ status: "", error: undefined });
});

/** What may be in the place of a mirror: its content, and the commit that it says. */
type Damage = (mirror: { pack: Buffer; commit: string; world: MirrorWorld }) => {
  content: Buffer;
  commit?: string;
};

const foreign = (world: MirrorWorld): { pack: Buffer; commit: string } => {
  const { folder, git, commit } = world.server.add("foreign");
  const made = commit({ "a.txt": "poison\n", "evil.sh": "evil\n" });
  git("repack", "-adq");
  const packs = join(folder, ".git/objects/pack");
  const [name = ""] = readdirSync(packs).filter((each) => each.endsWith(".pack"));
  return { pack: readFileSync(join(packs, name)), commit: made };
};

const DAMAGES: readonly [string, boolean, Damage][] = [
  ["is truncated", false, ({ pack }) => ({ content: pack.subarray(0, pack.length / 2) })],
  ["is empty", false, () => ({ content: Buffer.alloc(0) })],
  ["has another byte", false, ({ pack }) => ({ content: flipped(pack) })],
  ["is no pack", false, () => ({ content: randomBytes(5000) })],
  [
    "names a commit that it lacks",
    false,
    ({ pack }) => ({ content: pack, commit: "1".repeat(40) }),
  ],
  ["names no commit", false, ({ pack }) => ({ content: pack, commit: "HEAD; touch /tmp/x" })],
  ["lacks an object", false, ({ world, commit }) => ({ content: packOf(world, [commit]) })],
  ["is another repository's", true, ({ world }) => foreignDamage(world)],
];

const foreignDamage = (world: MirrorWorld) => {
  const { pack: content, commit } = foreign(world);
  return { content, commit };
};

function flipped(pack: Buffer): Buffer {
  const other = Buffer.from(pack);
  other[pack.length >> 1] = (other[pack.length >> 1] ?? 0) ^ 1;
  return other;
}

const packOf = ({ server }: MirrorWorld, ids: readonly string[]): Buffer =>
  execFileSync("git", ["-C", server.folder, "pack-objects", "--stdout", "-q"], {
    input: ids.join("\n"),
  });

test("a mirror that is broken, poisoned, too large or away fails nothing and brings nothing", async () => {
  await using world = await startMirrorWorld();
  const { server } = world;
  const commit = largeCommit(world);
  const plain = await world.attempt();
  const object = world.objectOf(server.url);
  const [pack] = await object.download();
  for (const [how, isUsed, damage] of DAMAGES) {
    const { content, commit: said = commit } = damage({ pack, commit, world });
    await object.save(content, { metadata: { metadata: { commit: said } } });
    const seen = await world.attempt();
    expect({ how, ...seen, fetched: undefined }).toEqual({ how, ...plain, fetched: undefined });
    expect([how, seen.fetched !== undefined]).toEqual([how, isUsed]);
    // It is replaced by what the host has served.
    expect([how, (await object.download())[0].equals(pack) || isUsed]).toEqual([how, true]);
  }
  const generation = await world.generationOf(server.url);
  expect(await world.attempt({ mostBytes: 1000 })).toEqual(plain);
  world.wrong.get = true;
  expect(await world.attempt()).toEqual(plain);
  world.wrong.get = false;
  expect(await world.generationOf(server.url)).toBe(generation);
  expect(world.log.filter((line) => line.includes("no mirror is looked for"))).toHaveLength(1);
}, 120_000);

test("a mirror that is deleted between look and read is as none", async () => {
  await using world = await startMirrorWorld();
  const commit = largeCommit(world);
  await world.attempt();
  const { mirrors, end } = world.attemptOf();
  const { objects } = mirrors;
  mirrors.objects = {
    ...objects,
    async find(name) {
      const found = await objects.find(name);
      await world.objectOf(world.server.url).delete();
      return found;
    },
  };
  const done = await world.checkOutMirrored(mirrors, {});
  expect(done).toEqual({ commit, notes: [] });
  expect(world.log.join("\n")).toMatch(
    /the mirror cannot be used: .* whether this object is there/,
  );
  await end();
  // Whoever deleted it meant it.
  expect(await world.generationOf(world.server.url)).toBe(0);
});

test("of two that leave a mirror at once one does; what is broken off leaves nothing", async () => {
  await using world = await startMirrorWorld();
  const { server, log } = world;
  largeCommit(world);
  const [one, two, three] = [world.attemptOf(), world.attemptOf(), world.attemptOf()];
  for (const { mirrors } of [one, two, three]) {
    await world.checkOutMirrored(mirrors, {});
    await world.empty();
    largeCommit(world);
  }
  await one.end();
  const left = await world.generationOf(server.url);
  await two.end();
  expect(await world.generationOf(server.url)).toBe(left);
  expect(log.filter((line) => line.startsWith("no mirror is left: "))).toHaveLength(1);
  await world.objectOf(server.url).delete();
  world.terminated.abort();
  await three.end();
  expect(await world.generationOf(server.url)).toBe(0);
  expect(log.filter((line) => line.startsWith("no mirror is left: "))).toHaveLength(2);
  expect(readdirSync(world.root).filter((name) => name.startsWith("mirror-"))).toEqual([]);
});
