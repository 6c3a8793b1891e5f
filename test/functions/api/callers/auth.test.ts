import { createHash } from "node:crypto";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";

// One server for the tests that look at keys alone; none of them moves its clock.
let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
}, 180_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const NOWHERE = "/v1/runs/run_0000000000000000000000";

async function refusal(
  response: Response,
): Promise<{ status: number; code: string; detail: string }> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return (await response.json()) as { status: number; code: string; detail: string };
}

describe("a key", () => {
  test("lets its owner in", async () => {
    const bearer = await server.newKey({ owner: "somebody" });
    const response = await server.call("/v1/runs", { bearer, json: { prompt: "echo" } });
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ owner: "somebody" });
  });

  test("that nobody made is refused, and a request without one is told how to send it", async () => {
    const unknown = await server.call(NOWHERE, { bearer: "ry_unknown" });
    expect(unknown.headers.get("www-authenticate")).toBe("Bearer");
    expect(await refusal(unknown)).toMatchObject({ code: "unauthorized", status: 401 });
    const none = await refusal(await server.call(NOWHERE));
    expect(none.detail).toContain("Authorization: Bearer KEY");
  });

  test("that was revoked is refused as that, with when", async () => {
    const bearer = await server.newKey({ revokedAt: new Date("2026-01-02T03:04:05Z") });
    const { status, detail } = await refusal(await server.call(NOWHERE, { bearer }));
    expect([status, detail]).toEqual([
      401,
      expect.stringMatching(/^the key key_\w{12} was revoked at 2026-01-02T03:04:05/),
    ]);
  });

  test("that has expired is refused as that, with when", async () => {
    const bearer = await server.newKey({ expiresAt: new Date("2026-01-02T03:04:05Z") });
    const { status, detail } = await refusal(await server.call(NOWHERE, { bearer }));
    expect([status, detail]).toEqual([
      401,
      expect.stringMatching(/^the key key_\w{12} expired at 2026-01-02T03:04:05/),
    ]);
  });

  test("of a document that has an owner alone is for everything", async () => {
    const hash = createHash("sha256").update("ry_old").digest("hex");
    await server.firestore.doc(`keys/${hash}`).set({ owner: "old" });
    const response = await server.call("/v1/runs", { bearer: "ry_old", json: { prompt: "echo" } });
    expect(await response.json()).toMatchObject({ owner: "old" });
    const audited = server.logged.findLast(({ message }) => message === "audit");
    expect(audited?.fields).toMatchObject({ actor: { key: `key_${hash.slice(0, 12)}` } });
  });
});

test("a key that is revoked works for a minute where it is remembered, and no longer", async () => {
  await using own = await startApiServer();
  const bearer = await own.newKey();
  expect((await own.call(NOWHERE, { bearer })).status).toBe(404);
  await own.pipeline.services.keys.revoke(
    createHash("sha256").update(bearer).digest("hex"),
    new Date(),
  );
  own.advance(59);
  expect((await own.call(NOWHERE, { bearer })).status).toBe(404);
  own.advance(2);
  expect(await refusal(await own.call(NOWHERE, { bearer }))).toMatchObject({ status: 401 });
}, 180_000);

test("a key that is remembered ends when it expires", async () => {
  await using own = await startApiServer();
  const bearer = await own.newKey({ expiresAt: new Date(Date.now() + 30_000) });
  expect((await own.call(NOWHERE, { bearer })).status).toBe(404);
  own.advance(31);
  expect((await refusal(await own.call(NOWHERE, { bearer }))).detail).toMatch(/expired at/);
}, 180_000);

describe("a scope", () => {
  const RUN = { json: { prompt: "echo" } };

  test("read is for looking and not for changing", async () => {
    const bearer = await server.newKey({ scopes: ["read"] });
    expect((await server.call(NOWHERE, { bearer })).status).toBe(404);
    const refused = await refusal(await server.call("/v1/runs", { bearer, ...RUN }));
    expect(refused).toMatchObject({
      status: 403,
      code: "forbidden",
      detail: "this needs the scope run; you have read",
    });
  });

  test.each([["run"], ["admin"]] as const)("%s is for both", async (scope) => {
    const bearer = await server.newKey({ scopes: [scope] });
    expect((await server.call(NOWHERE, { bearer })).status).toBe(404);
    expect((await server.call("/v1/runs", { bearer, ...RUN })).status).toBe(202);
  });

  test("that is none allows nothing", async () => {
    const bearer = await server.newKey({ scopes: ["everything" as "admin"] });
    const { detail } = await refusal(await server.call(NOWHERE, { bearer }));
    expect(detail).toBe("this needs the scope read; you have none");
  });
});
