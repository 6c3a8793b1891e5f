import { HTTP } from "cloudevents";
import { incomingEvent } from "../../../functions/events/incoming.ts";
import { AppError } from "../../../shared/errors.ts";
import { DOCUMENT_HEADERS, documentEventData, PATH } from "./document-events.ts";

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const HEADERS = {
  "ce-specversion": "1.0",
  "ce-id": "1",
  "ce-source": "//shop/orders",
  "ce-type": "shop.order.placed",
  "content-type": "application/json; charset=utf-8",
};
const PLAIN = { specversion: "1.0", id: "1", source: "//shop/orders", type: "shop.order.placed" };
const STRUCTURED = { "content-type": "application/cloudevents+json" };

function refusal(headers: Record<string, string>, body: Buffer): AppError {
  try {
    incomingEvent({ headers, body });
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

test("an event in HTTP's binary mode has its attributes, extensions and data", () => {
  const headers = {
    ...HEADERS,
    host: "example.com",
    "ce-subject": "orders/%E2%82%AC%201%",
    "ce-time": "2026-11-30T13:37:00Z",
    "ce-sequence": "0000000004",
  };
  expect(incomingEvent({ headers, body: json({ total: 3 }) })).toEqual({
    id: "1",
    source: "//shop/orders",
    type: "shop.order.placed",
    subject: "orders/€ 1%",
    time: "2026-11-30T13:37:00Z",
    datacontenttype: "application/json; charset=utf-8",
    extensions: { sequence: "0000000004" },
    data: { total: 3 },
  });
});

test("an event is the same in binary and in structured mode, as CloudEvents' own library writes it", async () => {
  const { CloudEvent } = await import("cloudevents");
  const event = new CloudEvent({
    ...PLAIN,
    time: "2026-11-30T13:37:00.000Z",
    datacontenttype: "application/json",
    traceid: "x",
    data: { total: 3, items: ["ä"] },
  });
  const [binary, structured] = [HTTP.binary(event), HTTP.structured(event)].map((message) =>
    incomingEvent({
      headers: Object.fromEntries(
        Object.entries(message.headers).map(([name, value]) => [name.toLowerCase(), `${value}`]),
      ),
      body: Buffer.from(message.body as string),
    }),
  );
  expect(structured).toEqual({
    id: "1",
    source: "//shop/orders",
    type: "shop.order.placed",
    time: "2026-11-30T13:37:00.000Z",
    datacontenttype: "application/json",
    extensions: { traceid: "x" },
    data: { total: 3, items: ["ä"] },
  });
  expect({ ...binary, datacontenttype: "application/json" }).toEqual(structured);
});

test.each([
  ["text/plain", Buffer.from("hello ä"), "hello ä"],
  ["text/plain", Buffer.from([0xff, 0xfe]), "//4="],
  ["application/xml", Buffer.from("<a/>"), "<a/>"],
  ["image/png", Buffer.from([1, 2, 3]), "AQID"],
  ["application/problem+json", json([1]), [1]],
  ["application/json", Buffer.alloc(0), null],
])("data of %s is %j as %j", (type, body, data) => {
  expect(incomingEvent({ headers: { ...HEADERS, "content-type": type }, body }).data).toEqual(data);
});

test("a push of a message without an event is one of Eventarc's type, its data read", () => {
  const push = (message: object) =>
    incomingEvent({
      headers: { "content-type": "application/json" },
      path: "/projects/p/topics/trigger-events",
      body: json({
        message: { messageId: "7", publishTime: "2026-11-30T13:37:00.5Z", ...message },
        subscription: "projects/p/subscriptions/trigger-events",
      }),
    });
  const build = { id: "b", status: "FAILURE" };
  const data = json(build).toString("base64");
  expect(push({ data, attributes: { buildId: "b", status: "FAILURE" } })).toEqual({
    id: "7",
    source: "//pubsub.googleapis.com/projects/p/topics/trigger-events",
    type: "google.cloud.pubsub.topic.v1.messagePublished",
    time: "2026-11-30T13:37:00.5Z",
    datacontenttype: "application/json",
    extensions: {},
    data: {
      message: {
        data: build,
        attributes: { buildId: "b", status: "FAILURE" },
        messageId: "7",
        publishTime: "2026-11-30T13:37:00.5Z",
        orderingKey: null,
      },
      subscription: "projects/p/subscriptions/trigger-events",
    },
  });
  const dataOf = (bytes: Buffer) => push({ data: bytes.toString("base64") }).data;
  expect(dataOf(Buffer.from("tick"))).toMatchObject({ message: { data: "tick" } });
  expect(dataOf(Buffer.from([0xff]))).toMatchObject({ message: { data: "/w==" } });
});

test("a pushed message is the event that it carries, in both modes", () => {
  const push = (attributes: object, data: unknown) =>
    incomingEvent({
      headers: { "content-type": "application/json" },
      body: json({ message: { messageId: "7", attributes, data: json(data).toString("base64") } }),
    });
  const expected = {
    id: "1",
    source: "//shop/orders",
    type: "shop.order.placed",
    datacontenttype: "application/json",
    extensions: { sequence: "4" },
    data: { total: 3 },
  };
  const attributes = Object.fromEntries(Object.entries(PLAIN).map(([k, v]) => [`ce-${k}`, v]));
  const type = { "content-type": "application/json" };
  expect(push({ ...attributes, "ce-sequence": "4", ...type, done: "true" }, { total: 3 })).toEqual(
    expected,
  );
  const event = {
    ...PLAIN,
    sequence: "4",
    datacontenttype: "application/json",
    data: { total: 3 },
  };
  expect(push(STRUCTURED, event)).toEqual(expected);
});

test("Eventarc's message of a topic has its data read as well", () => {
  const message = { messageId: "7", data: json({ a: 1 }).toString("base64") };
  const headers = { ...HEADERS, "ce-type": "google.cloud.pubsub.topic.v1.messagePublished" };
  const { data } = incomingEvent({ headers, body: json({ message, subscription: "s" }) });
  expect(data).toMatchObject({ message: { data: { a: 1 }, messageId: "7" }, subscription: "s" });
});

test("a change of a document is plain JSON, sent as protobuf or as JSON", () => {
  const time = { seconds: 1_764_510_000, nanos: 120_000_000 };
  const shared = { name: PATH, createTime: time, updateTime: time };
  const body = documentEventData({
    oldValue: { ...shared, fields: { status: { stringValue: "open" } } },
    value: {
      ...shared,
      fields: {
        status: { stringValue: "paid" },
        total: { integerValue: 3 },
        large: { integerValue: "9223372036854775807" },
        nothing: { nullValue: 0 },
        yes: { booleanValue: true },
        no: { booleanValue: false },
        share: { doubleValue: 0.5 },
        never: { doubleValue: Number.NaN },
        at: { timestampValue: { seconds: 0 } },
        bytes: { bytesValue: Buffer.from([1, 2]) },
        by: { referenceValue: `${PATH}/by/x` },
        place: { geoPointValue: { latitude: 52.5, longitude: 13.4 } },
        list: { arrayValue: { values: [{ integerValue: 0 }, { stringValue: "" }] } },
        map: { mapValue: { fields: { __proto: { stringValue: "x" } } } },
        empty: { arrayValue: {} },
      },
    },
    updateMask: { fieldPaths: ["status"] },
  });
  const { data, extensions, subject } = incomingEvent({ headers: DOCUMENT_HEADERS, body });
  expect({ subject, document: extensions["document"] }).toEqual({
    subject: "documents/orders/1",
    document: "orders/1",
  });
  const stamped = {
    name: PATH,
    createTime: "2025-11-30T13:40:00.12Z",
    updateTime: "2025-11-30T13:40:00.12Z",
  };
  expect(data).toEqual({
    oldValue: { ...stamped, fields: { status: "open" } },
    value: {
      ...stamped,
      fields: {
        status: "paid",
        total: 3,
        large: "9223372036854775807",
        nothing: null,
        yes: true,
        no: false,
        share: 0.5,
        never: "NaN",
        at: "1970-01-01T00:00:00Z",
        bytes: "AQI=",
        by: `${PATH}/by/x`,
        place: { latitude: 52.5, longitude: 13.4 },
        list: [0, ""],
        map: { __proto: "x" },
        empty: [],
      },
    },
    updateMask: { fieldPaths: ["status"] },
  });
  const fields = { total: { integerValue: "3" }, at: { timestampValue: "2026-01-01T00:00:00Z" } };
  const sent = json({ value: { name: PATH, fields } });
  const headers = { ...DOCUMENT_HEADERS, "content-type": "application/json" };
  expect(incomingEvent({ headers, body: sent }).data).toMatchObject({
    value: { name: PATH, fields: { total: 3, at: "2026-01-01T00:00:00Z" } },
    oldValue: null,
  });
});

test("a call of Scheduler is an event, the same one when it is repeated", () => {
  const headers = {
    "x-cloudscheduler": "true",
    "x-cloudscheduler-jobname": "nightly",
    "x-cloudscheduler-scheduletime": "2026-11-30T03:00:00Z",
    "content-type": "application/octet-stream",
  };
  expect(incomingEvent({ headers, body: Buffer.alloc(0) })).toEqual({
    id: "nightly/2026-11-30T03:00:00Z",
    source: "//cloudscheduler.googleapis.com/jobs/nightly",
    type: "google.cloud.scheduler.job.v1.executed",
    subject: "nightly",
    time: "2026-11-30T03:00:00Z",
    datacontenttype: "application/octet-stream",
    extensions: {},
    data: null,
  });
});

const without = (name: string) => ({ ...HEADERS, [name]: "" });
test.each([
  ["nothing that says what it is", {}, "{}", "invalid", /send a CloudEvent/],
  ["no id", without("ce-id"), "{}", "invalid", /the event's id is missing/],
  [
    "an old version",
    { ...HEADERS, "ce-specversion": "0.3" },
    "{}",
    "invalid",
    /only CloudEvents 1/,
  ],
  [
    "a wrong time",
    { ...HEADERS, "ce-time": "today" },
    "{}",
    "invalid",
    /time is "today", and must/,
  ],
  ["an extension's name", { ...HEADERS, "ce-a_b": "1" }, "{}", "invalid", /a_b is no attribute's/],
  ["a long source", { ...HEADERS, "ce-source": "s".repeat(1025) }, "{}", "invalid", /1025 bytes/],
  ["broken UTF-8", { ...HEADERS, "ce-subject": "%ff" }, "{}", "invalid", /ce-subject is not UTF-8/],
  ["a NUL", { ...HEADERS, "ce-subject": "%00" }, "{}", "invalid", /control characters/],
  ["broken JSON", HEADERS, "{", "malformed_json", /the event is not JSON: /],
  ["deep JSON", HEADERS, "[".repeat(1e5), "invalid", /deeper than 64 levels/],
  [
    "a batch",
    { "content-type": "application/cloudevents-batch+json" },
    "[]",
    "unsupported_media_type",
    /one event/,
  ],
  ["a list", STRUCTURED, "[]", "invalid", /no object of JSON/],
  ["data twice", STRUCTURED, '{"data":1,"data_base64":""}', "invalid", /stands beside data/],
  ["no base64", STRUCTURED, '{"data_base64":"*"}', "invalid", /is no base64/],
  ["an id that is a number", STRUCTURED, '{"specversion":"1.0","id":1}', "invalid", /id is 1, and/],
  ["no protobuf", DOCUMENT_HEADERS, "\xff\xff", "invalid", /no google\.events/],
])("%s is refused in words", (...row) => {
  const [, headers, body, code, words] = row;
  const error = refusal(headers, Buffer.from(body, "latin1"));
  expect({ code: error.code, retry: error.retry }).toEqual({ code, retry: false });
  expect(error.message).toMatch(words);
});

test("a document that is nested too deep, too large or wrong in time is refused", () => {
  let value: object = { stringValue: "x" };
  for (let level = 0; level < 30; level += 1) value = { arrayValue: { values: [value] } };
  const refused = (change: object) => refusal(DOCUMENT_HEADERS, documentEventData(change));
  expect(refused({ value: { fields: { value } } }).message).toMatch(/deeper than 24 levels/);
  const at = { timestampValue: { seconds: "9223372036854775807" } };
  expect(refused({ value: { fields: { at } } }).message).toMatch(/a time that is none/);
  for (let level = 0; level < 2000; level += 1) value = { arrayValue: { values: [value] } };
  const deep = Buffer.concat(Array.from({ length: 4000 }, () => Buffer.from([0x0a, 0x7f])));
  expect(refusal(DOCUMENT_HEADERS, deep).code).toBe("invalid");
  expect(refusal(DOCUMENT_HEADERS, Buffer.alloc(3e6)).code).toBe("too_large");
});
