import { deliver } from "../../../functions/attempts/deliver.ts";
import { sweep } from "../../../functions/attempts/sweep.ts";
import { recordOf, stateDocument } from "../../../shared/run/stored.ts";
import { BASE, countsOf, REPOSITORY, startDeliveries } from "../../support/deliveries.ts";

const LIB = "https://git.example/more/lib";
const LIB_BASE = "c".repeat(40);
const REPOSITORIES = [
  { folder: "site", url: REPOSITORY },
  { folder: "lib", url: LIB, ref: "trunk" },
];
const ONE_OF_EACH = { branches: 1, pulls: 1, checks: 1, comments: 1 };

/** Of two repositories, and of one that is not delivered. */
const CONTENT = [
  { schemaVersion: 1, folder: "site", base: BASE, unnamed: 0, elsewhere: 2 },
  { path: "hello.txt", mode: "100644", text: "hello\n" },
  { schemaVersion: 1, folder: "other", base: BASE, unnamed: 0 },
  { path: "never.txt", mode: "100644", text: "never\n" },
  { schemaVersion: 1, folder: "lib", base: LIB_BASE, unnamed: 0 },
  { path: "raw.bin", mode: "100644", base64: "AP8=" },
];
const wanted = (lines: object[] = CONTENT) => ({
  repositories: REPOSITORIES,
  content: lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
});

async function startWorld() {
  const world = await startDeliveries();
  const lib = world.github.add("lib", LIB_BASE, { "l.txt": "l\n" });
  const resultsOf = async ({ run }: { run: { id: string } }) =>
    (await world.record(run.id)).run.repositories;
  return { ...world, lib, resultsOf };
}

test("each of several repositories gets its branch and its pull request, which are followed", async () => {
  await using world = await startWorld();
  const { github, lib, services } = world;
  const run = await world.finish(wanted());
  await world.deliver(run);
  const branch = `runyard/${run.run.id}`;
  const delivered = (number: number) =>
    expect.stringMatching(`^Delivered to the branch ${branch}, pull request #${number}\\.`);
  const pull = { number: 1, state: "open", base: "trunk" };
  expect(await world.resultsOf(run)).toEqual([
    {
      ...{ folder: "site", url: REPOSITORY, branch, baseCommit: BASE, conflict: false },
      headCommit: github.state.refs.get(`heads/${branch}`),
      pullRequest: { ...pull, url: "https://github.com/more/site/pull/1" },
      ...{ delivery: "done", why: delivered(1) },
    },
    {
      ...{ folder: "lib", url: LIB, branch, baseCommit: LIB_BASE, conflict: false },
      headCommit: lib.refs.get(`heads/${branch}`),
      pullRequest: { ...pull, url: "https://github.com/more/lib/pull/1" },
      ...{ delivery: "done", why: delivered(1) },
    },
  ]);
  expect((await world.resultsOf(run))?.[0]?.why).toMatch(/2 changed files outside of the repos/);
  expect(Object.keys(github.filesAt(branch))).toEqual(["a.txt", "hello.txt", "old/b.txt"]);
  expect([...lib.refs.keys()]).toContain(`heads/${branch}`);
  expect((await world.record(run.run.id)).state.delivery).toBeNull();
  // What becomes of each pull request is said of it alone.
  lib.mergeable = [false];
  await deliver(services, { pullRequest: "https://github.com/more/lib/pull/1" });
  const [site, other] = (await world.resultsOf(run)) ?? [];
  expect(site).toMatchObject({ conflict: false });
  expect(other).toMatchObject({
    conflict: true,
    why: expect.stringContaining("merge them yourself"),
  });
  const [first] = github.state.pulls;
  if (first) Object.assign(first, { state: "closed", merged_at: "2026-01-01T00:00:00Z" });
  await deliver(services, { pullRequest: "https://github.com/more/site/pull/1" });
  expect((await world.resultsOf(run))?.map(({ pullRequest }) => pullRequest?.state)).toEqual([
    ...["merged", "open"],
  ]);
  // The one that is open is looked at when its time has come.
  await world.pass(3601);
  const asked: unknown[] = [];
  const publisher = Object.assign(Object.create(services.publisher), {
    publishRunDelivery: async (message: unknown) => void asked.push(message),
  });
  await sweep({ ...services, publisher });
  expect(asked).toEqual([{ pullRequest: "https://github.com/more/lib/pull/1" }]);
  // The next turn adds a commit to each, or to the one that it changes.
  const more = [...CONTENT, { path: "more.txt", mode: "100644", text: "more\n" }];
  const second = await world.finish({ ...wanted(more), after: run });
  await world.deliver(second);
  expect(await world.resultsOf(second)).toMatchObject([
    { folder: "site", delivery: "refused", why: expect.stringContaining("is merged") },
    { folder: "lib", delivery: "done", pullRequest: { number: 1 } },
  ]);
});

test("a process that dies at any call leaves one of each in each repository", async () => {
  await using world = await startWorld();
  const { github, lib } = world;
  await world.deliver(await world.finish(wanted()));
  const calls = github.asked.length;
  expect(calls).toBeGreaterThan(28);
  for (let call = 1; call <= calls; call += 1) {
    const before = [github.state, lib].map((state) => countsOf({ state }));
    const run = await world.finish(wanted());
    const { services, died } = world.dyingAfter(call);
    expect(await Promise.race([died, world.deliver(run, services)])).toBe("died");
    await world.pass();
    await world.deliver(run);
    expect(await world.resultsOf(run)).toMatchObject([{ delivery: "done" }, { delivery: "done" }]);
    const made = [github.state, lib].map((state, at) =>
      Object.fromEntries(
        Object.entries(countsOf({ state })).map(([name, count]) => [
          ...[name, count - (before[at]?.[name as keyof typeof ONE_OF_EACH] ?? 0)],
        ]),
      ),
    );
    expect([call, ...made]).toEqual([call, ONE_OF_EACH, ONE_OF_EACH]);
  }
}, 180_000);

test("what one host refuses, puts off or has left unchanged is said of its repository alone", async () => {
  await using world = await startWorld();
  const { github } = world;
  const site = "GET /repos/more/site/installation";
  github.instead.set(site, [{ status: 500, headers: { "retry-after": "300" }, body: {} }]);
  const run = await world.finish(wanted());
  await world.deliver(run);
  expect(await world.resultsOf(run)).toMatchObject([
    { delivery: "waiting", why: expect.stringMatching(/^Tried again at /) },
    { delivery: "done" },
  ]);
  const { state } = await world.record(run.run.id);
  expect(state.delivery?.places).toMatchObject([{ folder: "site", tries: 1 }]);
  const calls = github.asked.length;
  await world.deliver(run);
  expect(github.asked).toHaveLength(calls);
  await world.pass(301);
  await world.deliver(run);
  expect(await world.resultsOf(run)).toMatchObject([{ delivery: "done" }, { delivery: "done" }]);
  // Of one repository nothing is there, the other is unchanged.
  const bare = await world.finish(wanted(CONTENT.slice(4, 5)));
  await world.deliver(bare);
  expect(await world.resultsOf(bare)).toMatchObject([
    { delivery: "refused", why: expect.stringContaining("left nothing") },
    { delivery: "unchanged", pullRequest: null },
  ]);
  const skipped = await world.finish({ ...wanted(), outcome: "agent_error" });
  expect(skipped.run.repositories).toMatchObject([
    { delivery: "skipped" },
    { delivery: "skipped" },
  ]);
});

test("a state of several is left alone by a revision that knows of one", async () => {
  await using world = await startWorld();
  const run = await world.accept(wanted());
  expect(stateDocument(run)).toMatchObject({ schemaVersion: 3 });
  expect(stateDocument(await world.accept({}))).toMatchObject({ schemaVersion: 2 });
  const again = recordOf({ run: run.run, state: stateDocument(run) });
  expect(again.state.delivery).toEqual(run.state.delivery);
  expect(await world.inputOf(run)).toMatchObject({
    ...{ isDelivered: true, deliveredFolders: ["site", "lib"] },
  });
});
