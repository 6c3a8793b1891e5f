import { createRequire } from "node:module";
import { pullRequestMessageOf } from "../../../shared/delivery/github-hook.ts";

const require = createRequire(import.meta.url);
interface Documented {
  action?: string;
  // biome-ignore lint/suspicious/noExplicitAny: payloads as GitHub documents them
  [name: string]: any;
}
const examples: { name: string; examples: Documented[] }[] = require("@octokit/webhooks-examples");
const documented = (name: string, action: string): Documented =>
  structuredClone(
    examples.find((one) => one.name === name)?.examples.find((one) => one.action === action) ?? {},
  );

const PULL = "https://github.com/acme/shop/pull/2";

/** A comment on a pull request, as GitHub tells of it. */
function commented(text: string, change: (payload: Documented) => void = () => {}): Documented {
  const payload = documented("issue_comment", "created");
  payload["issue"].pull_request = { html_url: PULL };
  Object.assign(payload["comment"], { body: text, author_association: "MEMBER" });
  change(payload);
  return payload;
}

test.each(["closed", "reopened", "ready_for_review", "converted_to_draft"])(
  "a pull request that is %s is looked at",
  (action) => {
    const payload = documented("pull_request", action);
    const { html_url: pullRequest } = payload["pull_request"];
    expect(pullRequestMessageOf("pull_request", payload, undefined)).toEqual({ pullRequest });
  },
);

test.each([
  "@acme-agent, say it louder",
  "Please, @Acme-Agent: again",
  "> said before\n\n@acme-agent no",
])("a comment that mentions the App, %j, is handed on", (text) => {
  const { comment } = commented(text);
  expect(pullRequestMessageOf("issue_comment", commented(text), "@acme-agent")).toEqual({
    pullRequest: PULL,
    mention: {
      ...{ id: `issue_comment/${comment.id}`, login: comment.user.login, url: comment.html_url },
      text,
    },
  });
});

test("a comment at lines of a pull request comes with them", () => {
  const payload = documented("pull_request_review_comment", "created");
  const comment = payload["comment"];
  Object.assign(comment, { body: "@acme-agent why?", author_association: "OWNER" });
  expect(pullRequestMessageOf("pull_request_review_comment", payload, "@acme-agent")).toMatchObject(
    {
      pullRequest: payload["pull_request"].html_url,
      mention: { at: { path: comment.path, hunk: comment.diff_hunk }, text: "@acme-agent why?" },
    },
  );
});

test.each<[string, Documented, string?]>([
  ["quotes a mention", commented("> @acme-agent do it\n\nwhy?")],
  ["mentions another", commented("@acme-agent-2 and me@acme-agent and acme/@acme-agent")],
  [
    "is of somebody without write access",
    commented("@acme-agent", (one) => {
      one["comment"].author_association = "CONTRIBUTOR";
    }),
  ],
  [
    "is of a machine",
    commented("@acme-agent", (one) => {
      one["comment"].user.type = "Bot";
    }),
  ],
  [
    "was edited",
    commented("@acme-agent", (one) => {
      one.action = "edited";
    }),
  ],
  [
    "is on an issue",
    commented("@acme-agent", (one) => {
      delete one["issue"].pull_request;
    }),
  ],
])("a comment that %s starts nothing", (_what, payload) => {
  expect(pullRequestMessageOf("issue_comment", payload, "@acme-agent")).toBeUndefined();
});

test.each<[string, unknown]>([
  ["pull_request", documented("pull_request", "labeled")],
  ["pull_request", { action: "closed" }],
  ["ping", documented("ping", "")],
  ["issue_comment", null],
  ["push", commented("@acme-agent")],
])("there is nothing to be done for other deliveries, %s", (event, payload) => {
  expect(pullRequestMessageOf(event, payload, "@acme-agent")).toBeUndefined();
});

test("without a phrase no comment is meant for us", () => {
  expect(pullRequestMessageOf("issue_comment", commented("@x"), undefined)).toBeUndefined();
});
