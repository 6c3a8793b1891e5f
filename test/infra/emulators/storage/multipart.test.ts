import { boundaryOf, parseMultipart } from "../../../../infra/emulators/storage/multipart.ts";

/** Hands out `body` in pieces of `size` bytes. */
async function* inPieces(body: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < body.length; start += size) yield body.subarray(start, start + size);
}

async function parse(body: Buffer, size = body.length) {
  const { metadata, mediaType, media } = await parseMultipart(inPieces(body, size), "B");
  const chunks: Buffer[] = [];
  for await (const chunk of media) chunks.push(chunk);
  return { metadata: metadata.toString(), mediaType, media: Buffer.concat(chunks) };
}

function compose(media: Buffer, rest = "\r\n--B--"): Buffer {
  const head =
    '--B\r\nContent-Type: application/json\r\n\r\n{"a":1}\r\n--B\r\ncontent-type: text/x\r\n\r\n';
  return Buffer.concat([Buffer.from(head), media, Buffer.from(rest)]);
}

const MEDIA: [string, Buffer][] = [
  ["nothing", Buffer.alloc(0)],
  ["text", Buffer.from("hello")],
  ["line breaks", Buffer.from("\r\n\r\n\n\r")],
  ["what looks like a boundary", Buffer.from("--B\r\n--b\r\n--\r\n-B--B--")],
  ["all bytes", Buffer.from(Array.from({ length: 256 }, (_, index) => index))],
  ["an unfinished boundary at the end", Buffer.from("x\r\n--")],
];

test.each(MEDIA)(
  "%s as media comes out as it went in, wherever the body is cut",
  async (_, media) => {
    const body = compose(media);
    for (let size = 1; size <= body.length; size += 1) {
      expect(await parse(body, size)).toEqual({ metadata: '{"a":1}', mediaType: "text/x", media });
    }
  },
);

test("preamble, epilogue and parts without headers are allowed", async () => {
  const body = Buffer.from("ignored\r\n--B  \r\n\r\n{}\r\n--B\r\n\r\nmedia\r\n--B--\r\nignored");
  expect(await parse(body)).toEqual({
    metadata: "{}",
    mediaType: undefined,
    media: Buffer.from("media"),
  });
});

test("a body cut off anywhere before the end boundary is refused", async () => {
  const body = compose(Buffer.from("media"));
  for (let length = 0; length < body.length; length += 1) {
    await expect(parse(body.subarray(0, length), 7)).rejects.toMatchObject({
      status: "INVALID_ARGUMENT",
    });
  }
});

const WRONG: [string, string, string][] = [
  ["no parts", "--B--", "Invalid multipart request with 0 mime parts."],
  ["one part", "--B\r\n\r\n{}\r\n--B--", "Invalid multipart request with 1 mime parts."],
  [
    "three parts",
    "--B\r\n\r\n{}\r\n--B\r\n\r\nx\r\n--B\r\n\r\ny\r\n--B--",
    "Invalid multipart request with 3 mime parts.",
  ],
  [
    "another boundary",
    "--C\r\n\r\n{}\r\n--C\r\n\r\nx\r\n--C--",
    "Missing end boundary in multipart body.",
  ],
  [
    "a longer boundary",
    "--Bx\r\n\r\n{}\r\n--Bx\r\n\r\nx\r\n--Bx--",
    "Missing end boundary in multipart body.",
  ],
];

test.each(WRONG)("%s: refused", async (_, body, message) => {
  await expect(parse(Buffer.from(body))).rejects.toThrow(message);
});

test("a metadata part that does not end is refused before it fills the memory", async () => {
  async function* endless(): AsyncGenerator<Buffer> {
    yield Buffer.from("--B\r\n\r\n");
    for (;;) yield Buffer.alloc(65_536, "x");
  }
  await expect(parseMultipart(endless(), "B")).rejects.toThrow("too large");
});

const CONTENT_TYPES: [string | undefined, string | undefined][] = [
  ["multipart/related; boundary=abc", "abc"],
  ['multipart/related; boundary="a b;c"', "a b;c"],
  ["Multipart/Related;BOUNDARY=abc", "abc"],
  ["multipart/related; type=x; boundary=abc; charset=utf-8", "abc"],
  ["multipart/related", undefined],
  ["multipart/form-data; boundary=abc", undefined],
  [`multipart/related; boundary=${"x".repeat(71)}`, undefined],
  [undefined, undefined],
];

test.each(CONTENT_TYPES)("the boundary of %p is %p", (contentType, boundary) => {
  if (boundary !== undefined) expect(boundaryOf(contentType)).toBe(boundary);
  else expect(() => boundaryOf(contentType)).toThrow("Bad content type.");
});
