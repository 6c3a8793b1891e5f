import * as grpc from "@grpc/grpc-js";
import { loadProtos } from "../../../infra/emulators/wire/grpc-server.ts";
import { DATABASE, type World } from "./world.ts";

interface RawMessage {
  targetChange?: { targetChangeType?: string; targetIds?: number[]; resumeToken?: Buffer };
  documentChange?: { document?: { name: string; fields?: object }; targetIds?: number[] };
  documentDelete?: { document?: string; removedTargetIds?: number[] };
}

/** A Listen stream without the client's own logic. */
export function listenRaw(world: World, addTarget: object) {
  const definition = loadProtos("@google-cloud/firestore/build/protos/v1.json");
  const service = definition["google.firestore.v1.Firestore"] as unknown as Record<
    string,
    {
      path: string;
      requestSerialize(message: object): Buffer;
      responseDeserialize(bytes: Buffer): object;
    }
  >;
  const { path, requestSerialize, responseDeserialize } = service[
    "Listen"
  ] as (typeof service)[string];
  const client = world.rawClient();
  const metadata = new grpc.Metadata();
  metadata.set("google-cloud-resource-prefix", DATABASE);
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  const messages: RawMessage[] = [];
  call.on("data", (message: RawMessage) => {
    const { targetChange } = message;
    // The wire leaves out an enum's first value.
    if (targetChange) targetChange.targetChangeType ??= "NO_CHANGE";
    messages.push(message);
  });
  call.on("error", () => {});
  const write = (request: object) => call.write({ database: DATABASE, ...request });
  write({ addTarget });
  return {
    messages,
    write,
    end() {
      call.end();
      client.close();
    },
  };
}
