import { SignedCustomTokens } from "../../../../functions/cloud/custom-tokens.ts";
import { VerifiedIdTokens } from "../../../../functions/cloud/id-tokens.ts";
import { keyHash } from "../../../../shared/documents/key.ts";
import { startApiServer } from "../../../support/api-server.ts";
import { startTokenSigner } from "../../../support/token-signer.ts";

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

test("a key is exchanged for a token of its owner, with no more than run", async () => {
  await using server = await startApiServer();
  const bearer = await server.newKey({ owner: "carol", scopes: ["admin"] });
  const response = await server.call("/v1/tokens", { method: "POST", bearer });
  expect(response.status).toBe(200);
  const answer = (await response.json()) as { token: string; uid: string; expiresAt: string };
  expect(answer.uid).toBe("carol");
  const inSeconds = (new Date(answer.expiresAt).getTime() - Date.now()) / 1000;
  expect(inSeconds).toBeGreaterThan(3590);
  expect(inSeconds).toBeLessThanOrEqual(3600);
  expect(claimsOf(answer.token)).toMatchObject({
    uid: "carol",
    claims: { scopes: ["read", "run"], runyardKey: keyHash(bearer) },
  });
}, 180_000);

test("a token is not exchanged for another one", async () => {
  await using signer = await startTokenSigner();
  const settings = { audiences: ["runyard"], firebaseProject: undefined };
  const idTokens = new VerifiedIdTokens(settings, { google: signer.url, firebase: signer.url });
  await using server = await startApiServer({
    env: { RUNYARD_TOKEN_USERS: "*" },
    services: { idTokens },
  });
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "accounts.google.com", aud: "runyard", sub: "1", iat: now, exp: now + 60 };
  const response = await server.call("/v1/tokens", {
    method: "POST",
    bearer: signer.token(claims),
  });
  expect([response.status, await response.json()]).toEqual([
    403,
    expect.objectContaining({ code: "forbidden", detail: expect.stringContaining("only a key") }),
  ]);
}, 180_000);

test("where tokens are not configured it is said what to set", async () => {
  const customTokens = new SignedCustomTokens({ serviceAccount: undefined, unsigned: false });
  await using server = await startApiServer({ services: { customTokens } });
  const bearer = await server.newKey();
  const response = await server.call("/v1/tokens", { method: "POST", bearer });
  expect([response.status, await response.json()]).toEqual([
    404,
    expect.objectContaining({ detail: expect.stringContaining("RUNYARD_TOKEN_SERVICE_ACCOUNT") }),
  ]);
}, 180_000);
