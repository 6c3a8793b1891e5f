import { VerifiedIdTokens } from "../../../../functions/cloud/id-tokens.ts";
import { keyHash } from "../../../../shared/documents/key.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";
import { startTokenSigner, type TokenSigner } from "../../../support/token-signer.ts";

const SETTINGS = { audiences: ["runyard"], firebaseProject: "my-project" };
const NOWHERE = "/v1/runs/run_0000000000000000000000";

let signer: TokenSigner;
let server: ApiServer;
beforeAll(async () => {
  signer = await startTokenSigner();
  server = await startApiServer({
    env: { RUNYARD_TOKEN_USERS: "Ann@example.com, @team.example, google:77, bob" },
    services: {
      idTokens: new VerifiedIdTokens(SETTINGS, { google: signer.url, firebase: signer.url }),
    },
  });
}, 180_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await signer[Symbol.asyncDispose]();
});

const seconds = () => Math.floor(Date.now() / 1000);
const times = () => ({ iat: seconds() - 10, exp: seconds() + 3000 });
const google = (claims: object) =>
  signer.token({
    iss: "https://accounts.google.com",
    aud: "runyard",
    sub: "1",
    ...times(),
    ...claims,
  });
const firebase = (claims: object) => {
  const iss = "https://securetoken.google.com/my-project";
  return signer.token({ iss, aud: "my-project", sub: "uid", ...times(), ...claims });
};

const statusOf = async (bearer: string) => (await server.call(NOWHERE, { bearer })).status;

test("runs belong to whom the token names, and are found by the same person alone", async () => {
  const email = { email: "ann@example.com", email_verified: true };
  const bearer = google({ sub: "42", ...email });
  const response = await server.call("/v1/runs", { bearer, json: { prompt: "echo" } });
  const run = (await response.json()) as { id: string };
  expect(run).toMatchObject({ owner: "google:42" });
  const path = `/v1/runs/${run.id}`;
  expect((await server.call(path, { bearer })).status).toBe(200);
  expect((await server.call(path, { bearer: google({ sub: "43", ...email }) })).status).toBe(404);
});

test("only those are let in whom the operator names", async () => {
  const verified = { email_verified: true };
  expect(await statusOf(google({ email: "ann@example.com", ...verified }))).toBe(404);
  expect(await statusOf(google({ email: "x@team.example", hd: "team.example", ...verified }))).toBe(
    404,
  );
  expect(await statusOf(google({ sub: "77" }))).toBe(404);
  expect(await statusOf(firebase({ sub: "bob" }))).toBe(404);
  expect(await statusOf(firebase({ email: "x@team.example", ...verified }))).toBe(404);
});

test.each([
  [
    "is genuine, and not of one of them",
    () => google({ email: "eve@evil.example", email_verified: true }),
  ],
  ["names an address that is not verified", () => google({ email: "ann@example.com" })],
  [
    "names an address of the domain without its Workspace",
    () => google({ email: "x@team.example", email_verified: true }),
  ],
  ["names nobody", () => firebase({})],
])("a token that %s is refused as that", async (_name, token) => {
  const response = await server.call(NOWHERE, { bearer: token() });
  expect(response.status).toBe(403);
  expect(await response.json()).toMatchObject({
    code: "forbidden",
    detail: expect.stringContaining("RUNYARD_TOKEN_USERS"),
  });
});

describe("a token that was made of a key", () => {
  test("is good for what the key is for, and never for more than run", async () => {
    const key = await server.newKey({ owner: "carol", scopes: ["read"] });
    const bearer = firebase({ sub: "carol", scopes: ["read", "run"], runyardKey: keyHash(key) });
    expect(await statusOf(bearer)).toBe(404);
    const create = await server.call("/v1/runs", { bearer, json: { prompt: "echo" } });
    expect(create.status).toBe(403);
  });

  test("ends with the key", async () => {
    const key = await server.newKey({ owner: "carol", revokedAt: new Date() });
    const bearer = firebase({ sub: "carol", runyardKey: keyHash(key) });
    expect(await statusOf(bearer)).toBe(401);
  });

  test("is refused for anybody else, and when the key is none", async () => {
    const key = await server.newKey({ owner: "carol" });
    expect(await statusOf(firebase({ sub: "dave", runyardKey: keyHash(key) }))).toBe(401);
    expect(await statusOf(firebase({ sub: "carol", runyardKey: "a/b" }))).toBe(401);
    expect(await statusOf(firebase({ sub: "carol", runyardKey: {} }))).toBe(401);
  });
});

test("where tokens are not configured they are refused, whoever made them", async () => {
  await using own = await startApiServer({ env: { RUNYARD_TOKEN_USERS: "*" } });
  const response = await own.call(NOWHERE, { bearer: google({}) });
  expect([response.status, await response.json()]).toEqual([
    401,
    expect.objectContaining({ code: "unauthorized" }),
  ]);
}, 180_000);
