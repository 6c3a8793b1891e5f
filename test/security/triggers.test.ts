import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startFunctionsHost } from "../../infra/local/functions-host/start.ts";
import { startTokenSigner } from "../support/token-signer.ts";
import { startWorld, type World } from "../support/world.ts";
import { rawAnswer, statusOf } from "./raw-http.ts";

const TARGETS = ["submitBuild", "recordBuildStatus", "sweep"] as const;
const PUSH = "pubsub-push@runyard-local.iam.gserviceaccount.com";
const SCHEDULER = "scheduler@runyard-local.iam.gserviceaccount.com";

let world: World;
beforeAll(async () => {
  world = await startWorld({ sandbox: "none" });
}, 180_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const claims = (aud: string, email: string) => {
  const now = Math.floor(Date.now() / 1000);
  const [sub, iss] = ["1", "https://accounts.google.com"];
  return { iss, aud, email, email_verified: true, sub, azp: sub, iat: now, exp: now + 3600 };
};

/**
 * A token that the local Pub/Sub really signs, for an account and audience that its subscriber
 * chooses.
 */
async function signedFor(serviceAccountEmail: string, audience: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const endpoint = createServer((request, response) => {
    resolve(request.headers.authorization?.replace("Bearer ", "") ?? "");
    response.writeHead(204).end();
  }).listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  const pushEndpoint = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
  const [topic] = await world.pubsub.createTopic(
    `for-tokens-${Math.random().toString(36).slice(2)}`,
  );
  const oidcToken = { serviceAccountEmail, audience };
  const [subscription] = await topic.createSubscription(`${topic.name.split("/").at(-1)}`, {
    pushEndpoint,
    oidcToken,
  });
  try {
    await topic.publishMessage({ data: Buffer.from("x") });
    return await promise;
  } finally {
    await subscription.delete();
    await topic.delete();
    endpoint.close().closeAllConnections();
  }
}

/** A message as Pub/Sub pushes it, with which each of the functions would do something. */
const PUSHED = JSON.stringify({
  message: { data: Buffer.from('{"runId":"run_1"}').toString("base64"), messageId: "1" },
  subscription: "projects/p/subscriptions/s",
});

const post = (url: string, headers: Record<string, string>) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: PUSHED,
  });

/** What somebody who reaches a function's address may try, by what it should be answered. */
async function forgeries(
  url: string,
  caller: string,
): Promise<[string, Record<string, string>, number][]> {
  await using stranger = await startTokenSigner();
  const other = world.local.functions.urlOf("api");
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const own = claims(url, caller);
  return [
    ["nothing", {}, 401],
    ["the API's key", bearer(world.local.key), 401],
    ["a stranger's signature", bearer(stranger.token(own)), 401],
    ["no signature", bearer(stranger.token(own, { alg: "none" })), 401],
    [
      "the platform's mark",
      bearer(stranger.token(own).replace(/[^.]*$/, "SIGNATURE_REMOVED_BY_GOOGLE")),
      401,
    ],
    ["a header of the platform", { "x-goog-authenticated-user-email": PUSH }, 401],
    [
      "another header",
      { "x-serverless-authorization": `Bearer ${await signedFor(caller, url)}` },
      401,
    ],
    ["a token for another", bearer(await signedFor(caller, other)), 401],
    ["a token for its path", bearer(await signedFor(caller, `${url}/`)), 401],
    ["a token of another account", bearer(await signedFor(`a@${PUSH.split("@")[1]}`, url)), 403],
  ];
}

test(`the functions believe nobody but their callers (${TARGETS.length * 12} attempts)`, async () => {
  for (const target of TARGETS) {
    const url = world.local.functions.urlOf(target);
    const [caller, stranger] = target === "sweep" ? [SCHEDULER, PUSH] : [PUSH, SCHEDULER];
    const tries = [
      ...(await forgeries(url, caller)),
      ["the other's token", { authorization: `Bearer ${await signedFor(stranger, url)}` }, 403],
    ] as const;
    for (const [what, headers, expected] of tries) {
      const response = await post(url, headers);
      await response.arrayBuffer();
      expect([target, what, response.status]).toEqual([target, what, expected]);
    }
    const token = await signedFor(caller, url);
    const response = await post(url, { authorization: `Bearer ${token}` });
    await response.arrayBuffer();
    expect([target, "its caller", response.status < 400]).toEqual([target, "its caller", true]);
  }
  expect(world.log.filter((line) => line.includes("a call was refused")).length).toBe(33);
}, 120_000);

test("who is not known is not asked for the body that it announces (3 attempts)", async () => {
  for (const target of TARGETS) {
    const port = Number(new URL(world.local.functions.urlOf(target)).port);
    const lines = ["POST / HTTP/1.1", `Host: 127.0.0.1:${port}`, "Content-Type: application/json"];
    const expecting = ["Content-Length: 1000000", "Expect: 100-continue", "", ""];
    const answer = await rawAnswer(port, [...lines, ...expecting].join("\r\n"));
    expect([target, statusOf(answer)]).toEqual([target, 401]);
  }
});

test("as on Cloud Run a function believes what the platform has verified, and nothing else (6 attempts)", async () => {
  const audience = "https://sweep-1234.us-central1.run.app";
  const { clients } = world.local.address;
  await using stranger = await startTokenSigner();
  await using host = await startFunctionsHost({
    source: join(import.meta.dirname, "../../functions/index.ts"),
    functions: [{ target: "sweep", port: 0 }],
    env: async () => ({
      ...clients,
      K_SERVICE: "sweep",
      METADATA_SERVER_DETECTION: "none",
      GOOGLE_CLOUD_PROJECT: "runyard-local",
      RUNYARD_BUCKET: "runyard-local",
      RUNYARD_PUBLIC_URL: "https://api.example.com",
      RUNYARD_IMAGE: "agent",
      RUNYARD_BUILD_SERVICE_ACCOUNT: "projects/p/serviceAccounts/a@b.iam.gserviceaccount.com",
      RUNYARD_LOGS_BUCKET: "gs://runyard-local",
      RUNYARD_MODEL_KEY_SECRET: "projects/p/secrets/key/versions/1",
      RUNYARD_TRIGGER_AUTH: "iam",
      RUNYARD_TRIGGER_AUDIENCE: audience,
      RUNYARD_TRIGGER_ACCOUNTS: SCHEDULER,
    }),
  });
  const verified = (body: object) =>
    stranger.token(body).replace(/[^.]*$/, "SIGNATURE_REMOVED_BY_GOOGLE");
  const genuine = verified(claims(audience, SCHEDULER));
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  for (const [headers, status] of [
    [{}, 401],
    [bearer(stranger.token(claims(audience, SCHEDULER))), 401],
    [bearer(verified(claims("https://submit-1234.us-central1.run.app", SCHEDULER))), 401],
    [bearer(verified(claims(audience, PUSH))), 403],
    [{ ...bearer(genuine), "x-serverless-authorization": "Bearer a.b.c" }, 401],
    [bearer(genuine), 200],
  ] as const) {
    const response = await post(host.urlOf("sweep"), headers);
    await response.arrayBuffer();
    expect([headers, response.status]).toEqual([headers, status]);
  }
}, 120_000);
