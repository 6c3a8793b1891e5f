import { createWriteStream } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as grpc from "@grpc/grpc-js";
import { loadProtos, startGrpcServer } from "../../infra/emulators/wire/grpc-server.ts";
import { serveHelper } from "./serve-helper.ts";

// What no stand-in in Node can be faster than: servers that speak the same protocols and do
// nothing. Argument: a folder for what is uploaded.
const [folder = ""] = process.argv.slice(2);
const NOW = { seconds: "1767225600", nanos: 0 };

const firestore = await startGrpcServer(
  loadProtos("@google-cloud/firestore/build/protos/v1.json"),
  [
    {
      name: "google.firestore.v1.Firestore",
      methods: {
        unary: {
          Commit: ({ writes = [] }: { writes?: object[] }) => ({
            writeResults: writes.map(() => ({ updateTime: NOW })),
            commitTime: NOW,
          }),
        },
      },
    },
  ],
);

let published = 0;
const pubsub = await startGrpcServer(loadProtos("@google-cloud/pubsub/build/protos/protos.json"), [
  {
    name: "google.pubsub.v1.Publisher",
    methods: {
      unary: {
        Publish({ messages }: { messages: object[] }) {
          published += messages.length;
          return { messageIds: messages.map((_, at) => String(published - at)) };
        },
      },
    },
  },
]);

/** What one stream of `/bench.Echo/Broadcast` sends goes to all of them. */
async function startBroadcast(): Promise<number> {
  const streams = new Set<grpc.ServerDuplexStream<Buffer, Buffer>>();
  const same = (bytes: Buffer) => bytes;
  const method = {
    path: "/bench.Echo/Broadcast",
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const server = new grpc.Server();
  server.addService(
    { broadcast: method },
    {
      broadcast(stream: grpc.ServerDuplexStream<Buffer, Buffer>) {
        streams.add(stream);
        stream.on("data", (bytes: Buffer) => {
          for (const each of streams) each.write(bytes);
        });
        stream.on("end", () => stream.end());
        for (const event of ["close", "error", "cancelled"]) {
          stream.on(event, () => streams.delete(stream));
        }
      },
    },
  );
  const credentials = grpc.ServerCredentials.createInsecure();
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

let uploads = 0;

/** Puts each body into a file of its own, and answers. */
async function startHttp(): Promise<number> {
  const server = http.createServer((request, response) => {
    uploads += 1;
    const file = createWriteStream(join(folder, String(uploads)));
    pipeline(request, file).then(
      () => response.end("{}"),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve());
  });
  return (server.address() as AddressInfo).port;
}

const addresses = {
  FIRESTORE_EMULATOR_HOST: firestore.address,
  PUBSUB_EMULATOR_HOST: pubsub.address,
  broadcastPort: await startBroadcast(),
  httpPort: await startHttp(),
};
serveHelper(async () => addresses);
