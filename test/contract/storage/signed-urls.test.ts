import type { GetSignedUrlConfig } from "@google-cloud/storage";
import { differsTest, emulatorTest, standInTest } from "../declared.ts";
import {
  BUCKET,
  clientOf,
  makeBytes,
  makeClock,
  makeKeys,
  SIGNER,
  startWorld,
  type World,
} from "./world.ts";

const KEYS = makeKeys();
const NAME = "dir/a b+ü?#'(!).txt";

async function sign(
  world: World,
  config: Partial<GetSignedUrlConfig>,
  key = KEYS,
): Promise<string> {
  const file = clientOf(world.url, key.privateKey).bucket(BUCKET).file(NAME);
  const expires = Date.now() + 60_000;
  const [url] = await file.getSignedUrl({ version: "v4", action: "read", expires, ...config });
  return url;
}

const withKeys = { signingKeys: { [SIGNER]: KEYS.publicKey } };

standInTest.each([
  ["with registered keys", withKeys],
  ["without", {}],
])("a signed URL reads, writes and deletes (%s)", async (_, options) => {
  await using world = await startWorld(options);
  const contentType = "text/x-signed";
  const written = await fetch(await sign(world, { action: "write", contentType }), {
    method: "PUT",
    headers: { "content-type": contentType },
    body: "signed content",
  });
  expect(written.status).toBe(200);
  expect(written.headers.get("x-goog-generation")).toMatch(/^\d{16}$/);
  const read = await fetch(await sign(world, {}));
  expect(await read.text()).toBe("signed content");
  expect(read.headers.get("content-type")).toBe(contentType);
  expect(read.headers.get("x-goog-hash")).toMatch(/^crc32c=.*,md5=/);
  const part = await fetch(await sign(world, {}), { headers: { range: "bytes=7-" } });
  expect([part.status, await part.text()]).toEqual([206, "content"]);
  const removed = await fetch(await sign(world, { action: "delete" }), { method: "DELETE" });
  expect(removed.status).toBe(204);
  const gone = await fetch(await sign(world, {}));
  expect(gone.status).toBe(404);
  expect(await gone.text()).toMatch(/<Code>NoSuchKey<\/Code>/);
});

standInTest.each([
  ["with registered keys", withKeys],
  ["without", {}],
])("a signed URL expires (%s)", async (_, options) => {
  const clock = makeClock();
  await using world = await startWorld({ clock, ...options });
  await world.bucket.file(NAME).save("content");
  const url = await sign(world, { expires: clock.now() + 60_000 });
  clock.advance(58_000);
  expect((await fetch(url)).status).toBe(200);
  clock.advance(2_000);
  const expired = await fetch(url);
  expect(expired.status).toBe(400);
  expect(await expired.text()).toMatch(
    /<Code>ExpiredToken<\/Code>.*Request signature expired at: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00/,
  );
});

standInTest("with registered keys a wrong signature is refused", async () => {
  await using world = await startWorld(withKeys);
  await world.bucket.file(NAME).save("content");
  const url = await sign(world, {});
  const forged: [string, string][] = [
    ["GET", await sign(world, {}, makeKeys())],
    ["GET", url.replace("X-Goog-Expires=", "X-Goog-Expires=1")],
    ["GET", `${url}&response-content-type=text/html`],
    ["GET", url.replace("dir/", "other/")],
    ["PUT", url],
    ["DELETE", url],
    ["GET", url.replace(/X-Goog-Signature=../, "X-Goog-Signature=zz")],
    ["GET", url.replaceAll("signer%40", "nobody%40")],
  ];
  for (const [method, address] of forged) {
    const response = await fetch(address, { method });
    expect({ address, status: response.status }).toEqual({ address, status: 403 });
    expect(await response.text()).toMatch(/<Code>SignatureDoesNotMatch<\/Code>/);
  }
  expect((await fetch(url)).status).toBe(200);
});

standInTest("with registered keys signed headers bind the upload", async () => {
  await using world = await startWorld(withKeys);
  const extensionHeaders = {
    "x-goog-if-generation-match": "0",
    "x-goog-content-length-range": "3,5",
  };
  const url = await sign(world, { action: "write", extensionHeaders });
  const put = (headers: Record<string, string>, body: string) =>
    fetch(url, { method: "PUT", headers, body });
  expect((await put({}, "four")).status).toBe(403);
  for (const [body, code] of [
    ["sixsix", "EntityTooLarge"],
    ["2!", "EntityTooSmall"],
  ] as const) {
    const response = await put(extensionHeaders, body);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(`<Code>${code}</Code>`);
  }
  expect((await put(extensionHeaders, "four")).status).toBe(200);
  expect((await put(extensionHeaders, "five!")).status).toBe(412);
  expect((await world.bucket.file(NAME).download())[0].toString()).toBe("four");
});

standInTest("a signed URL starts a resumable upload", async () => {
  await using world = await startWorld(withKeys);
  const url = await sign(world, { action: "resumable", contentType: "a/b" });
  const headers = { "content-type": "a/b", "x-goog-resumable": "start" };
  const started = await fetch(url, { method: "POST", headers });
  expect(started.status).toBe(201);
  const session = started.headers.get("location") ?? "";
  const content = makeBytes(256 * 1024 + 1);
  const part = await fetch(session, {
    method: "PUT",
    headers: { "content-range": "bytes 0-262143/262145" },
    body: new Uint8Array(content.subarray(0, 262_144)),
  });
  expect([part.status, part.headers.get("range")]).toEqual([308, "bytes=0-262143"]);
  const rest = await fetch(session, {
    method: "PUT",
    headers: { "content-range": "bytes 262144-262144/262145" },
    body: new Uint8Array(content.subarray(262_144)),
  });
  expect(rest.status).toBe(200);
  expect((await world.bucket.file(NAME).download())[0].equals(content)).toBe(true);
});

emulatorTest("an XML upload keeps metadata, and its checksum must be right", async () => {
  await using world = await startWorld();
  const url = await sign(world, { action: "write" });
  const wrong = await fetch(url, {
    method: "PUT",
    headers: { "x-goog-hash": "crc32c=AAAAAA==" },
    body: "x",
  });
  expect(wrong.status).toBe(400);
  expect(await wrong.text()).toContain("<Code>BadDigest</Code>");
  const headers = { "x-goog-meta-run": "r1", "content-md5": "XrY7u+Ae7tCTyyK7j1rNww==" };
  expect((await fetch(url, { method: "PUT", headers, body: "hello world" })).status).toBe(200);
  const [resource] = await world.bucket.file(NAME).getMetadata();
  expect(resource.metadata).toEqual({ run: "r1" });
  const head = await fetch(await sign(world, {}), {
    method: "HEAD",
    headers: { authorization: "Bearer x" },
  });
  expect(head.headers.get("x-goog-meta-run")).toBe("r1");
  expect(head.headers.get("content-length")).toBe("11");
});

emulatorTest("without a signature the XML API refuses", async () => {
  await using world = await startWorld();
  await world.bucket.file("f").save("content");
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "POST"]) {
    const response = await fetch(`${world.url}/${BUCKET}/f`, { method });
    expect([method, response.status]).toEqual([method, 403]);
  }
  const bearer = { headers: { authorization: "Bearer token" } };
  expect(await (await fetch(`${world.url}/${BUCKET}/f`, bearer)).text()).toBe("content");
});

differsTest("Differs: V2 signed URLs are not implemented: they say so", async () => {
  await using world = await startWorld();
  const response = await fetch(await sign(world, { version: "v2" }));
  expect(response.status).toBe(501);
  expect(await response.text()).toMatch(/<Code>NotImplemented<\/Code>.*version "v4"/);
});

const MALFORMED = [
  ["X-Goog-Date", "yesterday"],
  ["X-Goog-Expires", "0"],
  ["X-Goog-Expires", "604801"],
  ["X-Goog-Expires", "soon"],
  ["X-Goog-Credential", "someone"],
  ["X-Goog-SignedHeaders", "date"],
] as const;

emulatorTest.each(MALFORMED)("a signed URL with %s=%s is refused", async (name, value) => {
  await using world = await startWorld();
  const url = new URL(await sign(world, {}));
  url.searchParams.set(name, value);
  expect((await fetch(url)).status).toBe(400);
});
