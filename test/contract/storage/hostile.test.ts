import { connect } from "node:net";
import { standInTest } from "../declared.ts";
import { BUCKET, makeBytes, send, startWorld, type World } from "./world.ts";

/** Sends raw bytes and returns all that comes back until the connection ends, or stays quiet. */
async function sendRaw(world: World, data: Buffer | string, end = true): Promise<string> {
  const { port } = new URL(world.url);
  const socket = connect(Number(port), "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  if (end) socket.end(data);
  else socket.write(data, () => socket.destroy());
  await closed;
  return Buffer.concat(chunks).toString("latin1");
}

async function expectUnharmed(world: World): Promise<void> {
  expect((await world.bucket.file("f").download())[0].toString()).toBe("content");
  const [files] = await world.bucket.getFiles();
  expect(files.map(({ name }) => name)).toEqual(["f"]);
  await world.expectContentFiles(1);
}

async function startWithObject(): Promise<World> {
  const world = await startWorld();
  await world.bucket.file("f").save("content");
  return world;
}

const UPLOAD = `/upload/storage/v1/b/${BUCKET}/o`;
const PARTS = '--B\r\nContent-Type: application/json\r\n\r\n{"name":"x"}\r\n--B\r\n\r\nmedia\r\n';

const REFUSED: [string, RequestInit & { path: string }, number][] = [
  ["no upload type", { path: UPLOAD, method: "POST", body: "x" }, 400],
  ["an unknown upload type", { path: `${UPLOAD}?uploadType=magic&name=x`, method: "POST" }, 400],
  ["no name", { path: `${UPLOAD}?uploadType=media`, method: "POST", body: "x" }, 400],
  [
    "a name too long",
    { path: `${UPLOAD}?uploadType=media&name=${"x".repeat(1025)}`, method: "POST" },
    400,
  ],
  [
    "a line break in a name",
    { path: `${UPLOAD}?uploadType=media&name=a%0Ab`, method: "POST" },
    400,
  ],
  ["a name that is no UTF-8", { path: `${UPLOAD}?uploadType=media&name=%ff`, method: "POST" }, 400],
  ["the name ..", { path: `${UPLOAD}?uploadType=media&name=..`, method: "POST", body: "x" }, 400],
  ["a path that is no UTF-8", { path: `/storage/v1/b/${BUCKET}/o/%c3%28` }, 400],
  [
    "multipart of another type",
    { path: `${UPLOAD}?uploadType=multipart`, method: "POST", body: PARTS },
    400,
  ],
  [
    "metadata that is no JSON",
    { path: `${UPLOAD}?uploadType=resumable`, method: "POST", body: "{" },
    400,
  ],
  [
    "metadata that is a list",
    { path: `${UPLOAD}?uploadType=resumable`, method: "POST", body: "[]" },
    400,
  ],
  [
    "metadata with a number in it",
    { path: `${UPLOAD}?uploadType=resumable&name=x`, method: "POST", body: '{"metadata":{"a":1}}' },
    400,
  ],
  [
    "a content type with a line break",
    {
      path: `/storage/v1/b/${BUCKET}/o/f`,
      method: "PATCH",
      body: '{"contentType":"a\\r\\nb: c"}',
    },
    400,
  ],
  [
    "too much metadata",
    {
      path: `/storage/v1/b/${BUCKET}/o/f`,
      method: "PATCH",
      body: JSON.stringify({ metadata: { a: "x".repeat(9000) } }),
    },
    400,
  ],
  [
    "too large JSON",
    { path: `/storage/v1/b/${BUCKET}/o/f`, method: "PATCH", body: " ".repeat(2_000_000) },
    400,
  ],
  ["a bad generation", { path: `/storage/v1/b/${BUCKET}/o/f?generation=x` }, 400],
  ["no such session", { path: `${UPLOAD}?uploadType=resumable&upload_id=x`, method: "PUT" }, 404],
  [
    "compose of nothing",
    { path: `/storage/v1/b/${BUCKET}/o/x/compose`, method: "POST", body: "{}" },
    400,
  ],
  [
    "compose of 33",
    {
      path: `/storage/v1/b/${BUCKET}/o/x/compose`,
      method: "POST",
      body: JSON.stringify({ sourceObjects: Array(33).fill({ name: "f" }) }),
    },
    400,
  ],
  ["an unknown method", { path: `/storage/v1/b/${BUCKET}/o/f`, method: "REPORT" }, 501],
  ["an unknown resource", { path: `/storage/v1/b/${BUCKET}/acl` }, 501],
  [
    "the own key of a client",
    { path: `/storage/v1/b/${BUCKET}/o/f`, headers: { "x-goog-encryption-key": "k" } },
    501,
  ],
];

standInTest.each(REFUSED)(
  "%s: a protocol error and nothing else",
  async (_, { path, ...init }, status) => {
    await using world = await startWithObject();
    const response = await fetch(world.url + path, init);
    expect(response.status).toBe(status);
    const body = (await response.json()) as { error: { code: number; errors: object[] } };
    expect(body.error.code).toBe(status);
    expect(body.error.errors).toMatchObject([{ domain: "global", message: expect.any(String) }]);
    await expectUnharmed(world);
  },
);

const BROKEN_PARTS = [
  "",
  "--B",
  "--B--",
  "--C\r\n\r\n{}\r\n--C--",
  "--B\r\n\r\n{}\r\n--B--",
  PARTS,
  `${PARTS}--B`,
  `${PARTS}--B\r\n\r\nthird\r\n--B--`,
  PARTS.replace("{", ""),
  PARTS.slice(0, 60),
];

standInTest.each(BROKEN_PARTS)("the broken multipart body %p is refused", async (body) => {
  await using world = await startWithObject();
  const response = await send(`${world.url}${UPLOAD}?uploadType=multipart&name=x`, {
    method: "POST",
    headers: { "content-type": "multipart/related; boundary=B" },
    body,
  });
  expect(response.status).toBe(400);
  await expectUnharmed(world);
});

standInTest("a multipart body that breaks off leaves nothing", async () => {
  await using world = await startWithObject();
  const head = `POST ${UPLOAD}?uploadType=multipart&name=x HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/related; boundary=B\r\nContent-Length: 9999999\r\n\r\n`;
  for (const [body, end] of [
    [PARTS, true],
    [PARTS, false],
    ["--B", false],
    [PARTS + "x".repeat(300_000), false],
  ] as const) {
    await sendRaw(world, head + body, end);
  }
  await world.restart();
  await expectUnharmed(world);
});

standInTest("huge headers, bytes at random and half requests do no harm", async () => {
  await using world = await startWithObject();
  const huge = await sendRaw(
    world,
    `GET /storage/v1/b HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(100_000)}\r\n\r\n`,
  );
  expect(huge).toMatch(/^HTTP\/1.1 431 /);
  for (let seed = 1; seed <= 30; seed += 1) await sendRaw(world, makeBytes(2000, seed));
  const lines = [
    "GET * HTTP/1.1",
    "GET http://other/b HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "GET // HTTP/1.1",
    "GET /%00 HTTP/1.1",
    `PUT /${BUCKET}/f HTTP/1.1`,
  ];
  for (const line of lines) {
    const reply = await sendRaw(world, `${line}\r\nHost: a"<b>\r\nConnection: close\r\n\r\n`);
    expect({ line, reply }).toEqual({ line, reply: expect.stringMatching(/^HTTP\/1.1 [45]\d\d /) });
  }
  await expectUnharmed(world);
});

standInTest("bytes at random in every place of a valid request do no harm", async () => {
  await using world = await startWithObject();
  const boundary = "multipart/related; boundary=B";
  const bytes = (seed: number) => encodeURIComponent(makeBytes(8, seed).toString("latin1"));
  for (let seed = 1; seed <= 40; seed += 1) {
    const requests: [string, RequestInit][] = [
      [
        `${UPLOAD}?uploadType=multipart&name=x`,
        {
          method: "POST",
          headers: { "content-type": boundary },
          body: new Uint8Array(makeBytes(3000, seed)),
        },
      ],
      [
        `${UPLOAD}?uploadType=resumable&name=x`,
        { method: "POST", body: new Uint8Array(makeBytes(100, seed)) },
      ],
      [
        `${UPLOAD}?upload_id=${bytes(seed)}`,
        { method: "PUT", headers: { "content-range": bytes(seed) } },
      ],
      [
        `/storage/v1/b/${BUCKET}/o/f`,
        { method: "PATCH", body: new Uint8Array(makeBytes(100, seed)) },
      ],
      [`/storage/v1/b/${bytes(seed)}/o/${bytes(seed + 1)}?${bytes(seed)}=${bytes(seed)}`, {}],
      [`/storage/v1/b/${BUCKET}/o?pageToken=${bytes(seed)}&maxResults=${bytes(seed)}`, {}],
      [`/${bytes(seed)}/${bytes(seed)}?X-Goog-Algorithm=${bytes(seed)}`, {}],
    ];
    for (const [path, init] of requests) {
      const response = await fetch(world.url + path, init);
      expect([path, response.status >= 400 && response.status < 500]).toEqual([path, true]);
    }
  }
  await expectUnharmed(world);
});

test("every name of valid UTF-8 works", async () => {
  await using world = await startWorld();
  const names = [
    "a//b",
    "/lead",
    "trail/",
    "../up",
    "a/../b",
    "%2F",
    "%",
    "?x=1",
    "#f",
    "a+b c",
    "\u0001\u007f",
    "\u{1f600}".repeat(256),
    "o/x/compose",
    "b/y/o/z",
    "\ufeffbom",
    "'\"<&>;",
  ];
  for (const name of names) {
    await world.bucket.file(name).save(name, { resumable: false });
    expect((await world.bucket.file(name).download())[0].toString()).toBe(name);
  }
  const [files] = await world.bucket.getFiles();
  expect(files.map(({ name }) => name).sort()).toEqual([...names].sort());
});
