import type { Session } from "../../../shared/documents/session.ts";
import { BASE, countsOf, HELLO, REPOSITORY, startDeliveries } from "../../support/deliveries.ts";

const ONE_OF_EACH = { branches: 1, pulls: 1, checks: 1, comments: 1 };

test("what a run changed becomes a commit, a branch, a pull request, a check run and a comment", async () => {
  await using world = await startDeliveries();
  const { github } = world;
  const deliver = {
    pullRequest: { draft: true, reviewers: ["ann"], labels: ["agent"] },
  };
  const run = await world.finish({
    deliver,
    entries: [
      ...HELLO,
      { path: "tool.sh", mode: "100755", text: "echo\n" },
      { path: "raw.bin", mode: "100644", base64: "AP8=" },
      { path: "link", mode: "120000", text: "a.txt" },
      { path: "old/b.txt", gone: true },
    ],
  });
  expect(run.run.repository).toMatchObject({
    delivery: "waiting",
    branch: `runyard/${run.run.id}`,
  });
  await world.deliver(run);
  const branch = `runyard/${run.run.id}`;
  const head = github.state.refs.get(`heads/${branch}`);
  expect(await world.repositoryOf(run)).toEqual({
    url: REPOSITORY,
    branch,
    baseCommit: BASE,
    headCommit: head,
    pullRequest: {
      number: 1,
      url: "https://github.com/more/site/pull/1",
      state: "draft",
      base: "trunk",
    },
    conflict: false,
    delivery: "done",
    why: `Delivered to the branch ${branch}, pull request #1.`,
  });
  expect(github.filesAt(branch)).toEqual({
    "a.txt": "100644 a\n",
    "hello.txt": "100644 hello\n",
    link: "120000 a.txt",
    "raw.bin": "100644 \u0000ÿ",
    "tool.sh": "100755 echo\n",
  });
  const commit = github.state.commits.get(head ?? "");
  expect(commit?.parents).toEqual([BASE]);
  expect(commit?.author).toBeUndefined();
  expect(github.state.pulls[0]).toMatchObject({
    ...{ title: "Say hello", base: "trunk", reviewers: ["ann"], labels: ["agent"] },
  });
  expect(github.state.checks[0]).toMatchObject({
    ...{ head_sha: head, external_id: run.run.id, conclusion: "success" },
  });
  expect(github.state.comments[0]?.body).toContain("I said hello.");
  expect(github.state.tokens).toEqual([
    {
      repositories: ["site"],
      permissions: { contents: "write", pull_requests: "write", checks: "write" },
    },
  ]);
  const { state } = await world.record(run.run.id);
  expect(state.delivery).toBeNull();
  // Whoever is told again finds nothing to do.
  const calls = github.asked.length;
  await world.deliver(run);
  expect(github.asked).toHaveLength(calls);
  const written = JSON.stringify([await world.record(run.run.id), world.log, github.state.pulls]);
  expect(written).not.toContain(github.state.token);
  expect(written).not.toContain("PRIVATE KEY");
});

test("a process that dies at any call leaves one of each to whoever goes on", async () => {
  await using world = await startDeliveries();
  const { github } = world;
  const whole = await world.finish({ entries: [{ path: "x", mode: "100644", base64: "AP8=" }] });
  await world.deliver(whole);
  const calls = github.asked.length;
  expect(calls).toBeGreaterThan(14);
  for (let call = 1; call <= calls; call += 1) {
    const before = countsOf(github);
    const run = await world.finish({ entries: [{ path: "x", mode: "100644", base64: "AP8=" }] });
    // At the last one all was made, and nobody noted it.
    const { services, died } = world.dyingAfter(call);
    expect(await Promise.race([died, world.deliver(run, services)])).toBe("died");
    // Until its lease is over nobody else does it.
    const asked = github.asked.length;
    await world.deliver(run);
    expect(github.asked).toHaveLength(asked);
    await world.pass();
    await world.deliver(run);
    expect(await world.repositoryOf(run)).toMatchObject({ delivery: "done" });
    const after = Object.entries(countsOf(github));
    const made = after.map(([name, count]) => [name, count - before[name as keyof typeof before]]);
    expect([call, Object.fromEntries(made)]).toEqual([call, ONE_OF_EACH]);
  }
}, 180_000);

test("a later turn adds a commit to the branch and the pull request, and edits the comment", async () => {
  await using world = await startDeliveries();
  const { github } = world;
  const first = await world.finish();
  await world.deliver(first);
  const [head] = [github.state.refs.get(`heads/runyard/${first.run.id}`)];
  const more = [...HELLO, { path: "more.txt", mode: "100644" as const, text: "more\n" }];
  const second = await world.finish({
    ...{ after: first, entries: more, answer: "I said more.", outcome: "agent_error" as const },
    deliver: { pullRequest: {}, when: "always" },
  });
  await world.deliver(second);
  expect(countsOf(github)).toEqual({ ...ONE_OF_EACH, checks: 2 });
  const made = await world.repositoryOf(second);
  expect(made).toMatchObject({ branch: `runyard/${first.run.id}`, pullRequest: { number: 1 } });
  expect(github.state.commits.get(made?.headCommit ?? "")?.parents).toEqual([head]);
  expect(Object.keys(github.filesAt(`runyard/${first.run.id}`))).toContain("more.txt");
  expect(github.state.checks[1]).toMatchObject({ conclusion: "failure" });
  expect(github.state.comments[0]?.body).toContain("I said more.");
  expect(github.state.comments[0]?.body).not.toContain("I said hello.");
  // A turn that changes nothing more is told of at the same commit.
  const third = await world.finish({ after: second, entries: more });
  await world.deliver(third);
  expect(await world.repositoryOf(third)).toMatchObject({ headCommit: made?.headCommit });
  // Somebody has worked on the branch: what they did is not overwritten.
  github.push(`runyard/${first.run.id}`, { "theirs.txt": "theirs\n" });
  const fourth = await world.finish({ after: third });
  await world.deliver(fourth);
  expect(await world.repositoryOf(fourth)).toMatchObject({
    delivery: "refused",
    why: expect.stringContaining("has commits that are not this conversation's"),
  });
  const [pull] = github.state.pulls;
  if (pull) Object.assign(pull, { state: "closed", merged_at: "2026-01-01T00:00:00Z" });
  const fifth = await world.finish({ after: fourth });
  await world.deliver(fifth);
  expect((await world.repositoryOf(fifth))?.why).toContain("is merged");
});

test("a run is delivered as its request says, or is not, and says which", async () => {
  await using world = await startDeliveries();
  const { github } = world;
  const skipped = await world.finish({ outcome: "agent_error" });
  expect(skipped.state.delivery).toBeNull();
  expect(skipped.run.repository).toMatchObject({
    delivery: "skipped",
    why: "Not delivered: the run ended as failed, and deliver.when is succeeded.",
  });
  await world.deliver(skipped);
  expect(github.asked).toEqual([]);
  const unchanged = await world.finish({ entries: [] });
  await world.deliver(unchanged);
  expect(await world.repositoryOf(unchanged)).toMatchObject({ delivery: "unchanged" });
  expect(countsOf(github)).toEqual({ branches: 0, pulls: 0, checks: 0, comments: 0 });
  const branchAlone = await world.finish({
    deliver: { branch: "agent/x", commitAuthor: { name: "Ann", email: "ann@example.com" } },
  });
  await world.deliver(branchAlone);
  const made = await world.repositoryOf(branchAlone);
  expect(made).toMatchObject({ delivery: "done", branch: "agent/x", pullRequest: null });
  const author = { name: "Ann", email: "ann@example.com" };
  expect(github.state.commits.get(made?.headCommit ?? "")?.author).toEqual(author);
  expect(countsOf(github)).toEqual({ branches: 1, pulls: 0, checks: 1, comments: 0 });
  // The operator's is of those alone that name none.
  const operator = { name: "Acme", email: "agent@acme.example" };
  const ofOperator = { ...world.services, commitAuthor: operator };
  const authors: unknown[] = [];
  for (const more of [{}, { commitAuthor: author }]) {
    const run = await world.finish({ deliver: { branch: `agent/${authors.length}`, ...more } });
    await world.deliver(run, ofOperator);
    const { headCommit } = (await world.repositoryOf(run)) ?? {};
    authors.push(github.state.commits.get(headCommit ?? "")?.author);
  }
  expect(authors).toEqual([operator, author]);
  const taken = await world.finish({ deliver: { branch: "agent/x" } });
  await world.deliver(taken);
  expect(await world.repositoryOf(taken)).toMatchObject({ delivery: "refused", branch: "agent/x" });
  github.push("develop", { "d.txt": "d\n" });
  github.state.mergeable = [null, false];
  const conflicting = await world.finish({
    ref: "develop",
    deliver: { pullRequest: { reviewers: ["nobody"] } },
  });
  await world.deliver(conflicting);
  expect(await world.repositoryOf(conflicting)).toMatchObject({
    delivery: "done",
    conflict: true,
    why: expect.stringMatching(/does not ask nobody for a review.*the two conflict/),
  });
  expect(github.state.pulls[0]?.base).toBe("develop");
  expect(github.state.comments[0]?.body).toContain("the two conflict");
  const large = `{"schemaVersion":1,"base":"${BASE}","unnamed":0,"without":"It changed too much."}`;
  const tooLarge = await world.finish({ content: large });
  await world.deliver(tooLarge);
  expect((await world.repositoryOf(tooLarge))?.why).toBe(
    "It changed too much. Its patch has them.",
  );
  const forged = await world.finish({
    entries: [{ path: ".git/hooks/x", mode: "100755", text: "" }],
  });
  await world.deliver(forged);
  expect((await world.repositoryOf(forged))?.why).toContain("not what it was");
});

const MOVED = "c".repeat(40);

test("a turn after a conflict begins with both, and is a commit of both", async () => {
  await using world = await startDeliveries();
  const { github } = world;
  const first = await world.finish();
  github.state.mergeable = [false];
  await world.deliver(first);
  const { headCommit = "", branch = "" } = (await world.repositoryOf(first)) ?? {};
  const session = { ...SESSION, runId: first.run.id, commit: BASE };
  const turn = { after: first, session, deliver: { pullRequest: {} } };
  const second = await world.accept(turn);
  expect(await world.inputOf(second)).toMatchObject({
    isDelivered: true,
    onto: "refs/heads/trunk",
  });
  github.begin(MOVED, { "a.txt": "theirs\n", "more.txt": "more\n" });
  const [head] = [{ schemaVersion: 1, base: MOVED, unnamed: 0 }];
  const content = [head, ...HELLO].map((line) => `${JSON.stringify(line)}\n`).join("");
  await world.end(second, { content });
  await world.deliver(second);
  expect(await world.repositoryOf(second)).toMatchObject({
    ...{ delivery: "done", baseCommit: MOVED, conflict: false },
  });
  const made = github.state.commits.get(github.state.refs.get(`heads/${branch}`) ?? "");
  expect(made?.parents).toEqual([headCommit, MOVED]);
  expect(github.filesAt(branch)).toEqual({
    ...{ "a.txt": "100644 theirs\n", "hello.txt": "100644 hello\n", "more.txt": "100644 more\n" },
  });
  // What is merged is not merged again, and a turn without a conflict stays where it is.
  const third = await world.finish({ after: second, content });
  await world.deliver(third);
  expect(github.state.refs.get(`heads/${branch}`)).toBe(
    (await world.repositoryOf(third))?.headCommit,
  );
  const left = { ...session, runId: second.run.id };
  const last = await world.accept({ ...turn, after: third, session: left });
  expect(await world.inputOf(last)).not.toHaveProperty("onto");
});

const SESSION: Session = {
  ...{ bucket: "pipeline", sessionId: "0".repeat(36), engine: { name: "claude", version: "1" } },
  ...{ runId: "", files: [], workspace: null, commit: null, instructionsHash: "" },
  ...{ totalCostUsd: 0, totalInputTokens: 0, totalOutputTokens: 0 },
};

const HOSTILE = [
  "@ann look, fixes #1, closes more/site#2, resolves GH-3",
  "Fixes https://github.com/more/site/issues/4",
  "```\n</pre><!-- runyard conv_x --><img src=https://evil.example/x>\n````\n# out @team/x",
  "\u202Eabc\u0007\u0000",
].join("\n");

test("an agent's words mention nobody, close nothing and hide nothing", async () => {
  await using world = await startDeliveries();
  const { github } = world;
  github.state.comments.push({
    id: 1,
    body: "<!-- runyard conv_x -->",
    performed_via_github_app: null,
  });
  const run = await world.finish({ prompt: HOSTILE, answer: HOSTILE });
  const marker = `<!-- runyard ${run.run.conversation.id} -->`;
  github.state.comments.push({ id: 2, body: marker, performed_via_github_app: null });
  await world.deliver(run);
  const [, forged, own] = github.state.comments;
  // Somebody else's comment with our first line stays as it is.
  expect(forged?.body).toBe(marker);
  const [pull] = github.state.pulls;
  const head = github.state.refs.get(`heads/runyard/${run.run.id}`) ?? "";
  const message = github.state.commits.get(head)?.message ?? "";
  const [check] = github.state.checks;
  const shown = [pull?.title, pull?.body, own?.body, message, check?.output.summary];
  for (const text of shown) {
    expect(text).not.toMatch(/@\w|#\d|GH-\d|\/issues\/\d/);
    expect(text).not.toMatch(/\u202e|\p{Cc}(?<![\n\t])/u);
  }
  expect(own?.body.split("<!--")).toHaveLength(2);
  // The block is closed by a longer fence than any within it.
  expect(own?.body.match(/^`{5}(text)?$/gm)).toEqual(["`````text", "`````"]);
});
