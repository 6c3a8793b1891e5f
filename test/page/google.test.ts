import type { Page } from "playwright-core";
import { VerifiedIdTokens } from "../../functions/cloud/id-tokens.ts";
import { buildPage } from "../../infra/page/build-page.ts";
import { type ApiServer, startApiServer } from "../support/api-server.ts";
import { type Browser, startBrowser } from "../support/browser.ts";
import { startTokenSigner, type TokenSigner } from "../support/token-signer.ts";

const CLIENT = "123-abc.apps.googleusercontent.com";
const GOOGLE = "https://accounts.google.com/**";

let signer: TokenSigner;
let server: ApiServer;
let browser: Browser;
beforeAll(async () => {
  buildPage();
  signer = await startTokenSigner();
  const settings = { audiences: [CLIENT], firebaseProject: undefined };
  const at = { google: signer.url, firebase: signer.url };
  const env = { RUNYARD_GOOGLE_CLIENT_ID: CLIENT, RUNYARD_TOKEN_USERS: "ann@example.com" };
  [server, browser] = await Promise.all([
    startApiServer({
      env,
      services: { idTokens: new VerifiedIdTokens(settings, at), googleClientId: CLIENT },
    }),
    startBrowser(),
  ]);
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await signer[Symbol.asyncDispose]();
});

type Asked = Record<string, string>;

/** A token as Google makes one for what it was asked, for a person. */
function tokenFor(
  { client_id: aud, nonce }: Asked,
  { email = "ann@example.com", hoursAgo = 0 } = {},
): string {
  const iat = Math.floor(Date.now() / 1000) - 10 - hoursAgo * 3600;
  const who = { sub: "42", email, email_verified: true };
  const iss = "https://accounts.google.com";
  return signer.token({ iss, aud, nonce, ...who, iat, exp: iat + 3600 });
}

/** Opens the page, signs in with a Google that answers so, and says what it was asked for. */
async function signedIn(
  answer: (asked: Asked) => Record<string, string>,
): Promise<{ page: Page; asked: Asked }> {
  const page = await browser.open(`${server.url}/?status=failed`);
  let asked: Asked = {};
  await page.route(GOOGLE, (route) => {
    asked = Object.fromEntries(new URL(route.request().url()).searchParams);
    const back = `${asked["redirect_uri"]}#${new URLSearchParams(answer(asked))}`;
    const body = `<script>location.replace(${JSON.stringify(back)})</script>`;
    return route.fulfill({ contentType: "text/html", body });
  });
  await page.getByRole("button", { name: "Sign in with Google" }).click();
  await page.waitForURL(`${server.url}/*`);
  return { page, asked };
}

const given = (asked: Asked) => ({ id_token: tokenFor(asked), state: asked["state"] ?? "" });

test("whoever is let in comes back to where they were, and the token stays in the tab", async () => {
  const { page, asked } = await signedIn(given);
  await page.getByRole("heading", { name: "No run fits the filter" }).waitFor();
  expect(asked).toMatchObject({
    client_id: CLIENT,
    redirect_uri: `${server.url}/`,
    response_type: "id_token",
    scope: "openid email",
  });
  expect(page.url()).toBe(`${server.url}/?status=failed`);
  await page.reload();
  await page.getByRole("heading", { name: "No run fits the filter" }).waitFor();
  const old = tokenFor(asked, { hoursAgo: 2 });
  await page.evaluate(`sessionStorage.setItem("runyard.key", "${old}")`);
  await page.reload();
  await page.getByRole("heading", { name: "You are no longer signed in" }).waitFor();
  await page.getByText("A sign-in with Google lasts an hour.").waitFor();
});

test.each<[string, (asked: Asked) => Record<string, string>, string]>([
  [
    "a person who is not let in",
    (asked) => ({ ...given(asked), id_token: tokenFor(asked, { email: "eve@evil.example" }) }),
    "eve@evil.example may not call this API",
  ],
  [
    "an answer that this tab did not ask for",
    (asked) => ({ ...given(asked), state: "another" }),
    "This tab did not ask Google for that",
  ],
  [
    "a token that was made for another tab",
    (asked) => ({ ...given(asked), id_token: tokenFor({ ...asked, nonce: "another" }) }),
    "Google's answer is not for this tab",
  ],
  ["no token", (asked) => ({ ...given(asked), id_token: "x" }), "Google's answer is not for"],
  [
    "a refusal of Google's",
    ({ state = "" }) => ({ error: "access_denied", state }),
    "Google did not sign you in: access_denied",
  ],
])("%s signs nobody in, and the page says why", async (_name, answer, why) => {
  const { page } = await signedIn(answer);
  await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
  await page.getByText(why).waitFor();
  expect(page.url()).not.toContain("#");
  expect(await page.evaluate("sessionStorage.length")).toBe(0);
});
