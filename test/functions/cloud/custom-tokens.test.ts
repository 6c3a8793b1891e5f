import { createVerify, generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { GoogleAuth, OAuth2Client } from "google-auth-library";
import { SignedCustomTokens } from "../../../functions/cloud/custom-tokens.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");
const OF = { uid: "carol", claims: { scopes: ["read" as const], runyardKey: "abc" } };
const ACCOUNT = "signer@my-project.iam.gserviceaccount.com";

const part = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString());

/** IAM as far as it signs: with a key of its own, for who has the access token `let-me`. */
async function startIam() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const paths: string[] = [];
  const server = createServer(async (request, response) => {
    paths.push(`${request.method} ${decodeURIComponent(request.url ?? "")}`);
    const { payload } = (await json(request)) as { payload: string };
    const isAllowed = request.headers.authorization === "Bearer let-me";
    response.writeHead(isAllowed ? 200 : 403, { "content-type": "application/json" });
    const signedBlob = sign("sha256", Buffer.from(payload, "base64"), privateKey).toString(
      "base64",
    );
    response.end(JSON.stringify(isAllowed ? { keyId: "k", signedBlob } : { error: { code: 403 } }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    iam: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publicKey,
    paths,
    [Symbol.asyncDispose]: async () => void server.close().closeAllConnections(),
  };
}

/** Google's own client with an access token that is there already. */
const openWith = (accessToken: string) => async () => {
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: accessToken });
  return new GoogleAuth({ authClient });
};

test("a custom token says what Firebase wants to know, signed by IAM as the account", async () => {
  await using service = await startIam();
  const settings = { serviceAccount: ACCOUNT, unsigned: false };
  const tokens = new SignedCustomTokens(settings, { iam: service.iam, open: openWith("let-me") });
  const { token, expiresAt } = await tokens.create(OF, NOW);
  expect(expiresAt.toISOString()).toBe("2026-01-02T04:04:05.000Z");
  expect(service.paths).toEqual([`POST /v1/projects/-/serviceAccounts/${ACCOUNT}:signBlob`]);
  expect(part(token, 0)).toEqual({ alg: "RS256", typ: "JWT" });
  const iat = Math.floor(NOW.getTime() / 1000);
  expect(part(token, 1)).toEqual({
    iss: ACCOUNT,
    sub: ACCOUNT,
    aud: "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit",
    iat,
    exp: iat + 3600,
    uid: "carol",
    claims: { scopes: ["read"], runyardKey: "abc" },
  });
  const [header, payload, signature = ""] = token.split(".");
  const verifier = createVerify("RSA-SHA256").update(`${header}.${payload}`);
  expect(verifier.verify(service.publicKey, signature, "base64url")).toBe(true);
});

test("what IAM refuses is not possible now", async () => {
  await using service = await startIam();
  const settings = { serviceAccount: ACCOUNT, unsigned: false };
  const tokens = new SignedCustomTokens(settings, { iam: service.iam, open: openWith("wrong") });
  const refusal = { code: "unavailable", message: expect.stringContaining(ACCOUNT) };
  await expect(tokens.create(OF, NOW)).rejects.toMatchObject(refusal);
});

test("for an emulator it is not signed", async () => {
  const { token } = await new SignedCustomTokens({
    serviceAccount: ACCOUNT,
    unsigned: true,
  }).create(OF, NOW);
  expect(part(token, 0)).toEqual({ alg: "none", typ: "JWT" });
  expect(part(token, 1)).toMatchObject({ uid: "carol" });
  expect(token.endsWith(".")).toBe(true);
});

test("where nobody signs there are none, and it is said what to set", async () => {
  const tokens = new SignedCustomTokens({ serviceAccount: undefined, unsigned: false });
  await expect(tokens.create(OF, NOW)).rejects.toMatchObject({
    code: "not_found",
    message: expect.stringContaining("RUNYARD_TOKEN_SERVICE_ACCOUNT"),
  });
});
