import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PushDeliveries } from "../../../functions/push/push-deliveries.ts";
import type { PublicNet } from "../../../functions/repositories/public-host.ts";
import type { CommitEntry } from "../../../shared/delivery/commit-file.ts";
import { GIT_TOKEN, startGitServer } from "../../infra/agent/workspace/git-server.ts";
import { HELLO, startDeliveries } from "../../support/deliveries.ts";

const SECRET = "projects/pipeline/secrets/own-git/versions/latest";
const WRONG = "projects/pipeline/secrets/own-wrong/versions/latest";
const LEASE = 130;

async function startWorld() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startGitServer());
  const site = server.add("site");
  site.git("config", "http.receivepack", "true");
  const folder = mkdtempSync(join(tmpdir(), "runyard-push-"));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const secretsFile = join(folder, "secrets.json");
  const secrets = { "own-git": `deploy:${GIT_TOKEN}`, "own-wrong": "wrong-token" };
  writeFileSync(secretsFile, JSON.stringify(secrets), { mode: 0o600 });
  const env = {
    RUNYARD_GITHUB_URL: "https://github.example",
    RUNYARD_SECRET_PREFIXES: '{"owner": ["own-"]}',
    RUNYARD_SECRETS_FILE: secretsFile,
  };
  const world = stack.use(await startDeliveries(env));
  const wanted = {
    url: "https://git.example/locked/site",
    credential: { secret: SECRET },
    deliver: {},
  };
  const servicesWith = (net: PublicNet = {}) => ({
    ...world.services,
    pushHosts: new PushDeliveries({ ...server.access, ...net }),
  });
  return {
    ...world,
    ...{ server, site, wanted, servicesWith },
    push: (run: Awaited<ReturnType<typeof world.finish>>, net?: PublicNet) =>
      world.deliver(run, servicesWith(net)),
    branches: () => site.git("for-each-ref", "--format=%(refname:short)", "refs/heads/runyard"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A tree with much that a tree may have. */
function hostileBase({ site, server }: Awaited<ReturnType<typeof startWorld>>): string {
  const { folder } = site;
  const inner = server.add("inner").commit({ "in.txt": "in\n" });
  mkdirSync(join(folder, "d.x"));
  mkdirSync(join(folder, "d/deep"), { recursive: true });
  symlinkSync("../../../etc/passwd", join(folder, "d/link"));
  writeFileSync(join(folder, "d/deep/one.txt"), "one\n");
  writeFileSync(join(folder, "d.x/two.txt"), "two\n");
  writeFileSync(join(folder, "d/tool"), "tool\n", { mode: 0o755 });
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/d/n`), Buffer.from([255, 10])]), "raw\n");
  writeFileSync(join(folder, "d/id"), "id\n");
  site.commit({ "a.txt": "a\n", d0: "zero\n", gone: "gone\n" });
  site.git("config", "gc.auto", "0");
  return site.embed({ "d/sub": ["../inner", inner] });
}

const WORK: CommitEntry[] = [
  ...HELLO,
  { path: "d/deep/one.txt", gone: true },
  { path: "d/ü/neu.txt", mode: "100644", text: "neu\n" },
  { path: "d/link", mode: "120000", text: "tool" },
  { path: "d.x", mode: "100755", text: "a file now\n" },
  { path: "a.txt/b.bin", mode: "100644", base64: "AP8=" },
  { path: "gone", gone: true },
  { path: "never/there", gone: true },
  { path: "__proto__/x", mode: "100644", text: "x\n" },
];

test.each([true, false])(
  "a run is pushed as a commit on a branch, and a later turn adds one; the host leaves files out: %s",
  async (canFilter) => {
    await using world = await startWorld();
    const { site, wanted } = world;
    const base = hostileBase(world);
    site.git("config", "uploadpack.allowFilter", String(canFilter));
    const first = await world.finish({ ...wanted, base, entries: WORK });
    await world.push(first);
    const branch = `runyard/${first.run.id}`;
    const head = site.git("rev-parse", branch);
    expect(await world.repositoryOf(first)).toEqual({
      ...{ url: wanted.url, branch, baseCommit: base, headCommit: head, pullRequest: null },
      ...{ conflict: null, delivery: "done", why: `Delivered to the branch ${branch}.` },
    });
    site.git("fsck", "--strict");
    expect(site.git("log", "-1", "--format=%P|%an <%ae>|%cn|%s", head)).toBe(
      `${base}|Runyard <agent@runyard.invalid>|Runyard|Say hello`,
    );
    const raw = String.raw`"d/n\377\n"`;
    expect(
      site.git("diff-tree", "-r", "--no-renames", "--name-status", base, head).split("\n"),
    ).toEqual([
      ...["A\t__proto__/x", "D\ta.txt", "A\ta.txt/b.bin", "A\td.x", "D\td.x/two.txt"],
      ...["D\td/deep/one.txt", "M\td/link", String.raw`A	"d/\303\274/neu.txt"`, "D\tgone"],
      "A\thello.txt",
    ]);
    const listing = site.git("ls-tree", "-r", head);
    for (const kept of [raw, "160000 commit", "100755 blob", "d/id"]) {
      expect(listing).toContain(kept);
    }
    const author = { name: "Ann <x>", email: "ann@example.com" };
    const second = await world.finish({
      ...{ ...wanted, base, after: first, deliver: { commitAuthor: author } },
      entries: [...WORK, { path: "more.txt", mode: "100644", text: "more\n" }],
    });
    await world.push(second);
    const next = site.git("rev-parse", branch);
    expect(site.git("log", "-1", "--format=%P|%an <%ae>|%cn", next)).toBe(
      `${head}|Ann x <ann@example.com>|Runyard`,
    );
    expect(site.git("diff-tree", "-r", "--name-only", head, next)).toBe("more.txt");
    // A turn that changes nothing more leaves the branch where it is.
    const third = await world.finish({
      ...{ ...wanted, base, after: second },
      entries: [...WORK, { path: "more.txt", mode: "100644", text: "more\n" }],
    });
    await world.push(third);
    expect(await world.repositoryOf(third)).toMatchObject({ delivery: "done", headCommit: next });
    expect(world.branches()).toBe(branch);
    const written = JSON.stringify([await world.record(first.run.id), world.log]);
    const pair = Buffer.from(`deploy:${GIT_TOKEN}`).toString("base64");
    expect([GIT_TOKEN, pair].filter((hidden) => written.includes(hidden))).toEqual([]);
  },
  120_000,
);

test("a process that dies between any two calls leaves one commit to whoever goes on", async () => {
  await using world = await startWorld();
  const { site, wanted, servicesWith } = world;
  const base = site.commit({ "a.txt": "a\n" });
  for (let calls = 0; calls <= 4; calls += 1) {
    const run = await world.finish({ ...wanted, base });
    const died = Promise.withResolvers<"died">();
    let left = calls;
    const open = (address: string): Socket => {
      left -= 1;
      if (left >= 0) return (world.server.access.open as (to: string) => Socket)(address);
      died.resolve("died");
      return new Socket();
    };
    const services = servicesWith({ open });
    const { pushHosts } = services;
    const dying = {
      ...services,
      pushHosts: {
        async deliver(delivery: Parameters<typeof pushHosts.deliver>[0]) {
          await pushHosts.deliver(delivery);
          // All was made, and nobody notes it.
          died.resolve("died");
          return new Promise<never>(() => {});
        },
      },
    };
    expect(await Promise.race([died.promise, world.deliver(run, dying)])).toBe("died");
    await world.pass(LEASE);
    await world.push(run);
    const { headCommit = "" } = (await world.repositoryOf(run)) ?? {};
    expect(site.git("rev-list", `${base}..runyard/${run.run.id}`)).toBe(headCommit);
  }
}, 120_000);

test("what others have on the branch is never overwritten", async () => {
  await using world = await startWorld();
  const { site, wanted } = world;
  const base = site.commit({ "a.txt": "a\n" });
  const first = await world.finish({ ...wanted, base });
  await world.push(first);
  const branch = `runyard/${first.run.id}`;
  const theirs = site.git("commit-tree", "-p", branch, "-m", "theirs", `${base}^{tree}`);
  const second = await world.finish({ ...wanted, base, after: first, entries: [] });
  let calls = 0;
  const open = (address: string): Socket => {
    calls += 1;
    // Between the look and the push.
    if (calls === 4) site.git("update-ref", `refs/heads/${branch}`, theirs);
    return (world.server.access.open as (to: string) => Socket)(address);
  };
  await world.push(second, { open });
  expect(site.git("rev-parse", branch)).toBe(theirs);
  expect(await world.repositoryOf(second)).toMatchObject({
    delivery: "waiting",
    why: expect.stringContaining("has just been changed by somebody else"),
  });
  await world.pass(LEASE);
  await world.push(second);
  expect(site.git("rev-parse", branch)).toBe(theirs);
  expect(await world.repositoryOf(second)).toMatchObject({
    delivery: "refused",
    why: expect.stringContaining("has commits that are not this conversation's"),
  });
});

test("whatever the host does, the delivery says it", async () => {
  await using world = await startWorld();
  const { site, wanted } = world;
  const base = site.commit({ "a.txt": "a\n" });
  const refused = async (more: object, net?: PublicNet) => {
    const run = await world.finish({ ...wanted, base, ...more });
    await world.push(run, net);
    const { delivery, why } = (await world.repositoryOf(run)) ?? {};
    return `${delivery}: ${why}`;
  };
  const at = (place: string) => ({ url: `https://git.example/${place}` });
  expect(await refused({ credential: { secret: WRONG } })).toMatch(
    /^refused: .*credential \(401\)/,
  );
  expect(await refused(at("forbidden"))).toMatch(/^refused: .*write there \(403\)/);
  expect(await refused(at("nowhere"))).toMatch(/^refused: .*there is none.* \(404\)/);
  expect(await refused(at("moved"))).toMatch(/^refused: .*a redirect/);
  expect(await refused(at("page"))).toMatch(/^refused: .*(not git's|takes no pushes)/);
  expect(await refused(at("endless"))).toMatch(/^refused: .*larger than is read here/);
  expect(await refused({ base: "d".repeat(40) })).toMatch(/^refused: .*no longer has the commit/);
  const resolve = async () => [{ address: "169.254.169.254", family: 4 }];
  expect(await refused({}, { resolve })).toMatch(/^refused: .*no public address/);
  const away = { open: () => new Socket().destroy(new Error("away")) };
  expect(await refused({}, away)).toMatch(/^waiting: .*cannot be reached/);
  const missing = { secret: SECRET.replace("own-git", "own-none") };
  expect(await refused({ credential: missing })).toMatch(/^refused: The secret .* is not there/);
  const others = { secret: SECRET.replace("own-git", "other") };
  expect(await refused({ credential: others })).toMatch(/^refused: .*is not for owner/);
  site.git("config", "receive.denyDeletes", "true");
  site.git("config", "transfer.hideRefs", "refs/heads/runyard");
  expect(await refused({})).toMatch(/^refused: The host of .* does not take the branch/);
}, 120_000);

test("a tree of 20,000 files is not read but for its folders", async () => {
  await using world = await startWorld();
  const { site, wanted } = world;
  const feed = ["commit refs/heads/huge\ncommitter t <t@t> 0 +0000\ndata 0\n"];
  for (let at = 0; at < 20_000; at += 1) {
    feed.push(`M 644 inline d${at % 200}/s${at % 7}/f${at}\ndata ${String(at).length}\n${at}\n`);
  }
  const git = ["-C", site.folder, "fast-import", "--quiet"];
  execFileSync("git", git, { input: feed.join("") });
  site.git("config", "uploadpack.allowFilter", "true");
  const base = site.git("rev-parse", "huge");
  const run = await world.finish({ ...wanted, base });
  await world.push(run);
  expect(await world.repositoryOf(run)).toMatchObject({ delivery: "done" });
  expect(site.git("diff-tree", "-r", "--name-only", base, `runyard/${run.run.id}`)).toBe(
    "hello.txt",
  );
}, 60_000);
