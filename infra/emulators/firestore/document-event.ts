import { randomUUID } from "node:crypto";
import type { ToldEvent } from "../wire/told-event.ts";
import { encodedMessage, fieldsOf, type StoredDocument } from "./document.ts";
import type { Change } from "./history.ts";
import type { Value } from "./messages.ts";
import { orderKey } from "./order-key.ts";

const TYPE = "google.cloud.firestore.document.v1.";

/**
 * What a document's change is told as: by its kind, and as written. The data is a protobuf
 * `google.events.cloud.firestore.v1.DocumentEventData`.
 *
 * @see https://cloud.google.com/eventarc/docs/run/route-trigger-cloud-firestore
 */
export function documentEvents({ at, before, after }: Change): ToldEvent[] {
  const { name = "", root = "" } = (after ?? before)?.name ?? {};
  const path = name.slice(root.length + 1);
  const [, project = "", , database = ""] = root.split("/");
  const data = documentEventData(before, after);
  const kind = after === undefined ? "deleted" : before === undefined ? "created" : "updated";
  return [kind, "written"].map((kindOrWritten) => ({
    attributes: {
      specversion: "1.0",
      id: randomUUID(),
      source: `//firestore.googleapis.com/projects/${project}/databases/${database}`,
      type: `${TYPE}${kindOrWritten}`,
      subject: `documents/${path}`,
      time: `${new Date(at / 1000).toISOString().slice(0, -1)}${String(at % 1000).padStart(3, "0")}Z`,
      ...{ project, database, namespace: "(default)", document: path },
      dataschema:
        "https://github.com/googleapis/google-cloudevents/blob/main/proto/google/events/cloud/firestore/v1/data.proto",
    },
    contentType: "application/protobuf",
    data,
  }));
}

/** Field numbers of the message. */
const [VALUE, OLD_VALUE, UPDATE_MASK, FIELD_PATHS] = [1, 2, 3, 1];

function documentEventData(
  before: StoredDocument | undefined,
  after: StoredDocument | undefined,
): Buffer {
  const value = after === undefined ? [] : [part(VALUE, encodedMessage(after))];
  const oldValue = before === undefined ? [] : [part(OLD_VALUE, encodedMessage(before))];
  const paths = before !== undefined && after !== undefined ? changedFields(before, after) : [];
  const mask = Buffer.concat(paths.map((path) => part(FIELD_PATHS, Buffer.from(path))));
  const updateMask = paths.length === 0 ? [] : [part(UPDATE_MASK, mask)];
  return Buffer.concat([...value, ...oldValue, ...updateMask]);
}

/** Of the fields at the top: those that differ. */
function changedFields(before: StoredDocument, after: StoredDocument): string[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  const keyOf = (value: Value | undefined) => (value ? orderKey(value).toString("hex") : "");
  return [...names].filter((name) => keyOf(old[name]) !== keyOf(now[name])).map(quoted);
}

const quoted = (name: string): string =>
  /^[A-Za-z_]\w*$/.test(name) ? name : `\`${name.replace(/[\\`]/g, "\\$&")}\``;

/** A field of protobuf with its length. */
function part(field: number, bytes: Buffer): Buffer {
  const head = [(field << 3) | 2];
  let rest = bytes.length;
  for (; rest > 127; rest = Math.floor(rest / 128)) head.push((rest % 128) | 128);
  return Buffer.concat([Buffer.from([...head, rest]), bytes]);
}
