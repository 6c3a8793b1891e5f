import type { GetFilesOptions } from "@google-cloud/storage";
import { standInTest } from "../declared.ts";
import { BUCKET, startWorld, type World } from "./world.ts";

const NAMES = ["a", "a/", "a/1", "a/2", "a/b/3", "a/b/4", "a/c/5", "b", "é", "\u{1f600}", "\uffee"];

async function startFilled(): Promise<World> {
  const world = await startWorld();
  for (const name of NAMES) await world.put(name, "x");
  return world;
}

/** Every page of a listing: names, then prefixes in brackets. */
async function pages(world: World, options: GetFilesOptions): Promise<string[][]> {
  const found: string[][] = [];
  let next: GetFilesOptions | null = { ...options, autoPaginate: false };
  while (next !== null) {
    const reply: unknown[] = await world.bucket.getFiles(next);
    const [files, query, body] = reply as [
      { name: string }[],
      GetFilesOptions | null,
      { prefixes?: string[] },
    ];
    found.push([
      ...files.map(({ name }) => name),
      ...(body.prefixes ?? []).map((name) => `[${name}]`),
    ]);
    next = query;
  }
  return found;
}

const byBytes = [...NAMES].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

const LISTINGS: [string, GetFilesOptions, string[][]][] = [
  ["everything, in the order of UTF-8 bytes", {}, [byBytes]],
  ["a prefix", { prefix: "a/b/" }, [["a/b/3", "a/b/4"]]],
  ["nothing", { prefix: "zzz" }, [[]]],
  ["a folder", { prefix: "a/", delimiter: "/" }, [["a/", "a/1", "a/2", "[a/b/]", "[a/c/]"]]],
  ["the top", { delimiter: "/", endOffset: "c" }, [["a", "b", "[a/]"]]],
  [
    "a folder in pages of two",
    { prefix: "a/", delimiter: "/", maxResults: 2 },
    [["a/", "a/1"], ["a/2", "[a/b/]"], ["[a/c/]"]],
  ],
  [
    "pages of three",
    { prefix: "a", maxResults: 3 },
    [["a", "a/", "a/1"], ["a/2", "a/b/3", "a/b/4"], ["a/c/5"]],
  ],
  ["a span", { startOffset: "a/2", endOffset: "a/c/5" }, [["a/2", "a/b/3", "a/b/4"]]],
  ["a page as large as the rest", { prefix: "a/b", maxResults: 2 }, [["a/b/3", "a/b/4"]]],
];

test.each(LISTINGS)("lists %s", async (_, options, expected) => {
  await using world = await startFilled();
  expect(await pages(world, options)).toEqual(expected);
});

test("the client's own paging finds everything, and a page has at most 1000", async () => {
  await using world = await startWorld();
  const names = Array.from({ length: 1100 }, (_, index) => `n${String(index).padStart(4, "0")}`);
  for (const name of names) await world.put(name, "");
  const [files] = await world.bucket.getFiles();
  expect(files.map(({ name }) => name)).toEqual(names);
  expect((await pages(world, { maxResults: 5000 })).map((page) => page.length)).toEqual([
    1000, 100,
  ]);
});

test("listed files can be deleted together", async () => {
  await using world = await startFilled();
  await world.bucket.deleteFiles({ prefix: "a/" });
  expect((await pages(world, { endOffset: "c" })).flat()).toEqual(["a", "b"]);
});

standInTest(
  "a page token that is none is refused, and so is a filter that is not implemented",
  async () => {
    await using world = await startFilled();
    await expect(world.bucket.getFiles({ pageToken: "!" })).rejects.toMatchObject({ code: 400 });
    await expect(world.bucket.getFiles({ matchGlob: "*" })).rejects.toMatchObject({ code: 501 });
  },
);

test("buckets are made, found, changed, listed and deleted", async () => {
  await using world = await startWorld();
  const [bucket] = await world.storage.createBucket(`${BUCKET}-made`, {
    labels: { a: "1", b: "2" },
  });
  expect(await bucket.exists()).toEqual([true]);
  await bucket.setMetadata({ labels: { a: null, c: "3" } });
  const [resource] = await bucket.getMetadata();
  expect(resource).toMatchObject({ name: `${BUCKET}-made`, metageneration: "2", location: "US" });
  expect(resource.labels).toEqual({ b: "2", c: "3" });
  const [buckets] = await world.storage.getBuckets({ prefix: BUCKET });
  expect(buckets.map(({ name }) => name)).toEqual([BUCKET, `${BUCKET}-made`]);
  const [some] = await world.storage.getBuckets({ prefix: BUCKET, maxResults: 1 });
  expect(some.map(({ name }) => name)).toEqual([BUCKET]);
  await bucket.delete();
  expect(await bucket.exists()).toEqual([false]);
});

test("a bucket's name is unique and well-formed, and a full bucket stays", async () => {
  await using world = await startWorld();
  await expect(world.storage.createBucket(BUCKET)).rejects.toMatchObject({
    code: 409,
    message: "Your previous request to create the named bucket succeeded and you already own it.",
  });
  await expect(world.storage.createBucket("b")).rejects.toMatchObject({ code: 400 });
  await world.bucket.file("f").save("x");
  await expect(world.bucket.delete()).rejects.toMatchObject({
    code: 409,
    message: "The bucket you tried to delete is not empty.",
  });
  await expect(world.storage.bucket(`${BUCKET}-none`).delete()).rejects.toMatchObject({
    code: 404,
  });
});
