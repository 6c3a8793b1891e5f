import { readFile } from "node:fs/promises";
import { emulatorTest, standInTest } from "../declared.ts";
import { BUCKET, send, startWorld } from "./world.ts";

test("saved content comes back with its checksums, type and metadata, by either kind of upload", async () => {
  await using world = await startWorld();
  for (const resumable of [true, false]) {
    const file = world.bucket.file(`a b/ü?#%&+${resumable}.txt`);
    const metadata = {
      contentType: "text/x-note",
      cacheControl: "no-store",
      metadata: { run: "é" },
    };
    await file.save("hello world", { resumable, metadata });
    const [content] = await file.download();
    const [resource] = await file.getMetadata();
    expect(content.toString()).toBe("hello world");
    expect(resource).toMatchObject({
      name: `a b/ü?#%&+${resumable}.txt`,
      bucket: BUCKET,
      size: "11",
      crc32c: "yZRlqg==",
      md5Hash: "XrY7u+Ae7tCTyyK7j1rNww==",
      contentType: "text/x-note",
      cacheControl: "no-store",
      metageneration: "1",
      metadata: { run: "é" },
    });
    expect(resource.generation).toMatch(/^\d{16}$/);
  }
});

test("an empty object can be saved and read", async () => {
  await using world = await startWorld();
  for (const resumable of [true, false]) {
    const file = world.bucket.file(`empty-${resumable}`);
    await file.save("", { resumable });
    expect((await file.download())[0]).toHaveLength(0);
    expect((await file.getMetadata())[0].size).toBe("0");
  }
});

test("each write raises the generation, and a superseded generation is gone", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("f");
  const generations: number[] = [];
  for (const content of ["one", "two", "three"]) {
    await file.save(content);
    generations.push(Number((await file.getMetadata())[0].generation));
  }
  const [first = 0, second = 0, third = 0] = generations;
  expect(first < second && second < third).toBe(true);
  const superseded = world.bucket.file("f", { generation: second });
  await expect(superseded.download()).rejects.toMatchObject({ code: 404 });
  const live = world.bucket.file("f", { generation: third });
  expect((await live.download())[0].toString()).toBe("three");
  await world.expectContentFiles(1);
});

test("a part of an object can be read", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("f");
  await file.save("0123456789");
  expect((await file.download({ start: 2, end: 4 }))[0].toString()).toBe("234");
  expect((await file.download({ start: 7 }))[0].toString()).toBe("789");
  expect((await file.download({ end: -3 }))[0].toString()).toBe("789");
  const refused = await send(`${world.url}/storage/v1/b/${BUCKET}/o/f?alt=media`, {
    headers: { range: "bytes=10-" },
  });
  expect(refused.status).toBe(416);
  expect(refused.headers.get("content-range")).toBe("bytes */10");
  await expect(file.download({ start: 10 })).rejects.toMatchObject({ code: 416 });
});

test("what does not exist is reported by name", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("missing");
  const noObject = { code: 404, message: `No such object: ${BUCKET}/missing` };
  await expect(file.download()).rejects.toMatchObject(noObject);
  await expect(file.getMetadata()).rejects.toMatchObject(noObject);
  await expect(file.delete()).rejects.toMatchObject(noObject);
  await file.delete({ ignoreNotFound: true });
  expect(await file.exists()).toEqual([false]);
  const noBucket = { code: 404, message: "The specified bucket does not exist." };
  const elsewhere = world.storage.bucket(`${BUCKET}-none`);
  await expect(elsewhere.file("f").getMetadata()).rejects.toMatchObject(noBucket);
  await expect(elsewhere.getFiles()).rejects.toMatchObject(noBucket);
  await expect(elsewhere.file("f").save("x", { resumable: false })).rejects.toMatchObject(noBucket);
  await expect(elsewhere.file("f").save("x")).rejects.toMatchObject({ status: 404 });
});

test("metadata is changed key by key, and metageneration counts the changes", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("f");
  await file.save("x", { metadata: { contentType: "a/b", metadata: { keep: "1", drop: "2" } } });
  const [before] = await file.getMetadata();
  await file.setMetadata({ contentType: "c/d", metadata: { drop: null, add: "3" } });
  const [after] = await file.getMetadata();
  expect(after).toMatchObject({
    contentType: "c/d",
    metadata: { keep: "1", add: "3" },
    metageneration: "2",
    generation: before.generation,
  });
  expect(after.metadata).not.toHaveProperty("drop");
  expect(after.etag).not.toBe(before.etag);
  await expect(
    file.setMetadata({ contentType: "e/f" }, { ifMetagenerationMatch: 1 }),
  ).rejects.toMatchObject({ code: 412 });
});

test("an update replaces all metadata", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("f");
  await file.save("x", { metadata: { contentType: "a/b", metadata: { drop: "2" } } });
  const response = await send(`${world.url}/storage/v1/b/${BUCKET}/o/f`, {
    method: "PUT",
    body: JSON.stringify({ contentType: "c/d" }),
  });
  expect(response.status).toBe(200);
  const [after] = await file.getMetadata();
  expect(after).toMatchObject({ contentType: "c/d", metageneration: "2", size: "1" });
  expect(after.metadata).toBeUndefined();
  expect((await file.download())[0].toString()).toBe("x");
});

test("a copy has the source's content and metadata and outlives the source", async () => {
  await using world = await startWorld();
  const source = world.bucket.file("from");
  await source.save("content", { metadata: { contentType: "a/b", metadata: { k: "v" } } });
  await world.storage.createBucket(`${BUCKET}-other`);
  const copy = world.storage.bucket(`${BUCKET}-other`).file("to/b/x/o/y");
  await source.copy(copy);
  await source.delete();
  expect((await copy.download())[0].toString()).toBe("content");
  expect((await copy.getMetadata())[0]).toMatchObject({
    contentType: "a/b",
    metadata: { k: "v" },
    metageneration: "1",
  });
  const replaced = world.bucket.file("again");
  await copy.copy(replaced, { contentType: "c/d", metadata: { other: "w" } });
  expect((await replaced.getMetadata())[0]).toMatchObject({
    contentType: "c/d",
    metadata: { other: "w" },
  });
  await copy.delete();
  await replaced.delete();
  await world.expectContentFiles(0);
});

test("a copy obeys preconditions on its target and its source's generation", async () => {
  await using world = await startWorld();
  const source = world.bucket.file("from");
  await source.save("content");
  const target = world.bucket.file("to");
  await source.copy(target, { preconditionOpts: { ifGenerationMatch: 0 } });
  await expect(
    source.copy(target, { preconditionOpts: { ifGenerationMatch: 0 } }),
  ).rejects.toMatchObject({ code: 412 });
  const superseded = world.bucket.file("from", { generation: 1 });
  await expect(superseded.copy(target)).rejects.toMatchObject({ code: 404 });
});

test("a move takes the object to its new name", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("from");
  await file.save("content");
  await file.moveFileAtomic("to");
  expect(await file.exists()).toEqual([false]);
  expect((await world.bucket.file("to").download())[0].toString()).toBe("content");
});

test("composed objects are joined in order; the result has a CRC32C and no MD5", async () => {
  await using world = await startWorld();
  for (const name of ["hello", " ", "world"]) await world.bucket.file(`part${name}`).save(name);
  const composed = world.bucket.file("composed.txt");
  await world.bucket.combine(["parthello", "part ", "partworld"], composed);
  const [resource] = await composed.getMetadata();
  expect((await composed.download())[0].toString()).toBe("hello world");
  expect(resource).toMatchObject({
    crc32c: "yZRlqg==",
    componentCount: 3,
    contentType: "text/plain",
  });
  expect(resource.md5Hash).toBeUndefined();
  await expect(world.bucket.combine(["parthello", "missing"], composed)).rejects.toMatchObject({
    code: 404,
  });
  expect((await composed.getMetadata())[0].generation).toBe(resource.generation);
});

test("a reader keeps its content while the object is replaced", async () => {
  await using world = await startWorld();
  const old = Buffer.alloc(8 * 1024 * 1024, "old!");
  const file = world.bucket.file("f");
  await file.save(old, { resumable: false });
  const response = await send(`${world.url}/storage/v1/b/${BUCKET}/o/f?alt=media`);
  await file.save("new", { resumable: false });
  expect(Buffer.from(await response.arrayBuffer()).equals(old)).toBe(true);
  expect((await file.download())[0].toString()).toBe("new");
});

test("gzip content is sent as stored to whoever accepts gzip, and unpacked for others", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("f");
  await file.save("hello world", { gzip: true, resumable: false });
  expect((await file.download())[0].toString()).toBe("hello world");
  const [packed] = await file.download({ decompress: false });
  expect(packed.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
  const plain = await send(`${world.url}/storage/v1/b/${BUCKET}/o/f?alt=media`, {
    headers: { "accept-encoding": "identity" },
  });
  expect(plain.headers.get("x-goog-stored-content-encoding")).toBe("gzip");
  expect(await plain.text()).toBe("hello world");
});

emulatorTest("the client can be pointed here by STORAGE_EMULATOR_HOST", async () => {
  await using world = await startWorld();
  process.env["STORAGE_EMULATOR_HOST"] = world.url;
  try {
    const { Storage } = await import("@google-cloud/storage");
    const file = new Storage({ projectId: "project" }).bucket(BUCKET).file("dir/f");
    await file.save("resumable");
    expect((await file.download())[0].toString()).toBe("resumable");
    await file.save("simple", { resumable: false });
    expect((await file.download())[0].toString()).toBe("simple");
    await file.delete();
    expect(await file.exists()).toEqual([false]);
  } finally {
    delete process.env["STORAGE_EMULATOR_HOST"];
  }
});

standInTest("other services read and write objects without HTTP", async () => {
  await using world = await startWorld();
  const { generation } = await world.server.writeObject(
    BUCKET,
    "log",
    Buffer.from("line"),
    "text/plain",
  );
  expect((await world.bucket.file("log").download())[0].toString()).toBe("line");
  await world.bucket.file("source").save("archive", { contentType: "application/gzip" });
  const found = world.server.readObject(BUCKET, "source");
  expect(found).toMatchObject({ contentType: "application/gzip", sizeBytes: 7 });
  expect(await readFile(found?.path ?? "", "utf8")).toBe("archive");
  expect(world.server.readObject(BUCKET, "log", generation)?.generation).toBe(generation);
  expect(world.server.readObject(BUCKET, "log", "1")).toBeUndefined();
  expect(world.server.readObject(BUCKET, "missing")).toBeUndefined();
});
