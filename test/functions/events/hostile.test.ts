import fc from "fast-check";
import { incomingEvent } from "../../../functions/events/incoming.ts";
import { AppError } from "../../../shared/errors.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import { DOCUMENT_HEADERS, documentEventData, PATH } from "./document-events.ts";

/** Payloads of each source that are tried. */
const RUNS = { numRuns: 1000 };

/** Strings that have met their matches elsewhere. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("", "__proto__", "constructor", "\0", "\ud800", "%", "%00", "%ff", "1.0", "null"),
  fc.constantFrom("../../x", "{{7*7}}", "$(id)", "'; --", "2026-13-40T99:00:00Z", "a".repeat(5000)),
);
const value = fc.oneof(fc.jsonValue({ maxDepth: 4 }), text, fc.double(), fc.constant(undefined));
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some)),
  text.map((some) => Buffer.from(some)),
  value.map((some) => Buffer.from(JSON.stringify(some) ?? "")),
  fc.constantFrom("[".repeat(10_000), '{"a":'.repeat(5000), "[,".repeat(5000)).map(Buffer.from),
);

/** Whatever it is, it is an event that can be kept, or refused for good in words. */
function takenOrRefused(headers: Record<string, string>, body: Buffer): void {
  let event: IncomingEvent;
  try {
    event = incomingEvent({ headers, body });
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    const { retry, message } = error as AppError;
    expect(retry).toBe(false);
    expect(message.length).toBeLessThan(400);
    return;
  }
  const { data, extensions, ...attributes } = event;
  expect(JSON.parse(JSON.stringify(event))).toEqual(event);
  for (const one of Object.values(attributes)) expect(typeof one).toBe("string");
  expect(Object.values(attributes).join("")).not.toMatch(/[\p{Cc}\p{Cs}]/u);
  expect(Object.keys(extensions).length).toBeLessThan(51);
  expect({}).not.toHaveProperty("polluted");
}

const ATTRIBUTES = [
  "specversion",
  "id",
  "source",
  "type",
  "subject",
  "time",
  "dataschema",
  "x",
  "a_b",
];
/** A good event's attributes, of which some are something else. */
const attributes = fc
  .record(Object.fromEntries(ATTRIBUTES.map((name) => [name, value])), { requiredKeys: [] })
  .map((some) => ({ specversion: "1.0", id: "1", source: "//s", type: "t", ...some }));
const contentType = fc.oneof(text, fc.constantFrom("application/json", "text/plain", "a/b;c"));
const headerOf = (one: unknown) => (typeof one === "string" ? one : `${JSON.stringify(one)}`);
const asHeaders = (some: object) =>
  Object.fromEntries(Object.entries(some).map(([name, one]) => [`ce-${name}`, headerOf(one)]));

test("CloudEvents in binary mode", () => {
  fc.assert(
    fc.property(attributes, contentType, bytes, (some, type, body) => {
      takenOrRefused({ ...asHeaders(some), "content-type": type }, body);
    }),
    RUNS,
  );
});

test("CloudEvents in structured mode", () => {
  const event = fc.tuple(
    attributes,
    fc.record({ data: value, data_base64: value }, { requiredKeys: [] }),
  );
  const body = fc.oneof(
    bytes,
    event.map(([some, data]) => Buffer.from(JSON.stringify({ ...some, ...data }))),
  );
  const polluting = Buffer.from('{"__proto__":{"polluted":1},"specversion":"1.0","data":1}');
  fc.assert(
    fc.property(fc.oneof(body, fc.constant(polluting)), (some) => {
      takenOrRefused({ "content-type": "application/cloudevents+json" }, some);
    }),
    RUNS,
  );
});

test("pushes of Pub/Sub", () => {
  const carried = attributes.map((some) => asHeaders(some));
  const message = fc.record(
    {
      data: fc.oneof(
        value,
        bytes.map((some) => some.toString("base64")),
      ),
      messageId: fc.oneof(value, fc.constant("7")),
      publishTime: value,
      attributes: fc.oneof(value, carried, fc.dictionary(text, text)),
      orderingKey: value,
    },
    { requiredKeys: ["messageId"] },
  );
  const push = fc.record({
    message: fc.oneof({ weight: 4, arbitrary: message }, value),
    subscription: value,
  });
  fc.assert(
    fc.property(push, (some) => {
      takenOrRefused({ "content-type": "application/json" }, Buffer.from(JSON.stringify(some)));
    }),
    RUNS,
  );
});

test("changes of documents", () => {
  const good = documentEventData({
    value: {
      name: PATH,
      fields: {
        a: { arrayValue: { values: [{ mapValue: { fields: { b: { integerValue: 1 } } } }] } },
        ["__proto__"]: { mapValue: { fields: { polluted: { booleanValue: true } } } },
        at: { timestampValue: { seconds: 1, nanos: 1 } },
        bytes: { bytesValue: Buffer.from([1]) },
      },
    },
    updateMask: { fieldPaths: ["a"] },
  });
  const bent = fc
    .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    .map((changes) => {
      const copy = Buffer.from(good);
      for (const [at, byte] of changes) copy[at] = byte;
      return copy;
    });
  const cut = fc.nat(good.length).map((length) => good.subarray(0, length));
  fc.assert(
    fc.property(fc.oneof(bent, cut, bytes), (body) => takenOrRefused(DOCUMENT_HEADERS, body)),
    RUNS,
  );
  fc.assert(
    fc.property(value, (some) => {
      const headers = { ...DOCUMENT_HEADERS, "content-type": "application/json" };
      takenOrRefused(
        headers,
        Buffer.from(JSON.stringify({ value: { fields: some }, oldValue: some })),
      );
    }),
    RUNS,
  );
});

test("calls of Scheduler", () => {
  const call = fc.record({ jobname: text, scheduletime: text }, { requiredKeys: [] });
  fc.assert(
    fc.property(call, contentType, bytes, (some, type, body) => {
      const own = Object.entries(some).map(([name, one]) => [`x-cloudscheduler-${name}`, one]);
      const headers = {
        ...Object.fromEntries(own),
        "x-cloudscheduler": "true",
        "content-type": type,
      };
      takenOrRefused(headers, body);
    }),
    RUNS,
  );
});
