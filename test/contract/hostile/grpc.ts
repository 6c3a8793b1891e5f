import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { gzipSync } from "node:zlib";
import { bytes } from "./raw.ts";

/** What a call came to: the HTTP status and gRPC's, or why there is neither. */
export interface Outcome {
  http: number | undefined;
  grpc: number | undefined;
}

/** A plain HTTP/2 connection, which sends whatever it is told. */
export function session(port: number): ClientHttp2Session {
  // What waits to be sent counts, and some of it is large.
  const client = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: Number.MAX_SAFE_INTEGER });
  client.on("error", () => {});
  return client;
}

/** A request of gRPC's form. */
export function openCall(
  client: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
): ClientHttp2Stream {
  const call = client.request({
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  call.on("error", () => {});
  return call;
}

/** Sends the body and resolves with what came back, `patienceMs` at most. */
export function outcomeOf(
  call: ClientHttp2Stream,
  body: Buffer,
  patienceMs = 3000,
): Promise<Outcome> {
  const outcome: Outcome = { http: undefined, grpc: undefined };
  const note = (headers: Record<string, unknown>) => {
    if (headers[":status"] !== undefined) outcome.http = Number(headers[":status"]);
    if (headers["grpc-status"] !== undefined) outcome.grpc = Number(headers["grpc-status"]);
  };
  call.on("response", note);
  call.on("trailers", note);
  call.resume();
  call.end(body);
  return new Promise((resolve) => {
    const timer = setTimeout(() => call.close(constants.NGHTTP2_CANCEL), patienceMs);
    call.on("close", () => {
      clearTimeout(timer);
      resolve(outcome);
    });
  });
}

/** A message with its prefix: a byte whether it is packed, four with its length. */
export function message(
  payload: Buffer,
  { length = payload.length, flag = 0 }: { length?: number; flag?: number } = {},
): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, payload]);
}

/** A field of a message that has a length. */
function field(number: number, content: Buffer): Buffer {
  const length: number[] = [];
  let rest = content.length;
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length, rest]), content]);
}

/** Messages in messages, in the given fields by turns. */
function nested(depth: number, fields: number[]): Buffer {
  let inner: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth; level += 1) {
    inner = field(fields[level % fields.length] ?? 1, inner);
  }
  return inner;
}

/** A Commit of one document, whose one field is an array in an array in an array … */
function deepCommit(depth: number): Buffer {
  const value = field(2, nested(depth * 2, [1, 9]));
  const entry = field(2, Buffer.concat([field(1, Buffer.from("f")), value]));
  return field(2, field(1, Buffer.concat([field(1, Buffer.from("d")), entry])));
}

/** Bodies that are no request, by what is wrong with them. */
export const BROKEN_BODIES: Record<string, Buffer[]> = {
  "nothing at all": [Buffer.alloc(0)],
  "a prefix that is cut off": [1, 2, 3, 4].map((length) =>
    message(bytes(9, 1)).subarray(0, length),
  ),
  "a length beyond the message": [message(bytes(9, 2), { length: 4096 })],
  "a length beyond any message": [message(bytes(9, 3), { length: 0xffffffff })],
  "a length short of the message": [message(bytes(9, 4), { length: 2 })],
  "two messages": [Buffer.concat([message(Buffer.alloc(0)), message(Buffer.alloc(0))])],
  "a message packed in no way": [
    message(bytes(40, 5), { flag: 1 }),
    message(bytes(40, 6), { flag: 77 }),
  ],
  "bytes that are no message": Array.from({ length: 12 }, (_, seed) =>
    message(bytes(150, seed + 7)),
  ),
  "messages in messages without end": [
    message(nested(8000, [1])),
    message(nested(8000, [2])),
    message(deepCommit(5000)),
  ],
  "very long names": [
    message(field(1, Buffer.alloc(1_000_000, "x"))),
    message(field(1, Buffer.alloc(100_000, "€"))),
  ],
};

/** Headers that are none of a call, by what is wrong with them. */
export const BROKEN_HEADERS: Record<string, Record<string, string>> = {
  "a page as content": { "content-type": "text/html" },
  "no content type": { "content-type": "" },
  "a content type that goes on": { "content-type": `application/grpc+${"x".repeat(4000)}` },
  "an unknown packing": { "grpc-encoding": "rot13" },
  "a time limit that is none": { "grpc-timeout": "soon" },
  "a time limit of nothing": { "grpc-timeout": "0n" },
  "a time limit of an age": { "grpc-timeout": "99999999H" },
  "metadata that is no base64": { "x-trace-bin": "%%%%" },
  "the method GET": { ":method": "GET" },
  "the method CONNECT, nearly": { ":method": "TRACE" },
};

export const UNKNOWN_PATHS = [
  "/",
  "//",
  "/google.firestore.v1.Firestore",
  "/google.firestore.v1.Firestore/",
  "/google.firestore.v1.Firestore/Nothing",
  "/google.pubsub.v1.Publisher/__proto__",
  "/constructor/toString",
  "/%00/%ff",
  `/${"x".repeat(5000)}/y`,
];

/** Larger than any of the services takes, but small on the wire. */
export function packedBomb(): Buffer {
  return message(gzipSync(Buffer.alloc(80 * 1024 * 1024)), { flag: 1 });
}
