import { deliveryFault } from "../../../../shared/delivery/repository-name.ts";
import type { Run, RunRequest } from "../../../../shared/documents/run.ts";
import { type ApiServer, startApiServer } from "../../../support/api-server.ts";

const SITE = "https://github.com/octo/site.git";
const SECRET = "projects/pipeline/secrets/github-app-key/versions/latest";

let server: ApiServer;
let key: string;

beforeAll(async () => {
  const table = { owner: ["octo/*", "Other/One"] };
  const env = {
    RUNYARD_GITHUB_APP_ID: "4711",
    RUNYARD_GITHUB_REPOSITORIES: JSON.stringify(table),
    RUNYARD_SECRET_PREFIXES: JSON.stringify({ owner: [""] }),
  };
  server = await startApiServer({ env });
  key = await server.newKey();
});

afterAll(() => server[Symbol.asyncDispose]());

const order = (url: string, more: object = {}) => ({
  prompt: "Say hello",
  agent: { settings: { repository: { url }, ...more } },
});

const OTHERS = "https://github.com/thief/site";

/** In folders `a` and so on. */
const several = (...urls: string[]) => {
  const repositories = urls.map((url, at) => ({ folder: "ab".charAt(at), url }));
  return { prompt: "x", agent: { settings: { repositories } } };
};

async function send(path: string, json: object): Promise<{ status: number; body: unknown }> {
  const response = await server.call(path, { bearer: key, json });
  return { status: response.status, body: await response.json() };
}

test("a run says from its acceptance on what is to become of its changes, and so does its turn", async () => {
  const deliver = { pullRequest: { draft: true }, when: "always" };
  const { status, body } = await send("/v1/runs", { ...order(SITE), deliver });
  const run = body as Run;
  expect(status).toBe(202);
  expect(run.repository).toEqual({
    url: SITE,
    ...{ baseCommit: null, headCommit: null, pullRequest: null, conflict: null },
    branch: `runyard/${run.id}`,
    delivery: "waiting",
    why: "It is delivered once the run is over.",
  });
  const path = `/v1/conversations/${run.conversation.id}/runs`;
  const turn = (await send(path, { prompt: "More", onBusy: "queue" })).body as Run;
  expect(turn.repository).toMatchObject({ branch: `runyard/${run.id}`, delivery: "waiting" });
  const asked = await server.call(`/v1/runs/${turn.id}/request`, { bearer: key });
  expect(((await asked.json()) as RunRequest).deliver).toEqual(deliver);
  const again = (await send(`/v1/runs/${run.id}/rerun`, {})).body as Run;
  expect(again.repository?.branch).toBe(`runyard/${again.id}`);
  const bare = (await send("/v1/runs", order(SITE))).body as Run;
  expect(bare).not.toHaveProperty("repository");
});

test.each([
  [
    "another's repository",
    order("https://github.com/thief/site"),
    /to thief\/site is not for owner/,
  ],
  ["another host's", order("https://gitlab.com/octo/site"), /for repositories of https:\/\/github/],
  ["none at all", { prompt: "Say hello" }, /needs a repository/],
  [
    "one twice",
    several("https://github.com/Octo/Site", SITE),
    /for a and b, .* the same repository/,
  ],
  [
    "one of several that is another's",
    several(SITE, OTHERS),
    /thief\/site .* \(b\); deliver\.folders/,
  ],
])("it is refused in words to deliver to %s", async (_name, body, words) => {
  for (const path of ["/v1/runs", "/v1/runs?dryRun"]) {
    const answer = await send(path, { ...body, deliver: {} });
    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "/deliver", detail: expect.stringMatching(words) }] },
    });
  }
});

test("several repositories are delivered to, or those that are named by their folders", async () => {
  const both = several(SITE, "https://github.com/octo/lib");
  const run = (await send("/v1/runs", { ...both, deliver: { pullRequest: {} } })).body as Run;
  expect(run).not.toHaveProperty("repository");
  const waiting = { branch: `runyard/${run.id}`, delivery: "waiting" };
  expect(run.repositories).toMatchObject([
    { folder: "a", url: SITE, ...waiting },
    { folder: "b", url: "https://github.com/octo/lib", ...waiting },
  ]);
  const named = { ...several(SITE, OTHERS), deliver: { folders: ["a"] } };
  const one = (await send("/v1/runs", named)).body as Run;
  expect(one.repositories).toMatchObject([{ folder: "a", delivery: "waiting" }]);
  const turn = { prompt: "More", onBusy: "queue" };
  const next = await send(`/v1/conversations/${one.conversation.id}/runs`, turn);
  expect((next.body as Run).repositories).toHaveLength(1);
  for (const [body, folders] of [
    [both, ["c"]],
    [order(SITE), ["a"]],
    [order(SITE), [""]],
  ] as const) {
    const pointer = folders[0] === "" ? "/deliver/folders/0" : expect.any(String);
    expect(await send("/v1/runs", { ...body, deliver: { folders } })).toMatchObject({
      ...{ status: 422, body: { errors: [{ pointer, detail: expect.any(String) }] } },
    });
  }
});

test("a repository is read with the App by those alone who may use it there", async () => {
  const credential = { githubApp: true };
  const read = (url: string, more: object = credential) => ({
    ...{ prompt: "Say hello", agent: { settings: { repository: { url, credential: more } } } },
  });
  expect((await send("/v1/runs", read(SITE))).status).toBe(202);
  expect((await send("/v1/runs", read("https://github.com/other/one"))).status).toBe(202);
  const pointer = "/agent/settings/repository/credential/githubApp";
  for (const [url, detail] of [
    ["https://github.com/thief/site", /^does not open thief\/site for owner: .*_REPOSITORIES$/],
    ["https://gitlab.com/octo/site", /^opens repositories of https:\/\/github.com alone/],
    ["https://github.com/octo/site/../../thief/site", /^does not open thief\/site for owner/],
  ] as const) {
    for (const path of ["/v1/runs", "/v1/runs?dryRun"]) {
      expect(await send(path, read(url))).toMatchObject({
        ...{ status: 422, body: { errors: [{ pointer, detail: expect.stringMatching(detail) }] } },
      });
    }
  }
  const { settings } = read("https://github.com/thief/site").agent;
  const agent = await send("/v1/agents", { name: "Reader", settings });
  expect(agent).toMatchObject({
    status: 422,
    body: { errors: [{ detail: expect.stringContaining("thief/site") }] },
  });
  const secret = "projects/pipeline/secrets/other/versions/1";
  for (const wrong of [{}, { githubApp: false }, { ...credential, secret }]) {
    expect((await send("/v1/runs", read(SITE, wrong))).status).toBe(422);
  }
});

test("no agent gets the App's key, whoever may name every other secret", async () => {
  const { status, body } = await send(
    "/v1/runs",
    order(SITE, { environment: { K: { secret: SECRET } } }),
  );
  expect(status).toBe(422);
  expect(JSON.stringify(body)).toContain("a key of the GitHub App, which agents never get");
});

test("only the repository that an address names counts, however it is written", () => {
  const rule = { host: "https://github.com", repositories: new Map([["o", ["octo/site"]]]) };
  const fault = (url: string) => deliveryFault({ url }, "o", rule);
  expect(fault("https://github.com/Octo/Site")).toBeUndefined();
  expect(fault("https://github.com/octo/site/")).toBeUndefined();
  for (const url of [
    "https://github.com/octo/site/../other",
    "https://github.com/octo/other/site",
    "https://github.com/octo/site?x",
    "https://github.com/octo%2Fsite/x",
    "https://github.com.evil.example/octo/site",
    "https://github.com:444/octo/site",
    "https://github.com/octo/..",
  ]) {
    expect([url, fault(url)]).toEqual([url, expect.any(String)]);
  }
  const none = { ...rule, host: undefined };
  expect(deliveryFault({ url: SITE }, "o", none)).toContain("no GitHub App");
});

test("another host is pushed to with a secret, and opens no pull request", async () => {
  const secret = "projects/pipeline/secrets/own-git/versions/latest";
  const credential = { credential: { secret } };
  const asked = (more: object, deliver: object) => ({
    prompt: "x",
    agent: { settings: { repository: { url: "https://gitlab.com/octo/site", ...more } } },
    deliver,
  });
  const { status, body } = await send("/v1/runs", asked(credential, { branch: "agent/x" }));
  expect(status).toBe(202);
  expect((body as Run).repository).toMatchObject({ branch: "agent/x", delivery: "waiting" });
  for (const [more, deliver, pointer, words] of [
    [credential, { pullRequest: {} }, "/deliver/pullRequest", /on GitHub alone.*leave it out/],
    [{ ...credential, lfs: true }, {}, "/deliver", /Git LFS/],
    [{}, {}, "/deliver", /a branch is pushed with a secret/],
  ] as const) {
    expect(await send("/v1/runs", asked(more, deliver))).toMatchObject({
      status: 422,
      body: { errors: [{ pointer, detail: expect.stringMatching(words) }] },
    });
  }
});
