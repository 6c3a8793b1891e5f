import { HttpsWebhookSender } from "../../../functions/events/https-webhook-sender.ts";
import { webhookNetsOf } from "../../../shared/events/target.ts";
import { eventually } from "../../support/eventually.ts";
import { type Answering, startEndpoint, withStatus } from "./endpoint.ts";

let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
beforeAll(async () => {
  endpoint = await startEndpoint();
});
afterAll(() => endpoint[Symbol.asyncDispose]());

const LOOPBACK = webhookNetsOf("127.0.0.0/8:*");
/** Above whatever an answer takes on a busy machine. */
const bounds = { connectSeconds: 60, wholeSeconds: 60 };
const sender = new HttpsWebhookSender({ nets: LOOPBACK, ...bounds });
const request = () => ({ url: `${endpoint.url}/hook`, headers: { "x-own": "1" }, body: '"ä"' });

/** Sends for ever. */
const flood: Answering = (response) => {
  response.writeHead(200);
  const more = (): void => void response.write("x".repeat(64 * 1024), more);
  more();
};

test.each<[string, Answering, object]>([
  ["2xx", withStatus(201, {}, "thanks"), { status: 201, error: null, answer: "thanks" }],
  ["4xx", withStatus(404), { status: 404, error: "It answered 404." }],
  ["5xx", withStatus(500, {}, "oh\0no"), { status: 500, answer: "ohno" }],
  ["410", withStatus(410), { status: 410, error: "It answered 410." }],
  ["429", withStatus(429, { "retry-after": "120" }), { status: 429, retryAfter: 120 }],
  [
    "503 with a date",
    withStatus(503, { "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }),
    { status: 503, retryAfter: 0 },
  ],
  [
    "a redirect",
    withStatus(302, { location: "http://127.0.0.1:1/" }),
    { status: 302, error: "It answered 302: redirects are not followed." },
  ],
  ["a reset", (response) => response.destroy(), { error: "There was no answer: ECONNRESET." }],
  ["a flood", flood, { status: 200, error: null, answer: "x".repeat(1024) }],
  ["no HTTP", (response) => response.socket?.end("hello\r\n"), { status: null, answer: "" }],
])("an endpoint that answers with %s", async (_what, how, outcome) => {
  endpoint.answer(how);
  expect(await sender.post(request())).toMatchObject(outcome);
  expect(endpoint.received.at(-1)).toMatchObject({ path: "/hook", headers: { "x-own": "1" } });
  expect(endpoint.received.at(-1)?.body).toBe('"ä"');
});

test.each<[string, Answering, object]>([
  ["nothing", () => {}, { status: null, error: "It did not answer in time." }],
  [
    "an answer without an end",
    (response) => response.writeHead(200).write("begun"),
    { status: 200, error: null, answer: "begun" },
  ],
])(
  "an endpoint that answers with %s is waited for as long as is said",
  async (_what, how, outcome) => {
    endpoint.answer(how);
    let wholeSeconds = 0.15;
    // A busy machine may need longer than that for as much as there is to see.
    await eventually(async () => {
      wholeSeconds *= 2;
      const before = endpoint.received.length;
      const patient = new HttpsWebhookSender({ nets: LOOPBACK, ...bounds, wholeSeconds });
      expect(await patient.post(request())).toMatchObject(outcome);
      expect(endpoint.received.slice(before)).toMatchObject([{ path: "/hook", body: '"ä"' }]);
    });
  },
);

const NOT_REACHED = expect.stringMatching(/^The address must be in the public Internet/);

test.each([
  ["127.0.0.1", "::1"],
  ["10.0.0.1"],
  ["169.254.169.254"],
  ["fd00:ec2::254"],
  ["::ffff:127.0.0.1"],
  ["64:ff9b::7f00:1"],
  ["2002:7f00:1::"],
  ["93.184.216.34", "192.168.1.1"],
])("a name that stands for %s is not connected to", async (...addresses) => {
  const resolve = async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  const strict = new HttpsWebhookSender({ nets: [], resolve, ...bounds });
  const sent = await strict.post({ ...request(), url: "https://hook.example/" });
  expect(sent).toMatchObject({ status: null, error: NOT_REACHED });
  expect(sent.error).not.toContain(addresses[0]);
});

test("each attempt looks the name up again, and goes where it was seen to point", async () => {
  endpoint.answer(withStatus(204));
  let points = "127.0.0.1";
  const resolve = async () => [{ address: points, family: 4 }];
  const looking = new HttpsWebhookSender({ nets: LOOPBACK, resolve, ...bounds });
  const named = { ...request(), url: `http://hook.example:${endpoint.port}/` };
  expect(await looking.post(named)).toMatchObject({ status: 204 });
  expect(endpoint.received.at(-1)?.headers).toMatchObject({
    host: `hook.example:${endpoint.port}`,
    connection: "close",
  });
  points = "10.0.0.1";
  expect(await looking.post(named)).toMatchObject({ status: null, error: NOT_REACHED });
});

test.each([
  "https://169.254.169.254/computeMetadata/v1/",
  "https://[::1]/",
  "https://2130706433/",
  "http://example.com/",
  "https://example.com:8443/",
  "https://user@example.com/",
  "file:///etc/passwd",
])("%s is not asked for", async (url) => {
  const strict = new HttpsWebhookSender({ nets: [], ...bounds });
  const sent = await strict.post({ ...request(), url });
  expect(sent).toMatchObject({ status: null, error: expect.stringMatching(/^The address must/) });
});

test("what cannot be looked up, or does not listen, is said by its code", async () => {
  const resolve = () => Promise.reject(Object.assign(new Error("x"), { code: "ENOTFOUND" }));
  const lost = new HttpsWebhookSender({ nets: [], resolve, ...bounds });
  const sent = await lost.post({ ...request(), url: "https://hook.example/" });
  expect(sent.error).toBe("There was no answer: ENOTFOUND.");
  const closed = await sender.post({ ...request(), url: "http://127.0.0.1:1/" });
  expect(closed.error).toBe("There was no answer: ECONNREFUSED.");
});
