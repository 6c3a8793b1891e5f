import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { standInTest } from "../declared.ts";
import { BUCKET, clientOf, makeBytes, startWorld } from "./world.ts";

const HOST = new URL("./host.ts", import.meta.url).pathname;
const QUANTUM = 256 * 1024;

/** Processes start slowly on a machine that has other work. */
const TIMEOUT_MS = 180_000;

interface Host extends AsyncDisposable {
  url: string;
  kill(): Promise<void>;
  /** Ends it in order, and tells the most memory it held. */
  stop(): Promise<{ heldBytes: number }>;
}

/** Starts the stand-in in a process of its own; `kill` takes it away without warning. */
async function startHost(directory: string): Promise<Host> {
  const child: ChildProcess = spawn(
    process.execPath,
    ["--expose-gc", "--disable-warning=ExperimentalWarning", HOST, directory, BUCKET],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(child, "exit");
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  return {
    url: line.toString().trim(),
    kill,
    [Symbol.asyncDispose]: kill,
    async stop() {
      const printed = once(child.stdout as NodeJS.ReadableStream, "data");
      child.kill("SIGTERM");
      const [heldBytes] = (await printed) as [Buffer];
      await exited;
      return { heldBytes: Number(heldBytes.toString()) };
    },
  };
}

standInTest("a restart keeps buckets, objects, metadata and generations rising", async () => {
  await using world = await startWorld();
  await world.bucket.file("f").save("one", { metadata: { metadata: { k: "v" } } });
  const [before] = await world.bucket.file("f").getMetadata();
  await world.bucket.file("f").delete();
  await world.bucket.file("g").save("two");
  await world.restart();
  expect((await world.bucket.file("g").download())[0].toString()).toBe("two");
  await world.bucket.file("f").save("three");
  const [after] = await world.bucket.file("f").getMetadata();
  expect(Number(after.generation)).toBeGreaterThan(Number(before.generation));
});

standInTest("a start sweeps files that no object and no open upload needs", async () => {
  await using world = await startWorld();
  await world.bucket.file("f").save("kept");
  const [uri] = await world.bucket.file("g").createResumableUpload();
  const needed = (await world.contentFiles()).sort();
  await writeFile(join(world.directory, "content", "left-behind"), "half");
  await world.restart();
  expect((await world.contentFiles()).sort()).toEqual(needed);
  expect(needed).toHaveLength(2);
  const moved = uri.replace(/:\d+\//, `:${new URL(world.url).port}/`);
  expect((await fetch(moved, { method: "PUT", body: "content" })).status).toBe(200);
});

standInTest(
  "what was acknowledged survives kill -9 at any moment, and nothing half-written is seen",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "storage-killed-"));
    const acknowledged = new Map<string, number>();
    const started = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      await using host = await startHost(directory);
      const bucket = clientOf(host.url).bucket(BUCKET);
      const writer = async (lane: number) => {
        for (let index = 0; ; index += 1) {
          const name = `${round}-${lane}-${index}`;
          const resumable = index % 2 === 0;
          started.add(name);
          await bucket.file(name).save(makeBytes(1000 * (lane + 1) + index), { resumable });
          acknowledged.set(name, 1000 * (lane + 1) + index);
        }
      };
      const lanes = Promise.allSettled([0, 1, 2, 100].map(writer));
      const enough = acknowledged.size + 12;
      while (acknowledged.size < enough) await new Promise((resolve) => setTimeout(resolve, 5));
      await host.kill();
      await lanes;
    }
    await using host = await startHost(directory);
    const bucket = clientOf(host.url).bucket(BUCKET);
    const [files] = await bucket.getFiles();
    const sizes = new Map(files.map(({ name, metadata }) => [name, Number(metadata.size)]));
    for (const [name, size] of acknowledged) expect([name, sizes.get(name)]).toEqual([name, size]);
    for (const name of sizes.keys()) expect(started.has(name)).toBe(true);
    for (const { name } of files) {
      const [content] = await bucket.file(name).download();
      expect(content.equals(makeBytes(content.length))).toBe(true);
    }
    const kept = (await readdir(join(directory, "content"))).length;
    const unfinished = started.size - sizes.size;
    expect(kept - files.length).toBeLessThanOrEqual(unfinished);
    await host.kill();
    await rm(directory, { recursive: true });
  },
  TIMEOUT_MS,
);

standInTest(
  "an upload goes on from its last persisted byte after kill -9",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "storage-killed-"));
    const content = makeBytes(QUANTUM * 2 + 11);
    await using first = await startHost(directory);
    const [uri] = await clientOf(first.url).bucket(BUCKET).file("f").createResumableUpload();
    const put = (address: string, range: string, body: Buffer) =>
      fetch(address, {
        method: "PUT",
        headers: { "content-range": range },
        body: new Uint8Array(body),
      });
    const half = await put(uri, `bytes 0-${QUANTUM - 1}/*`, content.subarray(0, QUANTUM));
    expect(half.headers.get("range")).toBe(`bytes=0-${QUANTUM - 1}`);
    await first.kill();
    await using second = await startHost(directory);
    const moved = uri.replace(new URL(first.url).host, new URL(second.url).host);
    const status = await put(moved, "bytes */*", Buffer.alloc(0));
    expect([status.status, status.headers.get("range")]).toEqual([308, `bytes=0-${QUANTUM - 1}`]);
    const rest = content.subarray(QUANTUM);
    const range = `bytes ${QUANTUM}-${content.length - 1}/${content.length}`;
    expect((await put(moved, range, rest)).status).toBe(200);
    const [stored] = await clientOf(second.url).bucket(BUCKET).file("f").download();
    expect(stored.equals(content)).toBe(true);
    await second.kill();
    await rm(directory, { recursive: true });
  },
  TIMEOUT_MS,
);

standInTest(
  "contents larger than the memory it may use stream through",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "storage-large-"));
    await using host = await startHost(directory);
    const piece = makeBytes(1024 * 1024);
    const count = 256;
    const sizeBytes = count * piece.length;
    const pieces = () => Readable.from(Array.from({ length: count }, () => piece));
    const start = `${host.url}/upload/storage/v1/b/${BUCKET}/o?uploadType`;
    const simple = await send("POST", `${start}=media&name=large`, pieces());
    expect(simple.status).toBe(200);
    const opened = await fetch(`${start}=resumable&name=large`, { method: "POST" });
    const resumable = await send("PUT", opened.headers.get("location") ?? "", pieces());
    expect(resumable.status).toBe(200);
    const download = await fetch(`${host.url}/storage/v1/b/${BUCKET}/o/large?alt=media`);
    let received = 0;
    for await (const chunk of download.body ?? []) received += (chunk as Uint8Array).length;
    expect(received).toBe(sizeBytes);
    const { heldBytes } = await host.stop();
    expect(heldBytes).toBeGreaterThan(0);
    expect(heldBytes).toBeLessThan(sizeBytes / 2);
    await rm(directory, { recursive: true });
  },
  TIMEOUT_MS,
);

function send(method: string, url: string, body: Readable): Promise<Response> {
  return fetch(url, { method, body: Readable.toWeb(body), duplex: "half" } as RequestInit);
}
