import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { differsTest } from "../declared.ts";
import { BUCKET, clientOf, makeBytes, makeKeys, startWorld, type World } from "./world.ts";

const QUANTUM = 256 * 1024;

async function json(url: string, init?: RequestInit) {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into arbitrary JSON
  return (await (await fetch(url, init)).json()) as any;
}

differsTest.each([
  ["access control", "GET", `/b/${BUCKET}/acl`],
  ["access control of objects", "GET", `/b/${BUCKET}/o/f/acl`],
  ["IAM", "GET", `/b/${BUCKET}/iam`],
  ["notifications", "GET", `/b/${BUCKET}/notificationConfigs`],
  ["HMAC keys", "GET", "/projects/p/hmacKeys"],
  ["folders", "GET", `/b/${BUCKET}/folders`],
  ["batch requests", "POST", "/batch/storage/v1"],
])("Differs: parts of the API are missing and answer so by name: %s", async (_, method, path) => {
  await using world = await startWorld();
  const prefix = path.startsWith("/batch/") ? "" : "/storage/v1";
  const headers = { authorization: "Bearer any" };
  const response = await fetch(`${world.url}${prefix}${path}`, { method, headers });
  expect(response.status).toBe(501);
  expect(await response.text()).toContain(`the stand-in does not implement ${method} ${path}`);
});

differsTest(
  "Differs: access and retention fields are never shown: also with projection=full",
  async () => {
    await using world = await startWorld();
    await world.put("f", "content");
    const object = await json(`${world.url}/storage/v1/b/${BUCKET}/o/f?projection=full`);
    expect(object).toMatchObject({ name: "f" });
    for (const field of ["owner", "acl", "retentionExpirationTime", "temporaryHold"]) {
      expect(object).not.toHaveProperty(field);
    }
  },
);

differsTest(
  "Differs: any Authorization header is taken for a good one: the JSON API asks for none at all",
  async () => {
    await using world = await startWorld();
    await world.put("f", "content");
    const headers = { authorization: "nonsense" };
    expect((await fetch(`${world.url}/${BUCKET}/f`, { headers })).status).toBe(200);
    expect((await fetch(`${world.url}/${BUCKET}/f`)).status).toBe(403);
    expect((await fetch(`${world.url}/storage/v1/b/${BUCKET}/o/f`)).status).toBe(200);
  },
);

differsTest(
  "Differs: without registered keys every signature is taken as right: of anybody's, over anything",
  async () => {
    await using world = await startWorld();
    await world.put("f", "content");
    const file = clientOf(world.url, makeKeys().privateKey).bucket(BUCKET).file("other");
    const expires = Date.now() + 60_000;
    const [url] = await file.getSignedUrl({ version: "v4", action: "read", expires });
    expect(await (await fetch(url.replace("/other", "/f"))).text()).toBe("content");
  },
);

differsTest(
  "Differs: a bucket's settings are stored and shown: a lifecycle rule deletes nothing",
  async () => {
    await using world = await startWorld();
    await world.put("f", "content");
    const rule = [{ action: { type: "Delete" as const }, condition: { age: 0 } }];
    await world.bucket.setMetadata({ lifecycle: { rule }, storageClass: "COLDLINE" });
    const [metadata] = await world.bucket.getMetadata();
    expect(metadata).toMatchObject({ lifecycle: { rule }, storageClass: "COLDLINE" });
    await world.restart();
    await world.put("later", "content");
    const [files] = await world.bucket.getFiles();
    expect(files.map(({ name }) => name)).toEqual(["f", "later"]);
    expect(files[1]?.metadata.storageClass).toBe("STANDARD");
  },
);

differsTest(
  "Differs: all buckets are in one project: a list of any project shows them all",
  async () => {
    await using world = await startWorld();
    const list = async (project: string) => {
      const { items } = await json(`${world.url}/storage/v1/b?project=${project}`);
      return items.map(({ name }: { name: string }) => name);
    };
    const body = JSON.stringify({ name: `${BUCKET}-of-one` });
    await json(`${world.url}/storage/v1/b?project=one`, { method: "POST", body });
    expect(await list("one")).toEqual([BUCKET, `${BUCKET}-of-one`]);
    expect(await list("two")).toEqual([BUCKET, `${BUCKET}-of-one`]);
  },
);

differsTest("Differs: every project has the number 1: a bucket shows it", async () => {
  await using world = await startWorld();
  const [metadata] = await world.bucket.getMetadata();
  expect(metadata.projectNumber).toBe("1");
});

differsTest(
  "Differs: `fields` is ignored here and everywhere: the whole resource comes",
  async () => {
    await using world = await startWorld();
    await world.put("f", "content");
    for (const path of ["", "/o/f", "/o"]) {
      const whole = await json(`${world.url}/storage/v1/b/${BUCKET}${path}`);
      const partial = await json(`${world.url}/storage/v1/b/${BUCKET}${path}?fields=kind`);
      expect(partial).toEqual(whole);
      expect(Object.keys(whole).length).toBeGreaterThan(1);
    }
  },
);

/** A bucket that says it has versioning, and a file with two generations: the earlier one's. */
async function overwritten(world: World): Promise<number> {
  await world.bucket.setMetadata({ versioning: { enabled: true } });
  await world.bucket.file("f").save("first");
  const [{ generation }] = await world.bucket.file("f").getMetadata();
  await world.bucket.file("f").save("second");
  return Number(generation);
}

differsTest(
  "Differs: buckets have no versioning and no soft delete: an earlier generation cannot be read",
  async () => {
    await using world = await startWorld();
    const generation = await overwritten(world);
    expect(await world.bucket.file("f", { generation }).exists()).toEqual([false]);
    await world.bucket.file("f").delete();
    const soft = `${world.url}/storage/v1/b/${BUCKET}/o?softDeleted=true`;
    expect((await fetch(soft)).status).toBe(501);
  },
);

differsTest(
  "Differs: `versions=true` lists live objects only: one entry for each name",
  async () => {
    await using world = await startWorld();
    const generation = await overwritten(world);
    const [files] = await world.bucket.getFiles({ versions: true });
    expect(files.map(({ name }) => name)).toEqual(["f"]);
    expect(Number(files[0]?.metadata.generation)).toBeGreaterThan(generation);
  },
);

differsTest(
  "Differs: Google lets an earlier request go on and answers the later one beside it: here the earlier is cut off",
  async () => {
    await using world = await startWorld();
    const [uri] = await world.bucket.file("f").createResumableUpload();
    const headers = { "content-range": "bytes 0-*/*", "transfer-encoding": "chunked" };
    const earlier = httpRequest(uri, { method: "PUT", headers });
    const cut = once(earlier, "error");
    await new Promise((resolve) => earlier.write(makeBytes(QUANTUM + 1), resolve));
    const later = await fetch(uri, { method: "PUT", headers: { "content-range": "bytes */*" } });
    expect(later.status).toBe(308);
    expect(await cut).toMatchObject([{ code: "ECONNRESET" }]);
  },
);

differsTest(
  "Differs: one call rewrites any object: also where Google would hand out a rewriteToken",
  async () => {
    await using world = await startWorld();
    await world.bucket.file("f").save(makeBytes(3 * 1024 * 1024));
    const path = `/storage/v1/b/${BUCKET}/o/f/rewriteTo/b/${BUCKET}/o/g`;
    const reply = await json(`${world.url}${path}?maxBytesRewrittenPerCall=1048576`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ storageClass: "ARCHIVE" }),
    });
    expect(reply).toMatchObject({ done: true, totalBytesRewritten: String(3 * 1024 * 1024) });
    expect(reply).not.toHaveProperty("rewriteToken");
    expect(reply.resource.storageClass).toBe("ARCHIVE");
  },
);

differsTest.each(["a//b", "/lead", "trail/", "a+b c/d", "o/x/compose", "b/y/o/z"])(
  "Differs: Google wants the slashes of an object's name as %%2F: here %p is found by its own",
  async (name) => {
    await using world = await startWorld();
    await world.put(name, name);
    const literal = name.split("/").map(encodeURIComponent).join("/");
    const response = await fetch(`${world.url}/storage/v1/b/${BUCKET}/o/${literal}?alt=media`);
    expect(await response.text()).toBe(name);
  },
);
