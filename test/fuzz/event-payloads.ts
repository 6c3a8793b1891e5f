import { createHmac } from "node:crypto";
import fc from "fast-check";
import { DOCUMENT_HEADERS, documentEventData, PATH } from "../functions/events/document-events.ts";
import { brokenBody, hostileHeader, hostileJson } from "./hostile.ts";

/** Stands in whatever a sender writes; nowhere else may it be found. */
export const CANARY = "CANARY0451";

/** What comes to a function, before it is signed. */
export interface Payload {
  headers: Record<string, string>;
  body: Buffer;
}

const some = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const canary = some(
  CANARY,
  `${CANARY} {`,
  `\u202e${CANARY}`,
  `<script>${CANARY}`,
  `${CANARY}/../..`,
);
const json = fc.oneof(
  hostileJson,
  canary.map((text) => JSON.stringify({ wanted: text, [text]: [text] })),
);
const body = fc.oneof(
  brokenBody,
  json.map((text) => Buffer.from(text)),
  canary.map((text) => Buffer.from(text)),
  canary.map((text) => Buffer.from(`{"a":${text}`)),
);
const header = fc.oneof(hostileHeader, canary.map(encodeURIComponent));
const type = fc.oneof(
  { weight: 4, arbitrary: some("application/json", "application/json; charset=utf-8") },
  some("text/plain", "application/octet-stream", "application/cloudevents-batch+json"),
  some(`text/${CANARY}`, `application/cloudevents+${CANARY}`),
  header,
);

const ATTRIBUTES = ["specversion", "id", "source", "type", "subject", "time", "dataschema", "x"];
/** A good event's attributes, of which some are something else. */
const attributesOf = (good: Record<string, string>, odd: fc.Arbitrary<unknown>) =>
  fc
    .record(Object.fromEntries(ATTRIBUTES.map((name) => [name, odd])), { requiredKeys: [] })
    .chain((all) => fc.shuffledSubarray(Object.entries(all)))
    .map((bent): Record<string, unknown> => ({ ...good, ...Object.fromEntries(bent.slice(0, 3)) }));

const value = fc.oneof(canary, fc.jsonValue({ maxDepth: 2 }), header);
const asHeaders = (attributes: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, one]) => [`ce-${name}`, `${one}`]));

let count = 0;
const goodOf = (kind: string, more: Record<string, string> = {}): Record<string, string> => {
  count += 1;
  return { specversion: "1.0", id: `${kind}-${count}`, source: "//fuzz", type: kind, ...more };
};

const binary = (good: () => Record<string, string>, bodies: fc.Arbitrary<Buffer> = body) =>
  fc
    .tuple(
      fc.constant(null).chain(() => attributesOf(good(), header)),
      type,
      bodies,
    )
    .map(([attributes, contentType, bytes]) => ({
      headers: { ...asHeaders(attributes), "content-type": contentType },
      body: bytes,
    }));

const structured = fc
  .tuple(
    fc.constant(null).chain(() => attributesOf(goodOf("structured"), value)),
    fc.record({ data: value, data_base64: value }, { requiredKeys: [] }),
  )
  .map(([attributes, data]) => Buffer.from(JSON.stringify({ ...attributes, ...data })));

/** A push of Pub/Sub, whose message may be anything. */
const pushed = (attributes: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { weight: 1, arbitrary: body },
    {
      weight: 5,
      arbitrary: fc
        .record(
          {
            data: fc.oneof(
              body.map((bytes) => bytes.toString("base64")),
              value,
            ),
            messageId: fc.oneof(some("7"), value),
            attributes: fc.oneof(attributes, value),
            publishTime: value,
          },
          { requiredKeys: ["messageId"] },
        )
        .map((message) => Buffer.from(JSON.stringify({ message, subscription: CANARY }))),
    },
  );

const push = { "content-type": "application/json" };
const carried = fc
  .constant(null)
  .chain(() => attributesOf(goodOf("carried"), value))
  .map((all) => asHeaders(all));
const ended = fc
  .constant(null)
  .chain(() => attributesOf(goodOf("runyard.run.succeeded.v1"), value))
  .map((all) => ({ ...asHeaders(all), "content-type": "application/json", done: "true" }));

const change = documentEventData({
  value: { name: PATH, fields: { wanted: { stringValue: CANARY }, at: { integerValue: 1 } } },
  updateMask: { fieldPaths: [CANARY] },
});
const bent = fc.oneof(
  fc.nat(change.length).map((length) => change.subarray(0, length)),
  fc
    .array(fc.tuple(fc.nat(change.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    .map((changes) => {
      const copy = Buffer.from(change);
      for (const [at, byte] of changes) copy[at] = byte;
      return copy;
    }),
  body,
);

export const FINALIZED = "google.cloud.storage.object.v1.finalized";
const scheduler = fc
  .tuple(fc.record({ jobname: header, scheduletime: header }, { requiredKeys: [] }), type, body)
  .map(([own, contentType, bytes]) => ({
    headers: {
      ...Object.fromEntries(
        Object.entries(own).map(([name, one]) => [`x-cloudscheduler-${name}`, one]),
      ),
      "x-cloudscheduler": "true",
      "content-type": contentType,
    },
    body: bytes,
  }));

/** What comes to receiveEvent, by its source. */
export const EVENT_PAYLOADS: Readonly<Record<string, fc.Arbitrary<Payload>>> = {
  binary: binary(() => goodOf("binary")),
  structured: fc.oneof(structured, body).map((bytes) => ({
    headers: { "content-type": "application/cloudevents+json" },
    body: bytes,
  })),
  scheduler,
  "Pub/Sub": pushed(carried).map((bytes) => ({ headers: push, body: bytes })),
  Storage: binary(() => goodOf(FINALIZED, { subject: `objects/${CANARY}` })),
  Firestore: bent.map((bytes) => ({ headers: { ...DOCUMENT_HEADERS }, body: bytes })),
  run: pushed(ended).map((bytes) => ({ headers: push, body: bytes })),
};

/** What comes to a hook, and how it is signed: well, mostly. */
export const hookPayload = (
  scheme: string,
  secret: string,
): fc.Arbitrary<Payload & { isSigned: boolean }> =>
  fc
    .record({
      headers: fc.dictionary(
        some("x-github-event", "x-github-delivery", "idempotency-key", "x-gitlab-event", "ce-id"),
        header,
        { maxKeys: 3 },
      ),
      event: fc.option(fc.constant(null).chain(() => attributesOf(goodOf("hook"), header))),
      contentType: type,
      body,
      forged: fc.oneof(
        { weight: 8, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: header },
        { weight: 1, arbitrary: fc.constant("") },
      ),
    })
    .map(({ headers, event, contentType, body: bytes, forged }) => {
      const all = { ...headers, ...(event && asHeaders(event)), "content-type": contentType };
      const good = signatureOf(scheme, secret, bytes);
      const names = Object.keys(good).slice(-1);
      const spoiled = Object.fromEntries(names.map((name) => [name, forged ?? ""]));
      const isSigned = forged === null;
      return { headers: { ...all, ...good, ...(!isSigned && spoiled) }, body: bytes, isSigned };
    });

/** The moment of every world's beginning, near which it stays. */
const NOW_SECONDS = Date.UTC(2026, 0, 5, 12) / 1000;

export function signatureOf(scheme: string, secret: string, bytes: Buffer): Record<string, string> {
  const hex = createHmac("sha256", secret).update(bytes).digest("hex");
  if (scheme === "github") return { "x-hub-signature-256": `sha256=${hex}` };
  if (scheme === "hmac") return { "x-signature": hex };
  if (scheme === "bearer") return { authorization: `Bearer ${secret}` };
  count += 1;
  const [id, at] = [`msg-${count}`, String(NOW_SECONDS)];
  const hmac = createHmac("sha256", Buffer.from(secret, "base64")).update(`${id}.${at}.`);
  const signature = `v1,${hmac.update(bytes).digest("base64")}`;
  return { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature };
}
