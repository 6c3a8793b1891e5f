import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { StorageEvents } from "../../../functions/cloud/storage/event-objects.ts";
import { systemClock } from "../../../shared/clock.ts";
import { sha256 } from "../../../shared/hash.ts";
import { RUN_LIMITS } from "../../../shared/limits.ts";
import { EVENT_MESSAGE_BYTES, eventObject } from "../../../shared/triggers/event-object.ts";
import { HOOK_BYTES } from "../../../shared/triggers/hook.ts";
import type { IncomingEvent } from "../../../shared/triggers/incoming-event.ts";
import type { Verification } from "../../../shared/triggers/source.ts";
import { eventually } from "../../support/eventually.ts";
import { github, standard } from "../../support/hooks.ts";
import {
  type Firings,
  type HooksWorld,
  type Made,
  rawPost,
  startHooksWorld,
} from "./hooks-world.ts";

let hooks: HooksWorld;
beforeAll(async () => {
  hooks = await startHooksWorld();
}, 120_000);
afterAll(() => hooks[Symbol.asyncDispose]());

const SECRET = "It's a Secret to Everybody";
const WHSEC = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const STANDARD = { verify: { scheme: "standard" }, current: WHSEC } as const;
const UNKNOWN = "trg_0000000000000000000000";

const require = createRequire(import.meta.url);
/** Bodies as GitHub documents them. */
const examples: {
  name: string;
  examples: { action?: string }[];
}[] = require("@octokit/webhooks-examples");
const documented = (name: string, action: string): string => {
  const found = examples.find((one) => one.name === name)?.examples;
  return JSON.stringify(found?.find((example) => example.action === action));
};

test.each([
  ["issues", "opened", "issue"],
  ["issue_comment", "created", "comment"],
  ["pull_request", "opened", "pull_request"],
] as const)(
  "a documented delivery of GitHub's, %s %s, becomes an event",
  async (name, action, part) => {
    const id = await hooks.hook({ verify: { scheme: "github" }, current: SECRET });
    const body = documented(name, action);
    const response = await hooks.post(
      id,
      github(SECRET, body, { event: name, delivery: "72d3162e-cc78" }),
      body,
    );
    const source = `//runyard/projects/runyard-local/hooks/${id}`;
    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 202,
      body: { event: { id: "72d3162e-cc78", source, type: "runyard.hook.received.v1" } },
    });
    const [fires, ...more] = await hooks.fired(id);
    expect(more).toEqual([]);
    expect(fires).toEqual({
      triggerIds: [id],
      key: sha256(body),
      event: {
        id: "72d3162e-cc78",
        source,
        type: "runyard.hook.received.v1",
        time: expect.stringMatching(/Z$/),
        datacontenttype: "application/json",
        extensions: { githubevent: name, githubdelivery: "72d3162e-cc78" },
        data: JSON.parse(body),
      },
    });
    expect((fires as { event: { data: object } }).event.data).toHaveProperty([
      part,
      "user",
      "login",
    ]);
  },
);

test("a trigger of the API's fires once for an issue, however often GitHub tells of it", async () => {
  const { world, post } = hooks;
  const made = await world.call("/triggers", {
    json: {
      name: "issues",
      source: { kind: "webhook", verify: { scheme: "github" } },
      filter: 'event.githubevent == "issues" && event.data.action == "opened"',
      prompt: "Issue {{ event.data.issue.number }}",
    },
  });
  const { id, hook, secret } = (await made.json()) as Made;
  expect(hook.path).toBe(`/v1/hooks/${id}`);
  const deliveries = [
    ["issues", documented("issues", "opened"), "one"],
    ["issues", documented("issues", "opened"), "two"],
    ["issue_comment", documented("issue_comment", "created"), "three"],
  ] as const;
  for (const [event, body, delivery] of deliveries) {
    await (await post(id, github(secret, body, { event, delivery }), body)).arrayBuffer();
  }
  await eventually(async () => {
    const { items } = (await (await world.call(`/triggers/${id}/firings`)).json()) as Firings;
    const told = items.map(({ outcome, duplicates, runId }) => [outcome, duplicates.length, runId]);
    expect(told.toSorted()).toEqual([
      ["filtered", 0, null],
      ["matched", 1, expect.stringMatching(/^run_/)],
    ]);
  });
}, 60_000);

/** Each way to verify, and a request that it takes. */
const HEADERS = { "content-type": "text/plain" };
const hmac = (algorithm: string, encoding: "hex" | "base64") =>
  createHmac(algorithm, SECRET).update("hello").digest(encoding);
const SCHEMES: [Verification, string, () => Record<string, string>][] = [
  [{ scheme: "standard" }, WHSEC, () => standard(WHSEC, '"hello"')],
  [{ scheme: "bearer" }, sha256("token"), () => ({ ...HEADERS, authorization: "Bearer token" })],
  [
    { scheme: "hmac", header: "X-Signature" },
    SECRET,
    () => ({ ...HEADERS, "x-signature": hmac("sha256", "hex") }),
  ],
  [
    { scheme: "hmac", header: "X-Sig", algorithm: "sha512", encoding: "base64", prefix: "s=" },
    SECRET,
    () => ({ ...HEADERS, "x-sig": `s=${hmac("sha512", "base64")}` }),
  ],
];

test.each(SCHEMES)(
  "a request that %j verifies is taken, a changed one is not",
  async (verify, current, headers) => {
    const id = await hooks.hook({ verify, current });
    const body = verify.scheme === "standard" ? '"hello"' : "hello";
    const statusOf = async (...request: Parameters<HooksWorld["post"]>) => {
      const response = await hooks.post(...request);
      await response.arrayBuffer();
      return response.status;
    };
    expect(await statusOf(id, headers(), body)).toBe(202);
    const [fires] = await hooks.fired(id);
    expect(fires).toMatchObject({ event: { data: "hello", type: "runyard.hook.received.v1" } });
    const changed = Object.entries(headers())
      .filter(([name]) => name !== "content-type")
      .map(([name, value]) => ({ ...headers(), [name]: `${value.slice(0, -4)}AAA=` }));
    for (const wrong of changed) expect(await statusOf(id, wrong, body)).toBe(401);
    if (verify.scheme !== "bearer") expect(await statusOf(id, headers(), `${body} `)).toBe(401);
    expect(await hooks.fired(id)).toHaveLength(1);
  },
);

test("what is not verified gets one answer, whatever is wrong", async () => {
  const id = await hooks.hook({ verify: { scheme: "standard" }, current: WHSEC });
  const disabled = await hooks.hook({ ...STANDARD, others: { enabled: false } });
  const otherKind = await hooks.hook({
    ...STANDARD,
    others: { source: { kind: "run", status: "any" } },
  });
  const unsealed = await hooks.hook({
    verify: { scheme: "github" },
    current: SECRET,
    others: { secrets: { current: "v1.00000000.x", previous: null, previousUntil: null } },
  });
  const right = standard(WHSEC, "{}");
  const old = standard(WHSEC, "{}", { at: new Date(Date.now() - 310_000) });
  const early = standard(WHSEC, "{}", { at: new Date(Date.now() + 310_000) });
  const { "webhook-id": _id, ...withoutId } = right;
  const answers = await Promise.all(
    [
      hooks.post(UNKNOWN, right, "{}"),
      hooks.post("nothing", right, "{}"),
      hooks.post(disabled, right, "{}"),
      hooks.post(otherKind, right, "{}"),
      hooks.post(unsealed, github(SECRET, "{}"), "{}"),
      hooks.post(id, {}, "{}"),
      hooks.post(id, old, "{}"),
      hooks.post(id, early, "{}"),
      hooks.post(id, withoutId, "{}"),
      hooks.post(id, standard(WHSEC.replace("B", "C"), "{}"), "{}"),
    ].map(async (posted) => {
      const response = await posted;
      return { status: response.status, body: await response.json() };
    }),
  );
  const [first, ...others] = answers;
  expect(first).toMatchObject({
    status: 401,
    body: { detail: "there is no such hook, or this is not signed as it should be" },
  });
  for (const other of others) expect(other).toEqual(first);
});

test("after a rotation both secrets are taken, the previous one until its time is over", async () => {
  const previous = "before";
  const inTime = { current: SECRET, previous, previousUntil: new Date(Date.now() + 60_000) };
  const ids = [
    await hooks.hook({ verify: { scheme: "github" }, ...inTime }),
    await hooks.hook({
      verify: { scheme: "github" },
      ...inTime,
      previousUntil: new Date(Date.now() - 1),
    }),
  ];
  const statuses = await Promise.all(
    ids.flatMap((id) =>
      [SECRET, previous].map(async (secret) => {
        const response = await hooks.post(id, github(secret, "{}"), "{}");
        await response.arrayBuffer();
        return response.status;
      }),
    ),
  );
  expect(statuses).toEqual([202, 202, 202, 401]);
});

test("a CloudEvent in a hook is taken as such, and one that is broken is refused in words", async () => {
  const id = await hooks.hook({ verify: { scheme: "bearer" }, current: sha256("token") });
  const headers = { authorization: "Bearer token", "content-type": "application/cloudevents+json" };
  const event = {
    specversion: "1.0",
    id: "7",
    source: "//shop",
    type: "shop.order",
    data: { a: 1 },
  };
  expect((await hooks.post(id, headers, JSON.stringify(event))).status).toBe(202);
  expect(await hooks.fired(id)).toEqual([
    {
      triggerIds: [id],
      event: { id: "7", source: "//shop", type: "shop.order", extensions: {}, data: { a: 1 } },
    },
  ]);
  const broken = await hooks.post(id, headers, JSON.stringify({ ...event, id: "" }));
  expect({ status: broken.status, body: await broken.json() }).toMatchObject({
    status: 422,
    body: { detail: "the event's id is missing; each event has one" },
  });
});

test("a delivery of our own webhooks starts nothing", async () => {
  const id = await hooks.hook({ verify: { scheme: "standard" }, current: WHSEC });
  const ours = standard(WHSEC, "{}", { id: "dlv_07v95U8FE5rN5wVURJ4k9b" });
  const named = { ...standard(WHSEC, "{}"), "user-agent": "Runyard-Webhooks/1" };
  for (const headers of [ours, named]) {
    const response = await hooks.post(id, headers, "{}");
    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 202,
      body: { dropped: expect.stringContaining("own webhooks") },
    });
  }
  expect(await hooks.fired(id)).toEqual([]);
});

test("a large body becomes an object, but not before it is verified", async () => {
  const id = await hooks.hook({ verify: { scheme: "github" }, current: SECRET });
  // More than the API takes.
  const body = JSON.stringify({ diff: "x".repeat(2 * RUN_LIMITS.bodyBytes) });
  const { storage } = hooks.world;
  const bucket = storage.bucket("runyard-local");
  // Firings have theirs, too.
  const objects = async () =>
    (await bucket.getFiles({ prefix: "events/" }))[0].filter(
      ({ metadata }) => Number(metadata.size) > EVENT_MESSAGE_BYTES,
    );
  const wrong = await hooks.post(id, github("wrong", body, { event: "push" }), body);
  await wrong.arrayBuffer();
  expect([wrong.status, await objects()]).toEqual([401, []]);
  const taken = await hooks.post(id, github(SECRET, body, { event: "push" }), body);
  await taken.arrayBuffer();
  expect(taken.status).toBe(202);
  const [object, ...more] = await objects();
  expect(more).toEqual([]);
  expect(await hooks.fired(id)).toEqual([
    { triggerIds: [id], object: object?.name, key: sha256(body) },
  ]);
  const events = new StorageEvents({ bucket: "runyard-local" }, async () => storage, systemClock);
  const event = await events.read(object?.name ?? "");
  expect(object?.name).toBe(eventObject(JSON.stringify(event)));
  expect(event).toMatchObject({
    extensions: { githubevent: "push" },
    data: { diff: expect.stringMatching(/^x+$/) },
  });
  expect(await events.keep(event as IncomingEvent)).toBe(object?.name);
  expect(await events.read("events/none")).toBeUndefined();
});

test("what is no post to a hook, or too much, is refused in words", async () => {
  const id = await hooks.hook({ verify: { scheme: "github" }, current: SECRET });
  const base = hooks.world.local.address.apiUrl;
  const answer = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${base}${path}`, init);
    return { status: response.status, body: await response.json() };
  };
  expect(await answer(`/hooks/${id}`)).toMatchObject({ status: 405 });
  expect(await answer("/hooks/a-b", { method: "POST" })).toMatchObject({ status: 404 });
  const form = "payload=%7B%7D";
  const headers = {
    ...github(SECRET, form),
    "content-type": "application/x-www-form-urlencoded",
  };
  expect(await answer(`/hooks/${id}`, { method: "POST", headers, body: form })).toMatchObject({
    status: 415,
    body: { detail: expect.stringContaining("choose application/json at GitHub's webhook") },
  });
  const size = HOOK_BYTES + 1;
  const url = new URL(`${base}/hooks/${id}`);
  expect(await rawPost(url, `Content-Length: ${size}`)).toMatch(
    /^HTTP\/1\.1 413 .*at most 26214400/s,
  );
  expect(await rawPost(url, "Transfer-Encoding: chunked")).toMatch(/^HTTP\/1\.1 411 /);
});
