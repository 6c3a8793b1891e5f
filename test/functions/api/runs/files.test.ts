import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import type { Run } from "../../../../shared/documents/run.ts";
import { sha256 } from "../../../../shared/hash.ts";
import { accepted, ask, ended, otherOwner, post as send, turnsOf } from "../../../support/api.ts";
import { startWorld, type World } from "../../../support/world.ts";

const LONG_MS = 180_000;

// One world for the file: each run stands by itself, and a world costs seconds.
let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const post = (path: string, body: object, headers = {}) => send(world, path, { body, headers });
const runOf = async (path: string, body: object): Promise<Run> =>
  ended(world, await accepted(world, path, body));

test(
  "a request's files are in the workspace of its run, of the turns after it, and of a rerun",
  async () => {
    const notes = { path: "docs/notes.txt", content: "from the request\n" };
    const headers = { "idempotency-key": randomUUID() };
    const body = { prompt: "run: cat docs/notes.txt; rm docs/notes.txt", files: [notes] };
    const created = await post("/runs", body, headers);
    expect(created.status).toBe(202);
    const replayed = await post("/runs", body, headers);
    expect([replayed.body.id, replayed.headers.get("idempotency-replayed")]).toEqual([
      created.body.id,
      "true",
    ]);
    const other = { ...body, files: [{ ...notes, content: "other" }] };
    expect((await post("/runs", other, headers)).body).toMatchObject({
      code: "idempotency_key_reused",
    });
    const first = await ended(world, created.body);
    expect(first).toMatchObject({
      status: "succeeded",
      output: { changedFiles: [{ path: "docs/notes.txt", status: "deleted" }] },
    });
    expect(first.output?.text).toContain("from the request");
    const request = await ask(world, `GET /runs/${first.id}/request`);
    expect(request.body.files).toEqual([
      {
        path: "docs/notes.txt",
        sizeBytes: 17,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        executable: false,
      },
    ]);
    const raw = { path: "raw.bin", base64: "AAH/" };
    const second = await runOf(turnsOf(first), {
      prompt: "run: find . -type f; od -An -tx1 raw.bin",
      files: [raw],
    });
    expect(second.output?.text).toContain("./raw.bin\n 00 01 ff");
    expect(second.output?.text).not.toContain("notes.txt");
    const again = await runOf(`/runs/${first.id}/rerun`, {});
    expect(again.output?.text).toContain("from the request");
    expect((await ask(world, `GET /runs/${again.id}/request`)).body.files).toHaveLength(1);
  },
  LONG_MS,
);

test(
  "an agent's run has files, a run that goes on keeps them, and one without has no list",
  async () => {
    const settings = { maxTurns: 1 };
    const agent = (await post("/agents", { name: "files", settings })).body;
    const files = [{ path: "tool.sh", content: "echo said by a tool\n", executable: true }];
    const stopped = await runOf(`/agents/${agent.id}/runs`, { prompt: "run: ./tool.sh", files });
    expect(stopped).toMatchObject({ error: { kind: "limit" } });
    const last = await runOf(`/runs/${stopped.id}/continue`, {
      prompt: "run: ./tool.sh",
      settings: { maxTurns: 9 },
    });
    expect(last.output?.text).toContain("said by a tool");
    expect((await ask(world, `GET /runs/${last.id}/request`)).body).not.toHaveProperty("files");
  },
  LONG_MS,
);

const HELLO_SHA256 = sha256("hello\n");

async function announced(body: object, headers = {}) {
  const answer = await post("/uploads", body, headers);
  expect(answer.status).toBe(201);
  const { url, headers: signed } = answer.body;
  const put = async (content: string | Buffer<ArrayBuffer>) =>
    (await fetch(url, { method: "PUT", headers: signed, body: content })).status;
  return { ...answer.body, put };
}

test(
  "a file that was uploaded is in the workspace, if it is what was announced",
  async () => {
    const hello = await announced({ sha256: HELLO_SHA256, sizeBytes: 6 });
    expect(hello).toMatchObject({
      id: expect.stringMatching(/^upl_/),
      expiresAt: expect.any(String),
    });
    const early = await post("/runs", { prompt: "echo", files: [{ path: "a", upload: hello.id }] });
    expect(early.body).toMatchObject({ code: "invalid", errors: [{ pointer: "/files/0/upload" }] });
    expect(await hello.put("hello")).toBe(400);
    expect(await hello.put("hello\n")).toBe(200);
    expect(await hello.put("jello\n")).toBe(412);
    const files = [{ path: "dir/hello.sh", upload: hello.id, executable: true }];
    const other = await post("/runs", { prompt: "echo", files }, await otherOwner(world));
    expect(other.body).toMatchObject({ code: "invalid", errors: [{ pointer: "/files/0/upload" }] });
    const run = await runOf("/runs", { prompt: "run: cat dir/hello.sh; ls -l dir", files });
    expect(run.output?.text).toMatch(/answered:\nhello\n[\s\S]*-rwx/);
    expect((await ask(world, `GET /runs/${run.id}/request`)).body.files).toEqual([
      { path: "dir/hello.sh", sizeBytes: 6, sha256: HELLO_SHA256, executable: true },
    ]);
    const lie = await announced({ sha256: sha256("a lie"), sizeBytes: 6 });
    expect(await lie.put("hello\n")).toBe(200);
    const failed = await runOf("/runs", { prompt: "echo", files: [{ path: "a", upload: lie.id }] });
    expect(failed).toMatchObject({ status: "failed", error: { code: "checkout_failed" } });
    expect(failed.error?.message).toContain(
      '"a" is not what was announced: its SHA-256 is another',
    );
    await world.storage.bucket("runyard-local").deleteFiles({ prefix: "uploads/" });
    const again = await post(`/runs/${run.id}/rerun`, {});
    expect([again.status, again.body.detail]).toEqual([
      410,
      expect.stringContaining("dir/hello.sh is no longer kept"),
    ]);
  },
  LONG_MS,
);

test(
  "a run begins with the files that another one left, without its session",
  async () => {
    const one = await accepted(world, "/runs", { prompt: "run: echo one > one.txt; sleep 1" });
    const workspace = { run: one.id };
    expect((await post("/runs", { prompt: "echo", workspace })).status).toBe(409);
    await ended(world, one);
    const files = [{ path: "two.txt", content: "two\n" }];
    const body = { prompt: "run: cat one.txt two.txt; echo more >> one.txt", workspace, files };
    const other = await post("/runs", body, await otherOwner(world));
    expect([other.status, other.body.detail]).toEqual([404, `there is no run ${one.id}`]);
    const repository = { url: "https://git.example/x" };
    for (const settings of [{ repository }, { repositories: [{ folder: "a", ...repository }] }]) {
      expect((await post("/runs", { ...body, agent: { settings } })).body).toMatchObject({
        code: "invalid",
        errors: [{ pointer: "/workspace/run" }],
      });
    }
    const from = world.modelRequests.length;
    const two = await runOf("/runs", body);
    expect(two).toMatchObject({
      status: "succeeded",
      conversation: { turn: 1, session: "new", remark: "" },
      output: { changedFiles: [{ path: "one.txt", status: "modified" }] },
    });
    expect(two.conversation.id).not.toBe(one.conversation.id);
    expect(two.output?.text).toContain("one\ntwo");
    expect(JSON.stringify(world.modelRequests.slice(from))).not.toContain("echo one > one.txt");
    expect((await ask(world, `GET /runs/${two.id}/request`)).body).toMatchObject({ workspace });
    expect(await (await world.call(`/runs/${two.id}/patch`)).text()).toContain(
      "they apply on those of the run that it began with",
    );
    const next = await runOf(turnsOf(two), { prompt: "run: cat one.txt" });
    expect(next).toMatchObject({ conversation: { turn: 2, session: "restored", remark: "" } });
    expect(next.output?.text).toContain("one\nmore");
    const again = await runOf(`/runs/${two.id}/rerun`, {});
    expect(again.output?.text).toContain("one\ntwo");
    await world.call(`/runs/${one.id}`, { method: "DELETE" });
    expect((await post(`/runs/${two.id}/rerun`, {})).status).toBe(404);
  },
  LONG_MS,
);

test(
  "a run begins with a working tree that was uploaded, and so does what goes on from it, while that is kept",
  async () => {
    const body = "one\n";
    const archive = gzipSync(await packTar([{ header: { name: "one.txt", size: 4 }, body }]));
    const digest = sha256(archive);
    const { id: upload, ...sent } = await announced({
      sha256: digest,
      sizeBytes: archive.length,
    });
    expect(await sent.put(archive)).toBe(200);
    const workspace = { upload, commit: "a".repeat(40), changed: true };
    const asked = { prompt: "run: cat one.txt; echo more >> one.txt", workspace };
    const repository = { url: "https://git.example/x" };
    for (const [wrong, pointer] of [
      [{ ...asked, workspace: {} }, "/workspace"],
      [{ ...asked, workspace: { upload, run: `run_${"0".repeat(22)}` } }, "/workspace"],
      [{ ...asked, workspace: { upload: `upl_${"0".repeat(22)}` } }, "/workspace/upload"],
      [{ ...asked, agent: { settings: { repository } } }, "/workspace/upload"],
    ] as const) {
      expect((await post("/runs", wrong)).body).toMatchObject({ errors: [{ pointer }] });
    }
    const other = await post("/runs", asked, await otherOwner(world));
    expect(other.body).toMatchObject({ errors: [{ pointer: "/workspace/upload" }] });
    const first = await runOf("/runs", asked);
    expect(first.output).toMatchObject({
      text: expect.stringMatching(/answered:\none$/),
      changedFiles: [{ path: "one.txt", status: "modified", added: 1, removed: 0 }],
    });
    const tree = { ...workspace, sizeBytes: archive.length, sha256: digest };
    const request = await ask(world, `GET /runs/${first.id}/request`);
    expect(request.body).toMatchObject({ tree });
    expect(request.body.tree).not.toHaveProperty("object");
    const agent = { settings: { maxTurns: 3 } };
    const second = await runOf(turnsOf(first), { prompt: "run: cat one.txt", agent });
    expect(second).toMatchObject({ conversation: { session: "restored", remark: "" } });
    expect(second.output?.text).toContain("one\nmore");
    const again = await runOf(`/runs/${first.id}/rerun`, {});
    expect(again.output?.text).toMatch(/answered:\none$/);
    const beside = { prompt: "run: cat one.txt", workspace: { run: second.id } };
    const third = await runOf("/runs", beside);
    expect(third.output?.text).toContain("one\nmore");
    expect((await ask(world, `GET /runs/${third.id}/request`)).body).toMatchObject({
      workspace: { run: second.id },
      tree,
    });
    await world.storage.bucket("runyard-local").deleteFiles({ prefix: "uploads/" });
    for (const [path, gone] of [
      ["/runs", beside],
      [`/runs/${third.id}/rerun`, {}],
      [turnsOf(first), { prompt: "echo" }],
    ] as const) {
      expect(await post(path, gone)).toMatchObject({
        status: 410,
        body: { code: "upload_expired", detail: expect.stringContaining(`tree ${upload} that`) },
      });
    }
  },
  LONG_MS,
);

test.each([
  [{ sha256: "A".repeat(64), sizeBytes: 1 }, "/sha256"],
  [{ sha256: HELLO_SHA256, sizeBytes: 0 }, "/sizeBytes"],
  [{ sha256: HELLO_SHA256, sizeBytes: 100 * 1024 ** 2 + 1 }, "/sizeBytes"],
])("an upload of %j is refused", async (body, pointer) => {
  expect(await post("/uploads", body)).toMatchObject({
    status: 422,
    body: { errors: [{ pointer }] },
  });
});

test("files that cannot be placed are refused, each where it stands, and no run is made", async () => {
  const files = [
    { path: "../outside", content: "a" },
    { path: "a" },
    { path: ".git/config", content: "a" },
  ];
  for (const path of ["/runs", "/runs?dryRun"]) {
    const answer = await post(path, { prompt: "echo", files });
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      "/files/0/path",
      "/files/1",
      "/files/2/path",
    ]);
  }
});
