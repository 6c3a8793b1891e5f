import {
  headerFault,
  isReachable,
  targetFault,
  webhookNetsOf,
} from "../../../shared/events/target.ts";

const nets = webhookNetsOf("10.1.0.0/16:8443, [fd00::/8]:*, *:8444,127.0.0.0/8");

test.each([
  ["93.184.216.34", 443, true],
  ["93.184.216.34", 8444, true],
  ["93.184.216.34", 8443, false],
  ["10.1.2.3", 8443, true],
  ["10.1.2.3", 443, false],
  ["10.2.0.1", 8443, false],
  ["fd12::1", 1234, true],
  ["fe80::1", 443, false],
  ["127.0.0.1", 443, true],
  ["::ffff:10.1.2.3", 8443, false],
  ["169.254.169.254", 443, false],
])("%s:%s with TLS: %s", (address, port, reached) => {
  expect(isReachable(address, { port, isPlain: false }, nets)).toBe(reached);
});

test("without TLS only a listed net is reached", () => {
  expect(isReachable("fd12::1", { port: 80, isPlain: true }, nets)).toBe(true);
  expect(isReachable("93.184.216.34", { port: 8444, isPlain: true }, nets)).toBe(false);
  expect(isReachable("93.184.216.34", { port: 80, isPlain: true }, [])).toBe(false);
});

test.each(["10.0.0.0", "10.0.0.0/33:1", "*:70000", "[10.0.0.0/8]:x", "example.com:443"])(
  "%s is no net",
  (text) => {
    expect(() => webhookNetsOf(text)).toThrow(`RUNYARD_WEBHOOK_NETS has ${text}, and must have`);
  },
);

test.each([
  ["https://example.com/hook?a=b", undefined],
  ["HTTPS://EXAMPLE.com", undefined],
  ["https://example.com:8444/", undefined],
  ["https://a:b@example.com/", "must not have a user or a password"],
  ["https://example.com/#x", "must not have a #fragment"],
  ["https://0x7f.1/", undefined],
  ["https://192.168.0.1/", expect.stringMatching(/^must be in the public Internet/)],
  ["ftp://example.com/", expect.stringMatching(/^must be an address/)],
  ["//example.com/", expect.stringMatching(/^must be an address/)],
])("%s %s", (url, fault) => {
  expect(targetFault(url, nets)).toEqual(fault);
});

test("without listed nets only port 443 of TLS is reached", () => {
  const fault = "must not name port 8445: only 443 is reached";
  expect(targetFault("https://example.com:8445/", [])).toBe(fault);
  expect(targetFault("http://example.com/", [])).toBe("must begin with https://");
});

test.each([
  "Metadata-Flavor",
  "x-google-metadata-request",
  "HOST",
  "webhook-id",
  "Content-Length",
  "Transfer-Encoding",
  "Proxy-Authorization",
  "User-Agent",
])("the header %s is not a caller's", (name) => {
  expect(headerFault(name, "x")).toMatch(/^must not be set/);
});

test("other headers are, of one line", () => {
  expect(headerFault("Authorization", "Bearer x")).toBeUndefined();
  expect(headerFault("X-A", "a\r\nHost: b")).toMatch(/one line/);
  expect(headerFault("a b", "x")).toMatch(/no name/);
});
