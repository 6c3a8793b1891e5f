import { type ApiServer, startApiServer } from "../../../support/api-server.ts";

const APP = "https://app.example.com";
const NOWHERE = "/v1/runs/run_0000000000000000000000";

const preflight = (server: ApiServer, origin: string) =>
  server.call("/v1/runs", {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,idempotency-key",
    },
  });

const corsHeadersOf = ({ headers }: Response) =>
  [...headers.keys()].filter((name) => name.startsWith("access-control-"));

describe("a page of an origin that is named", () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer({ env: { RUNYARD_CORS_ORIGINS: `https://a.example, ${APP}` } });
  }, 180_000);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  test("is told that it may send what the API takes", async () => {
    const { status, headers } = await preflight(server, APP);
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-origin")).toBe(APP);
    expect(headers.get("access-control-allow-methods")).toContain("POST");
    expect(headers.get("access-control-allow-headers")).toContain("idempotency-key");
    expect(headers.get("access-control-allow-credentials")).toBeNull();
    expect(headers.get("vary")).toContain("Origin");
  });

  test("may read answers and refusals, and the headers that say more", async () => {
    const bearer = await server.newKey();
    const headers = { origin: APP };
    const created = await server.call("/v1/runs", { bearer, headers, json: { prompt: "echo" } });
    const refused = await server.call(NOWHERE, { headers });
    expect([created.status, refused.status]).toEqual([202, 401]);
    for (const response of [created, refused]) {
      expect(response.headers.get("access-control-allow-origin")).toBe(APP);
      const exposed = response.headers.get("access-control-expose-headers") ?? "";
      for (const name of ["Location", "ETag", "Retry-After", "RateLimit", "Idempotency-Replayed"]) {
        expect(exposed.split(",")).toContain(name);
      }
    }
  });

  test.each([
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "null",
  ])("is not one of %s", async (origin) => {
    const response = await preflight(server, origin);
    expect(await response.json()).toMatchObject({ status: 403, code: "foreign_origin" });
    expect(corsHeadersOf(response)).toEqual([]);
  });

  test("is nothing to who sends no origin", async () => {
    const response = await server.call("/v1/health");
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });
});

test("no origin is let in unless it is named, and no answer may be read by a page", async () => {
  await using server = await startApiServer();
  expect(await (await preflight(server, APP)).json()).toMatchObject({ code: "foreign_origin" });
  const own = await preflight(server, "http://localhost:3000");
  expect([own.status, corsHeadersOf(own)]).toEqual([405, []]);
}, 180_000);
