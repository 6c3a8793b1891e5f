import { bytes } from "./raw.ts";

/** @see https://www.rfc-editor.org/rfc/rfc9113#name-frame-definitions */
const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
const END_STREAM = 1;
const END_HEADERS = 4;

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

interface Frame {
  type: keyof typeof TYPE | number;
  flags?: number;
  stream?: number;
  payload?: Buffer;
  /** What the frame says, if not the truth. */
  length?: number;
}

function frame({ type, flags = 0, stream = 0, payload = Buffer.alloc(0), length }: Frame): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length ?? payload.length, 0, 3);
  head[3] = typeof type === "number" ? type : TYPE[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const SETTINGS = frame({ type: "settings" });
const OPENED = Buffer.concat([PREFACE, SETTINGS]);

/** A header as HPACK's literal; `isIndexed` puts it into the table. */
function literal(name: string, value: string, isIndexed = false): Buffer {
  const integer = (length: number) => {
    if (length < 127) return Buffer.from([length]);
    const parts = [127];
    let rest = length - 127;
    for (; rest >= 128; rest >>>= 7) parts.push((rest & 127) | 128);
    return Buffer.from([...parts, rest]);
  };
  return Buffer.concat([
    Buffer.from([isIndexed ? 0x40 : 0]),
    integer(name.length),
    Buffer.from(name),
    integer(value.length),
    Buffer.from(value),
  ]);
}

function requestHeaders(path: string): Buffer {
  return Buffer.concat([
    literal(":method", "POST"),
    literal(":scheme", "http"),
    literal(":path", path),
    literal(":authority", "x"),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
}

const request = (path: string, stream = 1, flags = END_HEADERS) =>
  frame({ type: "headers", flags, stream, payload: requestHeaders(path) });

function repeated(count: number, make: (index: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
}

/**
 * A value of 4 KB in the table, and as many references to it as fit into `frames` frames: 1 byte
 * for 4 KB.
 */
function headerBomb(path: string, frames: number): Buffer[] {
  const start = Buffer.concat([requestHeaders(path), literal("x", "b".repeat(4000), true)]);
  const references = Buffer.alloc(16_000, 0x80 | 62);
  return [
    OPENED,
    frame({ type: "headers", stream: 1, payload: start }),
    ...Array.from({ length: frames }, (_, index) =>
      frame({
        type: "continuation",
        flags: index === frames - 1 ? END_HEADERS : 0,
        stream: 1,
        payload: references,
      }),
    ),
  ];
}

const word = (value: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value >>> 0);
  return buffer;
};

/**
 * What is sent to a port that expects HTTP/2, by what is wrong with it; `path` is a method that
 * exists.
 */
export function brokenConnections(path: string): Record<string, Buffer[][]> {
  const cut = (whole: Buffer, step: number) =>
    Array.from({ length: Math.ceil(whole.length / step) }, (_, index) => [
      whole.subarray(0, index * step),
    ]);
  const call = Buffer.concat([
    OPENED,
    request(path),
    frame({ type: "data", stream: 1, payload: word(0) }),
  ]);
  return {
    "a preface that is cut off": cut(PREFACE, 3),
    "frames that are cut off": cut(call, 11),
    "frames that say they are longer than allowed": [
      [OPENED, frame({ type: "headers", stream: 1, length: 0xffffff, payload: bytes(64, 1) })],
      [OPENED, frame({ type: "data", stream: 1, payload: bytes(40_000, 2) })],
      [OPENED, frame({ type: "settings", length: 7, payload: bytes(7, 3) })],
    ],
    "headers without an end": [
      [
        OPENED,
        request(path, 1, 0),
        repeated(64, () =>
          frame({ type: "continuation", stream: 1, payload: literal("x", "y".repeat(16_000)) }),
        ),
      ],
    ],
    "headers that unpack to very many bytes": [headerBomb(path, 1), headerBomb(path, 40)],
    "headers that are no HPACK": [1, 2, 3, 4].map((seed) => [
      OPENED,
      frame({ type: "headers", flags: END_HEADERS, stream: 1, payload: bytes(200, seed) }),
    ]),
    "requests that are reset at once": [
      [
        OPENED,
        repeated(400, (index) =>
          Buffer.concat([
            request(path, index * 2 + 1),
            frame({ type: "rstStream", stream: index * 2 + 1, payload: word(8) }),
          ]),
        ),
      ],
    ],
    "floods of pings, settings and empty frames": [
      [OPENED, repeated(3000, () => frame({ type: "ping", payload: bytes(8, 5) }))],
      [OPENED, repeated(3000, () => SETTINGS)],
      [OPENED, request(path), repeated(3000, () => frame({ type: "data", stream: 1 }))],
    ],
    "frames in places where they must not be": [
      [OPENED, frame({ type: "data", stream: 0, payload: bytes(10, 6) })],
      [OPENED, frame({ type: "continuation", stream: 1, payload: bytes(10, 7) })],
      [OPENED, frame({ type: "pushPromise", stream: 1, payload: bytes(10, 8) })],
      [OPENED, frame({ type: "windowUpdate", payload: word(0) })],
      [OPENED, frame({ type: "windowUpdate", payload: word(0x7fffffff) })],
      [OPENED, request(path, 2), request(path, 1)],
      [OPENED, frame({ type: "goaway", payload: bytes(8, 9) }), request(path)],
      [OPENED, frame({ type: 200, flags: 255, stream: 7, payload: bytes(100, 10) })],
    ],
    "a client that reads nothing": [
      [
        PREFACE,
        frame({ type: "settings", payload: Buffer.concat([Buffer.from([0, 4]), word(0)]) }),
        repeated(50, (index) => request(path, index * 2 + 1, END_HEADERS | END_STREAM)),
      ],
    ],
    "another protocol": [
      [Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
      [Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), bytes(500, 11)],
      [Buffer.from("*1\r\n$4\r\nPING\r\n")],
    ],
    "bytes at random": Array.from({ length: 20 }, (_, seed) => [bytes(2000, seed + 20)]),
    "bytes at random after a preface": Array.from({ length: 20 }, (_, seed) => [
      OPENED,
      bytes(2000, seed + 50),
    ]),
  };
}
