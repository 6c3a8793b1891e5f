import { VerifiedIdTokens } from "../../../functions/cloud/id-tokens.ts";
import { startTokenSigner, type TokenSigner } from "../../support/token-signer.ts";

let signer: TokenSigner;
beforeAll(async () => {
  signer = await startTokenSigner();
});
afterAll(async () => {
  await signer[Symbol.asyncDispose]();
});

const AUDIENCE = "https://runyard.example.com";
const SETTINGS = { audiences: [AUDIENCE, "another"], firebaseProject: "my-project" };

const tokens = (settings = SETTINGS) =>
  new VerifiedIdTokens(settings, { google: signer.url, firebase: signer.url });

/** Seconds since 1970, so many from now on. */
const at = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

const googleClaims = (overrides: object = {}) => ({
  iss: "https://accounts.google.com",
  aud: AUDIENCE,
  sub: "1234567890",
  iat: at(-10),
  exp: at(3590),
  ...overrides,
});

const firebaseClaims = (overrides: object = {}) => ({
  iss: "https://securetoken.google.com/my-project",
  aud: "my-project",
  sub: "uid-1",
  iat: at(-10),
  exp: at(3590),
  ...overrides,
});

const verify = (token: string, settings = SETTINGS) => tokens(settings).verify(token, new Date());

describe("a token of Google's", () => {
  test("says who its bearer is", async () => {
    const claims = googleClaims({
      email: "Ann@Example.com",
      email_verified: true,
      hd: "example.com",
    });
    expect(await verify(signer.token(claims))).toEqual({
      owner: "google:1234567890",
      email: "ann@example.com",
      domain: "example.com",
      scopes: ["read", "run"],
      keyHash: undefined,
    });
  });

  test("of any of the audiences is accepted, and of both spellings of the issuer", async () => {
    const claims = googleClaims({ aud: "another", iss: "accounts.google.com" });
    expect(await verify(signer.token(claims))).toMatchObject({ owner: "google:1234567890" });
  });

  test("with an address that is not verified says nothing about it", async () => {
    const claims = googleClaims({
      email: "ann@example.com",
      email_verified: false,
      hd: "example.com",
    });
    expect(await verify(signer.token(claims))).toMatchObject({
      email: undefined,
      domain: undefined,
    });
  });

  test("belongs to a domain by its Workspace, or if Google gives out the domain's addresses", async () => {
    const domainOf = async (email: string, hd?: string) =>
      (await verify(signer.token(googleClaims({ email, email_verified: true, hd })))).domain;
    expect(await domainOf("ann@example.com")).toBeUndefined();
    expect(await domainOf("ann@example.com", "Example.com")).toBe("example.com");
    expect(await domainOf("bot@p.iam.gserviceaccount.com")).toBe("p.iam.gserviceaccount.com");
  });
});

describe("a token of Firebase's", () => {
  test("says who its bearer is", async () => {
    const claims = firebaseClaims({ email: "ann@example.com", email_verified: true });
    expect(await verify(signer.token(claims))).toEqual({
      owner: "uid-1",
      email: "ann@example.com",
      domain: "example.com",
      scopes: ["read", "run"],
      keyHash: undefined,
    });
  });

  test("may narrow its scopes, and never widens them beyond run", async () => {
    const scopesOf = async (scopes: unknown) =>
      (await verify(signer.token(firebaseClaims({ scopes })))).scopes;
    expect(await scopesOf(["read"])).toEqual(["read"]);
    expect(await scopesOf(["admin"])).toEqual(["read", "run"]);
    expect(await scopesOf(["nothing"])).toEqual([]);
  });

  test("says of which key it was made", async () => {
    const claims = firebaseClaims({ runyardKey: "abc" });
    expect(await verify(signer.token(claims))).toMatchObject({ keyHash: "abc" });
  });
});

const EXPIRED = { iat: at(-7200), exp: at(-3600) };
const REFUSED: [string, () => string, RegExp][] = [
  ["has expired", () => signer.token(googleClaims(EXPIRED)), /expired/],
  ["of Firebase's has expired", () => signer.token(firebaseClaims(EXPIRED)), /expired/],
  ["is for another audience", () => signer.token(googleClaims({ aud: "x" })), /audience/],
  ["is for several audiences", () => signer.token(googleClaims({ aud: [AUDIENCE] })), /./],
  ["is of another Firebase project", () => signer.token(firebaseClaims({ aud: "x" })), /audience/],
  [
    "has another issuer",
    () => signer.token(googleClaims({ iss: "https://evil.example" })),
    /issuer/,
  ],
  [
    "has the issuer of another project",
    () => {
      const iss = "https://securetoken.google.com/my-project2";
      return signer.token(firebaseClaims({ iss }));
    },
    /issuer/,
  ],
  ["is not signed", () => signer.token(googleClaims(), { alg: "none" }), /genuine/],
  [
    "is signed with the public key",
    () => signer.token(googleClaims(), { alg: "HS256" }),
    /genuine/,
  ],
  ["is signed by an unknown key", () => signer.token(googleClaims(), { kid: "?" }), /genuine/],
  [
    "names a property of every object as its key",
    () => {
      return signer.token(googleClaims(), { kid: "constructor" });
    },
    /genuine/,
  ],
  [
    "was changed",
    () => {
      const [header, , signature] = signer.token(googleClaims()).split(".");
      const [, payload] = signer.token(googleClaims({ sub: "2" })).split(".");
      return [header, payload, signature].join(".");
    },
    /genuine/,
  ],
  [
    "was issued in the future",
    () => signer.token(googleClaims({ iat: at(3600) })),
    /not valid yet/,
  ],
  ["is valid in the future", () => signer.token(googleClaims({ nbf: at(3600) })), /not valid yet/],
  ["has a time that is none", () => signer.token(googleClaims({ nbf: "x" })), /./],
  ["is valid for years", () => signer.token(googleClaims({ exp: at(1e8) })), /./],
  ["does not expire", () => signer.token(googleClaims({ exp: undefined })), /./],
  ["has no subject", () => signer.token(googleClaims({ sub: "" })), /./],
  ["has a subject that is no text", () => signer.token(googleClaims({ sub: 1 })), /./],
  ["is no JSON", () => "a.b.c", /form/],
  ["is a list", () => `${btoa("[]")}.${btoa("null")}.`, /form/],
];
test.each(REFUSED)("a token that %s is refused", async (_name, token, detail) => {
  const refusal = { code: "unauthorized", message: expect.stringMatching(detail) };
  await expect(verify(token())).rejects.toMatchObject(refusal);
});

test("no refusal repeats the token", async () => {
  const token = signer.token(googleClaims({ aud: "x" }));
  const error = await verify(token).catch((thrown: Error) => thrown);
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(
    token.split(".")[1],
  );
});

test("what is not configured is not accepted, and its certificates are not asked for", async () => {
  const before = signer.asked();
  const nothing = { audiences: [], firebaseProject: undefined };
  const withUndefined = firebaseClaims({ iss: "https://securetoken.google.com/undefined" });
  for (const claims of [googleClaims(), firebaseClaims(), withUndefined]) {
    const refusal = { code: "unauthorized" };
    await expect(verify(signer.token(claims), nothing as never)).rejects.toMatchObject(refusal);
  }
  expect(signer.asked()).toBe(before);
});

test("the certificates are asked for once", async () => {
  const before = signer.asked();
  const verifier = tokens();
  for (let i = 0; i < 3; i += 1) await verifier.verify(signer.token(googleClaims()), new Date());
  expect(signer.asked()).toBe(before + 1);
});

test("certificates that cannot be had are no fault of the token", async () => {
  const nowhere = { google: "http://127.0.0.1:1/", firebase: "http://127.0.0.1:1/" };
  const verifier = new VerifiedIdTokens(SETTINGS, nowhere);
  const refusal = { code: "unavailable" };
  await expect(verifier.verify(signer.token(googleClaims()), new Date())).rejects.toMatchObject(
    refusal,
  );
  signer.answer(404);
  await expect(verify(signer.token(googleClaims()))).rejects.toMatchObject(refusal);
  signer.answer(200);
}, 180_000);
