import type { IncomingMessage } from "node:http";
import { type TriggerAuth, triggerAdmission, triggerAuthOf } from "../../functions/trigger-auth.ts";
import { startTokenSigner, type TokenSigner } from "../support/token-signer.ts";

const AUDIENCE = "https://submit-build.example.com";
const ACCOUNT = "push@p.iam.gserviceaccount.com";
const ENVIRONMENT = {
  RUNYARD_TRIGGER_AUTH: "oidc",
  RUNYARD_TRIGGER_AUDIENCE: `${AUDIENCE}, second`,
  RUNYARD_TRIGGER_ACCOUNTS: `Other@p.iam.gserviceaccount.com,${ACCOUNT}`,
};
const ON_CLOUD_RUN = { ...ENVIRONMENT, K_SERVICE: "submit-build" };

let signer: TokenSigner;
beforeAll(async () => {
  signer = await startTokenSigner();
});
afterAll(async () => {
  await signer[Symbol.asyncDispose]();
});

/** Seconds since 1970, so many from now on. */
const at = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

/** What Pub/Sub's tokens say. */
const claims = (overrides: object = {}) => ({
  iss: "https://accounts.google.com",
  aud: AUDIENCE,
  azp: "113774264463038321964",
  sub: "113774264463038321964",
  email: ACCOUNT,
  email_verified: true,
  iat: at(-10),
  exp: at(3590),
  ...overrides,
});

const requestWith = (headersDistinct: Record<string, string[]>) =>
  ({ headersDistinct }) as unknown as IncomingMessage;
const bearing = (token: string) => requestWith({ authorization: [`Bearer ${token}`] });

describe("what may be set", () => {
  test("each is read", () => {
    expect(triggerAuthOf(ENVIRONMENT)).toEqual({
      form: "oidc",
      audiences: [AUDIENCE, "second"],
      accounts: ["other@p.iam.gserviceaccount.com", ACCOUNT],
      certificatesUrl: "https://www.googleapis.com/oauth2/v1/certs",
    });
    const own = { ...ENVIRONMENT, RUNYARD_TRIGGER_CERTIFICATES: "http://127.0.0.1:1/certs" };
    expect(triggerAuthOf(own).certificatesUrl).toBe("http://127.0.0.1:1/certs");
    expect(triggerAuthOf({ ...ON_CLOUD_RUN, RUNYARD_TRIGGER_AUTH: "iam" }).form).toBe("iam");
  });

  test.each([
    ["no such form", { RUNYARD_TRIGGER_AUTH: "none" }, /AUTH is none, and must be iam or oidc/],
    ["no form", { RUNYARD_TRIGGER_AUTH: "" }, /must be iam or oidc/],
    ["iam outside Cloud Run", { RUNYARD_TRIGGER_AUTH: "iam" }, /must be oidc: outside Cloud Run/],
    ["no audience", { RUNYARD_TRIGGER_AUDIENCE: " , " }, /AUDIENCE is empty/],
    ["no account", { RUNYARD_TRIGGER_ACCOUNTS: "," }, /ACCOUNTS is empty/],
    ["all accounts", { RUNYARD_TRIGGER_ACCOUNTS: "*" }, /ACCOUNTS has \*/],
    ["a domain", { RUNYARD_TRIGGER_ACCOUNTS: "@example.com" }, /ACCOUNTS has @example.com/],
    ["all users", { RUNYARD_TRIGGER_ACCOUNTS: "allUsers" }, /ACCOUNTS has allusers/],
    [
      "certificates of one's own on Cloud Run",
      { K_SERVICE: "s", RUNYARD_TRIGGER_CERTIFICATES: "https://evil.example/certs" },
      /CERTIFICATES must not be set/,
    ],
  ])("%s is refused", (_what, variables, message) => {
    expect(() => triggerAuthOf({ ...ENVIRONMENT, ...variables })).toThrow(message);
  });
});

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Claims that are not those of who may call, with the status that they get. */
const FALSE_CLAIMS: [string, object, number][] = [
  ["another audience", { aud: "https://sweep.example.com" }, 401],
  ["an audience that begins like ours", { aud: `${AUDIENCE}/` }, 401],
  ["audiences, ours among them", { aud: [AUDIENCE, "x"] }, 401],
  ["no audience", { aud: undefined }, 401],
  ["another issuer", { iss: "https://evil.example" }, 401],
  ["Firebase's issuer", { iss: "https://securetoken.google.com/p" }, 401],
  ["no issuer", { iss: undefined }, 401],
  ["a time that is over", { iat: at(-7200), exp: at(-3600) }, 401],
  ["no end", { exp: undefined }, 401],
  ["another account", { email: "evil@p.iam.gserviceaccount.com" }, 403],
  ["an account that begins like ours", { email: `${ACCOUNT}.evil.example` }, 403],
  ["no account", { email: undefined }, 403],
  ["accounts, ours among them", { email: [ACCOUNT] }, 403],
  ["an address that is not verified", { email_verified: false }, 403],
  ["an address that is verified in words", { email_verified: "true" }, 403],
];

/** Headers that are not one token, the token in its place. */
const FALSE_HEADERS: [string, (token: string) => Record<string, string[]>][] = [
  ["none", () => ({})],
  ["an empty one", () => ({ authorization: [""] })],
  ["another scheme", (token) => ({ authorization: [`Basic ${token}`] })],
  ["two tokens", (token) => ({ authorization: [`Bearer ${token}`, `Bearer ${token}`] })],
  ["two tokens in one", (token) => ({ authorization: [`Bearer ${token}, Bearer ${token}`] })],
  ["a key", () => ({ authorization: [`Bearer ry_${"a".repeat(32)}`] })],
  [
    "the platform's other header",
    (token) => ({ "x-serverless-authorization": [`Bearer ${token}`] }),
  ],
  [
    "the platform's other header as well",
    (token) => ({
      authorization: [`Bearer ${token}`],
      "x-serverless-authorization": ["Bearer somebody.else.s"],
    }),
  ],
  ["a token of 9 KB", () => ({ authorization: [`Bearer ${"a".repeat(9000)}.b.c`] })],
  ["four parts", (token) => ({ authorization: [`Bearer ${token}.x`] })],
  ["parts that are no JSON", () => ({ authorization: ["Bearer a.b.c"] })],
  [
    "parts that are no objects",
    () => ({ authorization: [`Bearer ${encoded(null)}.${encoded(1)}.c`] }),
  ],
];

/** Both forms: what they are told, and how a token of theirs looks when it arrives. */
const FORMS: [TriggerAuth["form"], Record<string, string>, (claims: object) => string][] = [
  ["oidc", ENVIRONMENT, (body) => signer.token(body)],
  [
    "iam",
    { ...ON_CLOUD_RUN, RUNYARD_TRIGGER_AUTH: "iam" },
    (body) => signer.token(body).replace(/[^.]*$/, "SIGNATURE_REMOVED_BY_GOOGLE"),
  ],
];

describe.each(FORMS)("%s", (_form, environment, arriving) => {
  const admission = () =>
    triggerAdmission({ ...triggerAuthOf(environment), certificatesUrl: signer.url });
  const statusOf = async (request: IncomingMessage) => (await admission()(request))?.status;

  test("who may call is admitted, for any of the audiences, by any spelling of the account", async () => {
    expect(await statusOf(bearing(arriving(claims())))).toBeUndefined();
    expect(await statusOf(bearing(arriving(claims({ aud: "second" }))))).toBeUndefined();
    const other = claims({ email: "OTHER@p.iam.gserviceaccount.com", iss: "accounts.google.com" });
    expect(await statusOf(bearing(arriving(other)))).toBeUndefined();
  });

  test.each(FALSE_CLAIMS)("a token of %s is refused", async (_what, overrides, status) => {
    expect(await statusOf(bearing(arriving(claims(overrides))))).toBe(status);
  });

  test.each(FALSE_HEADERS)("a request with %s is refused", async (_what, headersOf) => {
    expect(await statusOf(requestWith(headersOf(arriving(claims()))))).toBe(401);
  });

  test.each([
    ["without a signature", () => signer.token(claims(), { alg: "none" })],
    ["with its own key for a secret", () => signer.token(claims(), { alg: "HS256" })],
    ["of an unknown key", () => signer.token(claims(), { kid: "key-2" })],
    ["of another algorithm's name", () => signer.token(claims(), { alg: "RS512" })],
    ["whose claims were changed", () => changed(signer.token(claims({ aud: "x" })))],
    ["whose signature was cut off", () => signer.token(claims()).replace(/[^.]*$/, "")],
    ["without its signature's part", () => "x.y"],
  ])("a token %s is refused", async (_what, tokenOf) => {
    expect(await statusOf(bearing(tokenOf()))).toBe(401);
  });

  test("a refusal repeats nothing of the token", async () => {
    const refusal = await admission()(bearing(arriving(claims({ aud: "canary" }))));
    expect(refusal?.message).toBe("the token is for another audience");
  });
});

/** A token for our audience with the signature of another. */
function changed(token: string): string {
  const [header, , signature] = token.split(".");
  return [header, encoded(claims()), signature].join(".");
}

test("what the platform marks as verified counts nowhere else, and what it does not mark not there", async () => {
  const marked = signer.token(claims()).replace(/[^.]*$/, "SIGNATURE_REMOVED_BY_GOOGLE");
  const oidc = triggerAdmission({ ...triggerAuthOf(ENVIRONMENT), certificatesUrl: signer.url });
  expect((await oidc(bearing(marked)))?.status).toBe(401);
  const iam = triggerAdmission(triggerAuthOf({ ...ON_CLOUD_RUN, RUNYARD_TRIGGER_AUTH: "iam" }));
  const refusal = await iam(bearing(signer.token(claims())));
  expect([refusal?.status, refusal?.message]).toEqual([
    401,
    expect.stringContaining("roles/run.invoker"),
  ]);
});

test("while the certificates cannot be had a caller is told to come back", async () => {
  await using broken = await startTokenSigner();
  broken.answer(500);
  const admission = triggerAdmission({
    ...triggerAuthOf(ENVIRONMENT),
    certificatesUrl: broken.url,
  });
  expect((await admission(bearing(broken.token(claims()))))?.status).toBe(503);
  broken.answer(200);
  expect(await admission(bearing(broken.token(claims())))).toBeUndefined();
});
