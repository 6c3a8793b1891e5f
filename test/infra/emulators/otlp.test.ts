import { request } from "node:http";
import { startOtlp } from "../../../infra/emulators/otlp/start.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };

/** The status of a POST; `fetch` sets Host by itself. */
async function post(
  url: string,
  headers: Record<string, string>,
  body: Buffer = Buffer.alloc(0),
): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

test.each<[string, string, Record<string, string>, Buffer | undefined, number]>([
  ["what is there", "/v1/traces", PROTOBUF, Buffer.alloc(0), 200],
  ["another path", "/v1/logs", PROTOBUF, Buffer.alloc(0), 404],
  ["JSON", "/v1/traces", { "content-type": "application/json" }, Buffer.from("{}"), 415],
  ["what is compressed", "/v1/traces", { ...PROTOBUF, "content-encoding": "gzip" }, undefined, 415],
  ["what is no message", "/v1/metrics", PROTOBUF, Buffer.from([0xff, 0xff]), 400],
  ["what is too long", "/v1/traces", PROTOBUF, Buffer.alloc(5 * 1024 * 1024), 413],
  ["another's name", "/v1/traces", { ...PROTOBUF, host: "example.com" }, undefined, 403],
  ["another's page", "/v1/traces", { ...PROTOBUF, origin: "https://example.com" }, undefined, 403],
])("to %s (%s) the receiver has its answer", async (_what, ...[path, headers, body, status]) => {
  await using receiver = await startOtlp({});
  const answered = await post(`${receiver.url}${path}`, headers, body);
  expect(answered).toBe(status);
});
