import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import protobuf from "protobufjs";

/** Firestore's own messages, as its client brings them. */
const client = createRequire(import.meta.url).resolve("@google-cloud/firestore/package.json");
const protos = readFileSync(join(dirname(client), "build/protos/v1.json"), "utf8");
const root = protobuf.Root.fromJSON(JSON.parse(protos));
const field = (id: number, type: string) => ({ id, type });
root.define("google.events.cloud.firestore.v1", {
  DocumentEventData: {
    fields: {
      value: field(1, "google.firestore.v1.Document"),
      oldValue: field(2, "google.firestore.v1.Document"),
      updateMask: field(3, "google.firestore.v1.DocumentMask"),
    },
  },
});
const Message = root.lookupType("google.events.cloud.firestore.v1.DocumentEventData");

/** A change of a document as Eventarc sends it. */
export const documentEventData = (change: object): Buffer =>
  Buffer.from(Message.encode(Message.fromObject(change)).finish());

export const PATH = "projects/p/databases/(default)/documents/orders/1";

/** What Eventarc says of a change of {@link PATH}. */
export const DOCUMENT_HEADERS = {
  "ce-specversion": "1.0",
  "ce-id": "5c3b5b6c-2a3d-4c3f-9c3e-1f6f0d2b7a11",
  "ce-source": "//firestore.googleapis.com/projects/p/databases/(default)",
  "ce-type": "google.cloud.firestore.document.v1.updated",
  "ce-subject": "documents/orders/1",
  "ce-time": "2026-11-30T13:37:00.123456Z",
  "ce-database": "(default)",
  "ce-document": "orders/1",
  "ce-namespace": "(default)",
  "ce-project": "p",
  "content-type": "application/protobuf",
};
