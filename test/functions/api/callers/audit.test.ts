import type { Run } from "../../../../shared/documents/run.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
}, 180_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** The audit lines of what `work` does. */
async function audited(work: () => Promise<unknown>): Promise<unknown[]> {
  server.logged.length = 0;
  await work();
  return server.logged
    .filter(({ message }) => message === "audit")
    .map(({ severity, fields }) => ({ severity, ...fields }));
}

test("each change leaves one line: who, what, of what, and with which answer", async () => {
  const bearer = await server.newKey({ id: "key_audited", owner: "carol" });
  const create = { bearer, json: { prompt: "a secret plan" } };
  let id = "";
  const lines = await audited(async () => {
    const headers = { "x-cloud-trace-context": `${"a1".repeat(16)}/123;o=1` };
    const created = await server.call("/v1/runs", { ...create, headers });
    id = ((await created.json()) as Run).id;
    await server.call(`/v1/runs/${id}/cancel`, { method: "POST", bearer });
    await server.call("/v1/tokens", { method: "POST", bearer });
  });
  const actor = { owner: "carol", key: "key_audited" };
  const common = { severity: "INFO", actor };
  const run = `/v1/runs/${id}`;
  expect(lines).toEqual([
    { ...common, operation: "createRun", resource: run, status: 202, requestId: "a1".repeat(16) },
    { ...common, operation: "cancelRun", resource: `${run}/cancel`, status: 202 },
    { ...common, operation: "createToken", resource: "/v1/tokens", status: 200 },
  ]);
  expect(JSON.stringify(server.logged)).not.toContain("secret");
  expect(JSON.stringify(server.logged)).not.toContain(bearer);
});

test("a change that is refused leaves its line too, if it is known who wanted it", async () => {
  const bearer = await server.newKey({ id: "key_read", scopes: ["read"] });
  const lines = await audited(async () => {
    await server.call("/v1/runs", { bearer, json: { prompt: "echo" } });
    await server.call("/v1/runs", { bearer: "ry_unknown", json: { prompt: "echo" } });
    await server.call("/v1/runs", { bearer: await server.newKey(), json: { nonsense: 1 } });
  });
  expect(lines).toMatchObject([
    { actor: { key: "key_read" }, operation: "createRun", resource: "/v1/runs", status: 403 },
    { operation: "createRun", status: 422 },
  ]);
});

test("looking leaves none", async () => {
  const bearer = await server.newKey();
  const lines = await audited(async () => {
    await server.call("/v1/runs", { bearer });
    await server.call("/v1/runs/run_0000000000000000000000", { bearer, method: "HEAD" });
    await server.call("/v1/health");
  });
  expect(lines).toEqual([]);
});
