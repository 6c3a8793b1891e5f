import { OAuth2Client } from "google-auth-library";
import { startTokenIssuer, type TokenIssuer } from "../../../infra/emulators/wire/id-tokens.ts";
import { differsTest, standInTest } from "../declared.ts";
import { type ReceivedPush, startEndpoint } from "./endpoint.ts";
import { publishText, startWorld } from "./world.ts";

const ACCOUNT = "push@p.iam.gserviceaccount.com";

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(async () => {
  await issuer[Symbol.asyncDispose]();
});

/** What Google's own library says about the token of a push. */
async function claimsOf(push: ReceivedPush | undefined, audience: string) {
  const [, idToken = ""] = /^Bearer (.+)$/.exec(push?.headers.authorization ?? "") ?? [];
  const client = new OAuth2Client({
    endpoints: { oauth2FederatedSignonPemCertsUrl: issuer.certificatesUrl },
  });
  return (await client.verifyIdToken({ idToken, audience })).getPayload();
}

standInTest("a push says with an ID token who sends it, and to whom", async () => {
  await using world = await startWorld({ idToken: issuer.tokenFor });
  await using endpoint = await startEndpoint(() => 204);
  const pushEndpoint = `${endpoint.url}/path?a=b`;
  const oidcToken = { serviceAccountEmail: ACCOUNT };
  const [subscription] = await world
    .topic()
    .createSubscription("push", { pushEndpoint, oidcToken });
  await publishText(world.topic(), "for the endpoint");
  await endpoint.received(1);
  const claims = await claimsOf(endpoint.pushes[0], pushEndpoint);
  expect(claims).toMatchObject({
    iss: "https://accounts.google.com",
    aud: pushEndpoint,
    email: ACCOUNT,
    email_verified: true,
  });
  expect(claims?.sub).toMatch(/^\d+$/);
  expect(claims?.azp).toBe(claims?.sub);
  expect((claims?.exp ?? 0) - (claims?.iat ?? 0)).toBe(3600);

  await subscription.modifyPushConfig({ pushEndpoint, oidcToken: { ...oidcToken, audience: "a" } });
  await publishText(world.topic(), "for an audience");
  await endpoint.received(2);
  expect(await claimsOf(endpoint.pushes[1], "a")).toMatchObject({ aud: "a", email: ACCOUNT });
  const [{ pushConfig }] = await subscription.getMetadata();
  expect(pushConfig).toMatchObject({ oidcToken: { serviceAccountEmail: ACCOUNT, audience: "a" } });

  await subscription.modifyPushConfig({ pushEndpoint });
  await publishText(world.topic(), "for nobody");
  await endpoint.received(3);
  expect(endpoint.pushes[2]?.headers.authorization).toBeUndefined();
});

standInTest("pushes are signed after a restart as well", async () => {
  await using world = await startWorld({ idToken: issuer.tokenFor });
  await using endpoint = await startEndpoint((_push, count) => (count === 1 ? 500 : 204));
  const oidcToken = { serviceAccountEmail: ACCOUNT, audience: "a" };
  await world.topic().createSubscription("push", { pushEndpoint: endpoint.url, oidcToken });
  await publishText(world.topic(), "twice");
  await endpoint.received(1);
  await world.restart();
  await endpoint.received(2);
  expect(await claimsOf(endpoint.pushes[1], "a")).toMatchObject({ email: ACCOUNT });
});

differsTest(
  "Differs: where nobody signs ID tokens a push that asks for one is refused: UNIMPLEMENTED",
  async () => {
    await using world = await startWorld();
    const oidcToken = { serviceAccountEmail: ACCOUNT };
    const options = { pushEndpoint: "https://example.com/push", oidcToken };
    const refusal = { code: 12, details: expect.stringContaining("PushConfig.oidcToken") };
    await expect(world.topic().createSubscription("push", options)).rejects.toMatchObject(refusal);
    const [subscription] = await world.topic().createSubscription("pull");
    await expect(subscription.modifyPushConfig(options)).rejects.toMatchObject(refusal);
  },
);

differsTest("Differs: any account is signed for: one that nobody has made as well", () => {
  const [, claims = ""] = issuer
    .tokenFor({ serviceAccountEmail: "nobody@example.com", audience: "a" })
    .split(".");
  expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({
    email: "nobody@example.com",
    email_verified: true,
  });
});
