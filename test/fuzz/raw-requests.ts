import fc from "fast-check";

const HEAD = "POST /v1/runs HTTP/1.1\r\nhost: 127.0.0.1\r\n";
const CHUNKED = "transfer-encoding: chunked\r\n";

/** Requests that are not HTTP, or not quite, or two things at once. None of them may be done. */
const KNOWN_TRICKS = [
  "\r\n\r\n",
  "GET\r\n\r\n",
  "GET /v1/health\r\n\r\n",
  "GET /v1/health HTTP/0.9\r\n\r\n",
  "GET /v1/health HTTP/2.0\r\nhost: 127.0.0.1\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "GET /v1/health HTTP/1.1\r\n\r\n",
  "GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\nhost: evil.example\r\n\r\n",
  "GET /v1/health HTTP/1.1\r\nhost: evil.example\r\n\r\n",
  "GET http://evil.example/v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
  "CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
  "GET /v1/health HTTP/1.1\r\nhost : 127.0.0.1\r\n\r\n",
  "GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n folded\r\n\r\n",
  "GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\nno-colon\r\n\r\n",
  "GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\nx: a\0b\r\n\r\n",
  "GET /v1/hea lth HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
  "GET /v1/health\0 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
  "GET /v1/\xff HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
  "get /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
  "GET /v1/health HTTP/1.1\nhost: 127.0.0.1\n\n",
  `GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ${"a".repeat(40_000)}\r\n\r\n`,
  `GET /${"a".repeat(40_000)} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`,
  `GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n${"a: b\r\n".repeat(3000)}\r\n`,
  "GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  "GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n\r\n",
  `${HEAD}content-length: 5\r\n\r\n{}`,
  `${HEAD}content-length: -1\r\n\r\n{}`,
  `${HEAD}content-length: 1e3\r\n\r\n{}`,
  `${HEAD}content-length: 99999999999999999999\r\n\r\n{}`,
  `${HEAD}content-length: 3000000\r\n\r\n{}`,
  `${HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{}x`,
  `${HEAD}${CHUNKED}\r\n2\r\n{}\r\n0\r\n\r\n`,
  `${HEAD}${CHUNKED}content-length: 2\r\n\r\n{}`,
  `${HEAD}${CHUNKED}\r\nzz\r\n{}\r\n0\r\n\r\n`,
  `${HEAD}${CHUNKED}\r\nffffffffffffffff\r\n{}`,
  `${HEAD}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  `${HEAD}transfer-encoding: identity\r\ncontent-length: 2\r\n\r\n{}`,
  `${HEAD}expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}`,
  `${HEAD}expect: the-impossible\r\ncontent-length: 2\r\n\r\n{}`,
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
];

/** Bytes for a connection of their own: a trick, one broken off or with bytes changed, or noise. */
export const rawBytes: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...KNOWN_TRICKS).map(latin1) },
  { weight: 3, arbitrary: spoiledTrick() },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);

function spoiledTrick(): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 }));
  return fc
    .record({
      bytes: fc.constantFrom(...KNOWN_TRICKS).map(latin1),
      changes: fc.array(change, { maxLength: 3 }),
      end: fc.option(fc.nat(200)),
    })
    .map(({ bytes, changes, end }) => {
      const spoiled = Buffer.from(bytes);
      for (const [place, byte] of changes) if (place < spoiled.length) spoiled[place] = byte;
      return end === null ? spoiled : spoiled.subarray(0, end);
    });
}

function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
