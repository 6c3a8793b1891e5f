import { DOCS_POLICY } from "../../../../functions/api/docs/page.ts";
import { openApiDocument } from "../../../../shared/api/openapi/document.ts";
import { OPERATIONS } from "../../../../shared/api/operations.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({ env: { RUNYARD_PUBLIC_URL: "https://runs.example" } });
}, 180_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const PATHS = ["/v1/openapi.json", "/docs"];

test("the OpenAPI document is that of the table, with the API's public address", async () => {
  const response = await server.call("/v1/openapi.json");
  expect(response.headers.get("content-type")).toMatch(/^application\/json/);
  expect(await response.json()).toEqual(openApiDocument(OPERATIONS, "https://runs.example"));
});

test("the page is HTML that may load and run nothing", async () => {
  const response = await server.call("/docs");
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("content-security-policy")).toBe(DOCS_POLICY);
  expect(await response.text()).toMatch(/^<!doctype html>/);
});

test.each(PATHS)("%s is not sent to who has it", async (path) => {
  const etag = (await server.call(path)).headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[\w-]{43}"$/);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const response = await server.call(path, { headers: { "if-none-match": known } });
    expect([response.status, await response.text()]).toEqual([304, ""]);
    expect(response.headers.get("etag")).toBe(etag);
  }
  const other = await server.call(path, { headers: { "if-none-match": '"other"' } });
  expect(other.status).toBe(200);
});

test("an answer without an ETag is never taken for one that is known", async () => {
  const response = await server.call("/v1/health", { headers: { "if-none-match": "*" } });
  expect(response.status).toBe(200);
});

test.each(["/v1/runs/%", "/v1/runs/%zz/request", "/v1/agents/%ff", "/v1/runs/a/artifacts/%c0%af"])(
  "%s is refused: it cannot be decoded",
  async (path) => {
    const response = await server.call(path, { bearer: await server.newKey() });
    expect(await response.json()).toMatchObject({ status: 400, code: "invalid_request" });
  },
);
