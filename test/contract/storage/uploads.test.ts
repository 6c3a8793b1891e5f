import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { emulatorTest, standInTest } from "../declared.ts";
import { BUCKET, clientOf, makeBytes, makeClock, send, startWorld } from "./world.ts";

const QUANTUM = 256 * 1024;

/** Opens a resumable session and returns its address. */
async function openSession(url: string, name: string, query = ""): Promise<string> {
  const response = await send(
    `${url}/upload/storage/v1/b/${BUCKET}/o?uploadType=resumable&name=${name}${query}`,
    { method: "POST", headers: { "x-upload-content-type": "text/x-up" }, body: "{}" },
  );
  expect(response.status).toBe(200);
  return response.headers.get("location") ?? "";
}

function put(uri: string, contentRange: string, body: Buffer | string = ""): Promise<Response> {
  const headers = { "content-range": contentRange };
  return fetch(uri, { method: "PUT", headers, body: new Uint8Array(Buffer.from(body)) });
}

/** Sends the beginning of a body and then cuts the connection. */
async function putAndBreakOff(uri: string, contentRange: string, start: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    const headers = { "content-range": contentRange, "transfer-encoding": "chunked" };
    const request = httpRequest(uri, { method: "PUT", headers });
    request.on("error", () => resolve());
    request.on("close", () => resolve());
    request.write(start, () => setImmediate(() => request.destroy()));
  });
}

test("20 MB stream through, in one request and in chunks", async () => {
  await using world = await startWorld();
  const size = 20 * 1024 * 1024;
  const piece = makeBytes(1024 * 1024);
  const expected = createHash("md5");
  for (let index = 0; index < 20; index += 1) expected.update(piece);
  const md5Hash = expected.digest("base64");
  for (const options of [{}, { chunkSize: 4 * 1024 * 1024 }, { resumable: false }]) {
    const source = new PassThrough();
    const file = world.bucket.file("large");
    const written = pipeline(source, file.createWriteStream(options));
    for (let index = 0; index < 20; index += 1) {
      if (!source.write(piece)) await new Promise((resolve) => source.once("drain", resolve));
    }
    source.end();
    await written;
    expect((await file.getMetadata())[0]).toMatchObject({ size: String(size), md5Hash });
    const digest = createHash("md5");
    for await (const chunk of file.createReadStream()) digest.update(chunk as Buffer);
    expect(digest.digest("base64")).toBe(md5Hash);
  }
  await world.expectContentFiles(1);
});

test("an upload in chunks is incomplete until its last byte", async () => {
  await using world = await startWorld();
  const content = makeBytes(QUANTUM + 10);
  const uri = await openSession(world.url, "f");
  const fresh = await put(uri, "bytes */*");
  expect([fresh.status, fresh.headers.get("range")]).toEqual([308, null]);
  const first = await put(uri, `bytes 0-${QUANTUM - 1}/*`, content.subarray(0, QUANTUM));
  expect([first.status, first.headers.get("range")]).toEqual([308, `bytes=0-${QUANTUM - 1}`]);
  expect(await world.bucket.file("f").exists()).toEqual([false]);
  const range = `bytes ${QUANTUM}-${QUANTUM + 9}/${QUANTUM + 10}`;
  const last = await put(uri, range, content.subarray(QUANTUM));
  expect(last.status).toBe(200);
  expect(await last.json()).toMatchObject({ name: "f", contentType: "text/x-up" });
  expect((await world.bucket.file("f").download())[0].equals(content)).toBe(true);
});

test("an unfinished upload keeps whole multiples of 256 KiB", async () => {
  await using world = await startWorld();
  const uri = await openSession(world.url, "f");
  const response = await put(uri, "bytes 0-299999/*", makeBytes(300_000));
  expect(response.headers.get("range")).toBe(`bytes=0-${QUANTUM - 1}`);
});

test("the last answer of an upload is given again when it was lost", async () => {
  await using world = await startWorld();
  const uri = await openSession(world.url, "f", "&ifGenerationMatch=0");
  const first = await (await put(uri, "bytes 0-4/5", "hello")).json();
  const repeated = await put(uri, "bytes 0-4/5", "hello");
  expect(repeated.status).toBe(200);
  expect(await repeated.json()).toEqual(first);
  const asked = await put(uri, "bytes */5");
  expect(asked.status).toBe(200);
  expect(await asked.json()).toEqual(first);
});

standInTest("an upload goes on after its connection broke and after a restart", async () => {
  await using world = await startWorld({ port: 0 });
  const content = makeBytes(3 * QUANTUM + 77);
  const uri = new URL(await openSession(world.url, "f"));
  await putAndBreakOff(
    uri.href,
    `bytes 0-${content.length - 1}/${content.length}`,
    content.subarray(0, 2 * QUANTUM + 5),
  );
  await world.restart();
  uri.port = new URL(world.url).port;
  const status = await put(uri.href, `bytes */${content.length}`);
  expect(status.status).toBe(308);
  const persisted =
    Number(/^bytes=0-(\d+)$/.exec(status.headers.get("range") ?? "bytes=0--1")?.[1] ?? -1) + 1;
  expect(persisted % QUANTUM).toBe(0);
  const last = await put(
    uri.href,
    `bytes ${persisted}-${content.length - 1}/${content.length}`,
    content.subarray(persisted),
  );
  expect(last.status).toBe(200);
  expect((await world.bucket.file("f").download())[0].equals(content)).toBe(true);
});

test("the official client takes up an interrupted upload where it stands", async () => {
  await using world = await startWorld();
  const content = makeBytes(2 * QUANTUM + 99);
  const file = world.bucket.file("f");
  const [uri] = await file.createResumableUpload();
  await put(uri, `bytes 0-${QUANTUM - 1}/*`, content.subarray(0, QUANTUM));
  const rest = file.createWriteStream({ uri, offset: QUANTUM, resumable: true, validation: false });
  await pipeline([content.subarray(QUANTUM)], rest);
  expect((await file.download())[0].equals(content)).toBe(true);
});

/** Passes bytes on to `url`, but cuts the first connection after `cutAfterBytes`. */
async function startCuttingProxy(url: string, cutAfterBytes: number) {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let cuts = 0;
  const proxy = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let passed = 0;
    client.on("data", (data) => {
      passed += data.length;
      if (cuts > 0 || passed <= cutAfterBytes) {
        upstream.write(data);
        return;
      }
      cuts += 1;
      client.destroy();
    });
    upstream.on("data", (data) => client.write(data));
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => undefined);
      one.on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

emulatorTest(
  "the official client's own retry continues an upload that a broken connection interrupted",
  async () => {
    await using world = await startWorld();
    await using proxy = await startCuttingProxy(world.url, QUANTUM * 1.5);
    const content = makeBytes(3 * QUANTUM);
    const storage = clientOf(proxy.url);
    Object.assign(storage.retryOptions, { autoRetry: true, maxRetries: 3, maxRetryDelay: 1 });
    const file = storage.bucket(BUCKET).file("f");
    await file.save(content, { chunkSize: QUANTUM, preconditionOpts: { ifGenerationMatch: 0 } });
    expect(proxy.cuts()).toBe(1);
    expect((await world.bucket.file("f").download())[0].equals(content)).toBe(true);
  },
);

test("a request that leaves a gap is refused as Google does, and changes nothing", async () => {
  await using world = await startWorld();
  const uri = await openSession(world.url, "f");
  const response = await put(uri, "bytes 4-7/8", "hell");
  expect(response.status).toBe(503);
  expect(await response.text()).toBe(
    "Invalid request.  According to the Content-Range header, the upload offset is 4 byte(s), which exceeds already uploaded size of 0 byte(s).",
  );
  expect((await put(uri, "bytes 0-7/8", "hellohow")).status).toBe(200);
});

const CONTRADICTIONS: [string, string][] = [
  ["bytes 0-9/10", "short"],
  ["bytes 0-1/2", "longer"],
  ["bytes 0-*/3", "longer"],
  ["bytes 5-4/10", "x"],
  ["bytes 0-10/10", "x"],
  ["bytes", "x"],
  ["octets 0-0/1", "x"],
];

test.each(CONTRADICTIONS)("content-range %p with the body %p is refused", async (range, body) => {
  await using world = await startWorld();
  const uri = await openSession(world.url, "f");
  expect((await put(uri, range, body)).status).toBe(400);
  expect(await world.bucket.file("f").exists()).toEqual([false]);
});

test("a cancelled session answers 499, and its content is gone", async () => {
  await using world = await startWorld();
  const uri = await openSession(world.url, "f");
  await put(uri, `bytes 0-${QUANTUM - 1}/*`, makeBytes(QUANTUM));
  expect((await fetch(uri, { method: "DELETE" })).status).toBe(499);
  await world.expectContentFiles(0);
  expect((await put(uri, "bytes */*")).status).toBe(499);
  expect((await put(`${uri}x`, "bytes */*")).status).toBe(404);
});

standInTest("a session expires after a week", async () => {
  const clock = makeClock();
  await using world = await startWorld({ clock });
  const uri = await openSession(world.url, "f");
  clock.advance(7 * 24 * 3600 * 1000 + 1);
  expect((await put(uri, "bytes 0-0/1", "x")).status).toBe(410);
});

test("content that is not what was declared is refused, and nothing is stored", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("f");
  const crc = 'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "yZRlqg==".';
  const md5 =
    'Provided MD5 hash "AAAAAAAAAAAAAAAAAAAAAA==" doesn\'t match calculated MD5 hash "XrY7u+Ae7tCTyyK7j1rNww==".';
  for (const resumable of [true, false]) {
    const wrongCrc = file.save("hello world", { resumable, metadata: { crc32c: "AAAAAA==" } });
    await expect(wrongCrc).rejects.toMatchObject({ code: 400, message: crc });
    const metadata = { md5Hash: "AAAAAAAAAAAAAAAAAAAAAA==" };
    const wrongMd5 = file.save("hello world", { resumable, metadata });
    await expect(wrongMd5).rejects.toMatchObject({ code: 400, message: md5 });
  }
  const uri = await openSession(world.url, "f");
  for (const attempt of [1, 2]) {
    const response = await fetch(uri, {
      method: "PUT",
      headers: { "x-goog-hash": "crc32c=AAAAAA==" },
      body: "hello world",
    });
    const { error } = (await response.json()) as { error: object };
    expect({ attempt, ...error }).toMatchObject({ attempt, code: 400, message: crc });
  }
  expect(await file.exists()).toEqual([false]);
  await world.expectContentFiles(0);
});

test("a right checksum is accepted", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("f");
  for (const resumable of [true, false]) {
    await file.save("hello world", { resumable, metadata: { crc32c: "yZRlqg==" } });
  }
  expect((await file.download())[0].toString()).toBe("hello world");
});

standInTest("what breaks off leaves nothing behind and hides nothing", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("f");
  await file.save("before");
  const uri = `${world.url}/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=f`;
  await new Promise<void>((resolve) => {
    const request = httpRequest(uri, { method: "POST", headers: { "content-length": 1000 } });
    request.on("error", () => resolve());
    request.write("half", () => setImmediate(() => request.destroy()));
  });
  await world.restart();
  expect((await world.bucket.file("f").download())[0].toString()).toBe("before");
  await world.expectContentFiles(1);
});
