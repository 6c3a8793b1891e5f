import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { HttpsWebhookSender } from "../../../functions/events/https-webhook-sender.ts";
import { webhookNetsOf } from "../../../shared/events/target.ts";

const LOOPBACK = webhookNetsOf("127.0.0.0/8:*");
const sender = new HttpsWebhookSender({ nets: LOOPBACK, connectSeconds: 0.5, wholeSeconds: 1 });

/** Somebody's endpoint that knows no HTTP: what it does with a connection, once it was sent to. */
async function startReceiver(behave: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  let sent = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("data", () => behave(socket));
    socket.on("close", () => {
      sent += socket.bytesWritten;
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    sentBytes: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0) || sent,
    isLeft: () => [...sockets].every(({ destroyed }) => destroyed),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Sends the same for ever, as fast as it is taken. */
const endless = (head: string, piece: string) => (socket: Socket) => {
  socket.write(head);
  const more = (): void => {
    if (!socket.destroyed) socket.write(piece, () => setImmediate(more));
  };
  more();
};

const OK = "HTTP/1.1 200 OK\r\n";
const slowly = (text: string) => (socket: Socket) => {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(text[at++ % text.length] ?? "");
  }, 20);
};

const NO_ANSWER = { status: null, error: expect.any(String) };
/** What a receiver may send of which nothing is kept, until it is cut off. */
const MOST_BYTES = 8 * 1024 * 1024;

test.each<[string, (socket: Socket) => void, object]>([
  ["closes before it answers", (socket) => socket.end(), NO_ANSWER],
  ["answers as HTTP/0.9 does", (socket) => socket.end("<html>taken</html>"), NO_ANSWER],
  ["has a status that is no number", (socket) => socket.end("HTTP/1.1 OK 200\r\n\r\n"), NO_ANSWER],
  [
    "has a status of no kind",
    (socket) => socket.end("HTTP/1.1 099 ?\r\n\r\n"),
    { error: expect.any(String) },
  ],
  ["says its headers byte by byte for ever", slowly(`${OK}x: y\r\n`.repeat(1000)), NO_ANSWER],
  ["has headers without an end", endless(OK, `x: ${"y".repeat(8000)}\r\n`), NO_ANSWER],
  ["has one header without an end", endless(`${OK}x: `, "y".repeat(64 * 1024)), NO_ANSWER],
  [
    "says for ever that it goes on",
    endless("", "HTTP/1.1 102 Processing\r\n\r\n".repeat(100)),
    NO_ANSWER,
  ],
  [
    "says for ever what it will link to",
    endless("", `HTTP/1.1 103 Early Hints\r\nlink: ${"y".repeat(8000)}\r\n\r\n`),
    NO_ANSWER,
  ],
  [
    "wants another protocol",
    (socket) =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
    NO_ANSWER,
  ],
  [
    "packs an answer that has no end",
    endless(`${OK}content-encoding: gzip\r\n\r\n`, "\0".repeat(64 * 1024)),
    { status: 200, error: null, answer: "" },
  ],
  [
    "has pieces of one byte without an end",
    endless(`${OK}transfer-encoding: chunked\r\n\r\n`, "1;ext=1\r\ny\r\n".repeat(1000)),
    { status: 200, error: null },
  ],
  [
    "breaks off in its pieces",
    (socket) => socket.end(`${OK}transfer-encoding: chunked\r\n\r\nzz\r\n`),
    { status: 200 },
  ],
])(
  "a receiver that %s has one failed try, bounded in bytes, or is believed",
  async (_what, behave, outcome) => {
    await using receiver = await startReceiver(behave);
    const sent = await sender.post({
      url: `http://127.0.0.1:${receiver.port}/`,
      headers: {},
      body: "{}",
    });
    expect(sent).toMatchObject(outcome);
    expect(sent.answer.length).toBeLessThanOrEqual(1024);
    expect(receiver.sentBytes()).toBeLessThan(MOST_BYTES);
    while (!receiver.isLeft()) await new Promise((resolve) => setTimeout(resolve, 10));
  },
);

test("TLS that is never agreed on ends with the time to connect", async () => {
  await using receiver = await startReceiver(() => {});
  const url = `https://127.0.0.1:${receiver.port}/`;
  const sent = await sender.post({ url, headers: {}, body: "{}" });
  expect(sent).toMatchObject({ status: null, error: expect.stringContaining("no connection") });
});

test("a connection that never comes to be ends with the time to connect, and so does a name that nobody answers for", async () => {
  const resolve = () => new Promise<never>(() => {});
  const waiting = new HttpsWebhookSender({
    nets: [],
    resolve,
    connectSeconds: 0.2,
    wholeSeconds: 1,
  });
  const sent = await waiting.post({ url: "https://hook.example/", headers: {}, body: "{}" });
  expect(sent).toMatchObject({ status: null, error: expect.stringContaining("no connection") });
});
