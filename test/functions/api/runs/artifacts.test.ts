import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import { unpackTar } from "modern-tar";
import type { Artifact, Run } from "../../../../shared/documents/run.ts";
import { startWorld, type World } from "../../../support/world.ts";

let world: World;
let run: Run;
beforeAll(async () => {
  world = await startWorld();
  run = await finished("Create hello.txt");
}, 180_000);
afterAll(async () => {
  expect(world.log.join("\n")).not.toContain("Warning");
  await world[Symbol.asyncDispose]();
});

async function finished(prompt: string): Promise<Run> {
  const json = { prompt };
  const response = await world.call("/runs", { json, headers: { prefer: "wait=120" } });
  expect(response.status).toBe(200);
  return (await response.json()) as Run;
}

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  world.call(`/runs/${run.id}/${path}`, { headers, method });

async function listed(id = run.id): Promise<Artifact[]> {
  const response = await world.call(`/runs/${id}/artifacts`);
  expect(response.status).toBe(200);
  return ((await response.json()) as { items: Artifact[] }).items;
}

async function problemOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("content-disposition")).toBeNull();
  return (await response.json()) as { status: number; code: string; detail: string };
}

describe("the list", () => {
  test("has every output of a finished run, its session's files too", async () => {
    const items = await listed();
    expect(items.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "result.json",
        "events.jsonl",
        "patch.diff",
        expect.stringMatching(/^session\/.+\.jsonl$/),
      ]),
    );
    expect(items).toEqual(expect.arrayContaining(run.artifacts));
    expect(new Set(items.map(({ name }) => name)).size).toBe(items.length);
  });

  test("is empty while the run is at work", async () => {
    const { id } = (await (
      await world.call("/runs", { json: { prompt: "wait 60 seconds" } })
    ).json()) as Run;
    expect(await listed(id)).toEqual([]);
    const patch = await world.call(`/runs/${id}/patch`);
    expect((await problemOf(patch)).detail).toMatch(/; its patch comes with its end$/);
    const artifact = await world.call(`/runs/${id}/artifacts/result.json`);
    expect((await problemOf(artifact)).detail).toMatch(/; its artifacts come with its end$/);
    await world.call(`/runs/${id}/cancel`, { method: "POST" });
    const { id: never } = await cancelledInLine();
    expect(await listed(never)).toEqual([]);
  }, 180_000);
});

/** A run that never had an agent: its turn had not come when it was cancelled. */
async function cancelledInLine(): Promise<Run> {
  const first = (await (
    await world.call("/runs", { json: { prompt: "wait 60 seconds" } })
  ).json()) as Run;
  const path = `/conversations/${first.conversation.id}/runs`;
  const json = { prompt: "echo", onBusy: "queue" };
  const waiting = (await (await world.call(path, { json })).json()) as Run;
  const cancelled = await world.call(`/runs/${waiting.id}/cancel`, { method: "POST" });
  expect(((await cancelled.json()) as Run).status).toBe("cancelled");
  await world.call(`/runs/${first.id}/cancel`, { method: "POST" });
  return waiting;
}

describe("an artifact", () => {
  test("comes with the bytes, length, type and digest that the list says", async () => {
    for (const { name, contentType, sizeBytes, sha256 } of await listed()) {
      const response = await get(`artifacts/${name}`);
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(response.status).toBe(200);
      expect(bytes.length).toBe(sizeBytes);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "content-type": contentType,
        "content-length": String(sizeBytes),
        "content-disposition": `attachment; filename=${name.split("/").at(-1)}`,
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
        "accept-ranges": "bytes",
        etag: `"${sha256}"`,
      });
    }
  });

  test("HEAD says the same of it and sends nothing", async () => {
    const whole = await get("artifacts/result.json");
    const head = await get("artifacts/result.json", {}, "HEAD");
    expect(head.status).toBe(200);
    for (const name of ["content-length", "content-type", "etag", "content-disposition"]) {
      expect(head.headers.get(name)).toBe(whole.headers.get(name));
    }
    expect(await head.text()).toBe("");
    const part = await get("artifacts/result.json", { range: "bytes=0-0" }, "HEAD");
    expect(part.status).toBe(200);
    await whole.body?.cancel();
  });

  test("is not sent again to one who has it", async () => {
    const first = await get("artifacts/result.json", {}, "HEAD");
    const etag = first.headers.get("etag") as string;
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const again = await get("artifacts/result.json", { "if-none-match": value });
      expect([again.status, await again.text(), again.headers.get("etag")]).toEqual([
        304,
        "",
        etag,
      ]);
    }
    expect((await get("artifacts/result.json", { "if-none-match": '"x"' })).status).toBe(200);
  });

  test.each([
    ["bytes=0-9", 0, 10],
    ["bytes=10-", 10, undefined],
    ["bytes=-7", -7, undefined],
    ["bytes=5-999999999", 5, undefined],
  ])("%s is answered with that part alone", async (range, from, to) => {
    const whole = Buffer.from(await (await get("artifacts/events.jsonl")).arrayBuffer());
    const response = await get("artifacts/events.jsonl", { range });
    expect(response.status).toBe(206);
    const wanted = whole.subarray(from, to);
    expect(Buffer.from(await response.arrayBuffer()).equals(wanted)).toBe(true);
    const start = from < 0 ? whole.length + from : from;
    const [, said] = response.headers.get("content-range")?.split(" ") ?? [];
    expect(said).toBe(`${start}-${start + wanted.length - 1}/${whole.length}`);
    expect(response.headers.get("content-length")).toBe(String(wanted.length));
  });

  test("several ranges, or what is none, give the whole", async () => {
    for (const range of ["bytes=0-0,2-2", "lines=1-2", "bytes=x"]) {
      expect((await get("artifacts/result.json", { range })).status).toBe(200);
    }
  });

  test("a range that is outside is refused with the size", async () => {
    const { sizeBytes } = (await listed()).find(({ name }) => name === "result.json") as Artifact;
    const response = await get("artifacts/result.json", { range: `bytes=${sizeBytes}-` });
    expect(response.headers.get("content-range")).toBe(`bytes */${sizeBytes}`);
    expect(await problemOf(response)).toMatchObject({ status: 416, code: "range_not_satisfiable" });
  });

  test("If-Range gives the part only of the content that is meant", async () => {
    const { headers } = await get("artifacts/result.json", {}, "HEAD");
    const range = "bytes=0-4";
    const etag = headers.get("etag") as string;
    const part = await get("artifacts/result.json", { range, "if-range": etag });
    expect([part.status, (await part.text()).length]).toEqual([206, 5]);
    for (const other of ['"x"', `W/${etag}`, new Date().toUTCString()]) {
      const whole = await get("artifacts/result.json", { range, "if-range": other });
      expect(whole.status).toBe(200);
    }
  });

  test.each([
    "nothing.txt",
    "result.json/",
    "/result.json",
    "../manifest.json",
    "..%2fmanifest.json",
    "outputs/result.json",
    "session",
    "result.json%00",
    "%2e%2e/claim",
    "RESULT.JSON",
    "__proto__",
  ])("%s is none of them", async (name) => {
    const url = `/v1/runs/${run.id}/artifacts/${name}`;
    expect(await rawStatus(url)).toBe("404");
  });

  test("that is no longer as it was uploaded is not passed off as it", async () => {
    const other = await finished("echo");
    const artifact = other.artifacts.find(({ name }) => name === "result.json") as Artifact;
    const [, bucket = "", object = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(artifact.uri) ?? [];
    const file = world.storage.bucket(bucket).file(object);
    const path = `/runs/${other.id}/artifacts/result.json`;
    await file.save(Buffer.alloc(artifact.sizeBytes, "x"), { resumable: false });
    await expect(world.call(path).then((response) => response.text())).rejects.toThrow();
    const tar = `/runs/${other.id}/artifacts.tar`;
    await expect(world.call(tar).then((response) => response.arrayBuffer())).rejects.toThrow();
    await file.save("short", { resumable: false });
    await expect(world.call(tar).then((response) => response.arrayBuffer())).rejects.toThrow();
    expect(await problemOf(await world.call(path))).toMatchObject({ code: "not_found" });
    await file.delete();
    expect(await problemOf(await world.call(path))).toMatchObject({ code: "outputs_expired" });
  }, 180_000);
});

describe("the archive", () => {
  test("has all of them, or those below a prefix, as they are", async () => {
    const response = await get("artifacts.tar");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/x-tar",
      "content-disposition": `attachment; filename=${run.id}.tar`,
      "content-security-policy": "sandbox; default-src 'none'",
    });
    const entries = await unpackTar(new Uint8Array(await response.arrayBuffer()));
    const items = await listed();
    expect(entries.map(({ header, data }) => [header.name, sha256Of(data)])).toEqual(
      items.map(({ name, sha256 }) => [name, sha256]),
    );
    const some = await get("artifacts.tar?prefix=session/");
    const [first] = await unpackTar(new Uint8Array(await some.arrayBuffer()));
    expect(first?.header.name).toMatch(/^session\//);
    expect((await get("artifacts.tar", {}, "HEAD")).status).toBe(200);
  });

  test("of nothing is not there, and why is said", async () => {
    const { detail } = await problemOf(await get("artifacts.tar?prefix=files/none"));
    expect(detail).toMatch(/ has no artifact whose name begins with files\/none; /);
    const { code } = await problemOf(await get("artifacts.tar?other=1"));
    expect(code).toBe("invalid");
  });
});

const sha256Of = (data: Uint8Array | undefined): string =>
  createHash("sha256")
    .update(data ?? "")
    .digest("hex");

/** The status of a GET whose path nobody tidies up on the way. */
async function rawStatus(path: string): Promise<string | undefined> {
  const { port } = new URL(world.local.address.apiUrl);
  const headers = { authorization: `Bearer ${world.local.key}` };
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, headers }, (response) => {
      response.resume();
      resolve(String(response.statusCode));
    });
    sent.on("error", reject).end();
  });
}

describe("the patch", () => {
  test("is what git apply takes", async () => {
    const response = await get("patch");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/x-diff(;|$)/);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.text()).toContain("+++ b/hello.txt");
    const etag = response.headers.get("etag") as string;
    expect((await get("patch", { "if-none-match": etag })).status).toBe(304);
    expect((await get("patch", { range: "bytes=0-3" })).status).toBe(206);
  });

  test("of a run that changed nothing is not there, and why is said", async () => {
    const { id } = await finished("echo");
    const problem = await problemOf(await world.call(`/runs/${id}/patch`));
    expect(problem).toMatchObject({ status: 404, detail: `run ${id} changed no files` });
  }, 180_000);
});

/** Gives the run one more output: `megabytes` of one byte. */
async function addLarge(name: string, megabytes: number): Promise<Artifact> {
  const [, bucket = "", prefix = ""] =
    /^gs:\/\/([^/]+)\/(.+\/)outputs\//.exec(run.artifacts[0]?.uri ?? "") ?? [];
  const object = `${prefix}outputs/${name}`;
  const pieces = () => Array.from({ length: megabytes }, () => Buffer.alloc(1_000_000, "x"));
  const file = world.storage.bucket(bucket).file(object);
  await pipeline(pieces(), file.createWriteStream({ resumable: false }));
  const sha256 = pieces().reduce((hash, piece) => hash.update(piece), createHash("sha256"));
  const manifest = world.storage.bucket(bucket).file(`${prefix}manifest.json`);
  const [text] = await manifest.download();
  const before = JSON.parse(text.toString());
  const output = {
    name,
    object,
    contentType: "text/plain",
    sizeBytes: megabytes * 1_000_000,
    sha256: sha256.digest("hex"),
  };
  const outputs = [...before.outputs, output];
  await manifest.save(JSON.stringify({ ...before, outputs }), { resumable: false });
  return (await listed()).find((item) => item.name === name) as Artifact;
}

test("of a large artifact little is in memory, however slowly it is taken", async () => {
  // Well above what the garbage of a stream comes to.
  const megabytes = 250;
  const { name, sha256 } = await addLarge("large.txt", megabytes);
  await (await get(`artifacts/${name}`, { range: "bytes=0-999999" })).arrayBuffer();
  const pid = world.local.functions.pidOf("api") as number;
  const before = residentMegabytes(pid);
  const measured = async (body: Response["body"], take = (_chunk: Uint8Array): void => {}) => {
    let [peak, taken] = [before, 0];
    for await (const chunk of body ?? []) {
      take(chunk);
      // A reader who pauses now and then for longer than all of it would take to come.
      if (taken >> 26 !== (taken + chunk.length) >> 26) await pause(1000);
      taken += chunk.length;
      peak = Math.max(peak, residentMegabytes(pid));
    }
    expect(peak - before).toBeLessThan(megabytes / 2);
    return taken;
  };
  const hash = createHash("sha256");
  const { body } = await get(`artifacts/${name}`);
  await measured(body, (chunk) => hash.update(chunk));
  expect(hash.digest("hex")).toBe(sha256);
  const archive = await get(`artifacts.tar?prefix=${name}`);
  // A header, the content in whole blocks, and the end.
  const size = 512 + Math.ceil((megabytes * 1_000_000) / 512) * 512 + 1024;
  expect(await measured(archive.body)).toBe(size);
}, 120_000);

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
