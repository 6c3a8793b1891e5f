import { type Static, Type } from "../schema/type.ts";
import { validatorOf } from "../schema/validate.ts";

/** The id of the hook to which GitHub posts what happens where the App is installed. */
export const GITHUB_HOOK = "github";

/** A comment on a pull request by which the conversation shall go on. */
const Mention = Type.Object({
  /** The same for the same comment, whoever delivers it and how often. */
  id: Type.String(),
  /** Who wrote it. */
  login: Type.String({ pattern: "^[A-Za-z0-9_-]{1,100}$" }),
  url: Type.String(),
  text: Type.String(),
  /** The lines that it stands at, if it stands at some. */
  at: Type.Optional(Type.Object({ path: Type.String(), hunk: Type.String() })),
});
export type Mention = Static<typeof Mention>;

/** That a pull request is another than it was, or was commented on. */
export const PullRequestMessage = Type.Object({
  /** Its address, by which runs have it. */
  pullRequest: Type.String({ maxLength: 1000 }),
  mention: Type.Optional(Mention),
});
export type PullRequestMessage = Static<typeof PullRequestMessage>;

const PullRequest = Type.Object({ html_url: Type.String({ maxLength: 1000 }) });

/** As much of a delivery as counts here. */
const validatePayload = validatorOf(
  Type.Object({
    action: Type.String(),
    pull_request: Type.Optional(PullRequest),
    issue: Type.Optional(Type.Object({ pull_request: Type.Optional(PullRequest) })),
    comment: Type.Optional(
      Type.Object({
        id: Type.Integer(),
        html_url: Type.String(),
        body: Type.String(),
        author_association: Type.String(),
        user: Type.Object({ login: Type.String(), type: Type.String() }),
        path: Type.Optional(Type.String()),
        diff_hunk: Type.Optional(Type.String()),
      }),
    ),
  }),
);

/** What of a pull request's changes a run's document shows. */
const CHANGES = [
  "closed",
  "converted_to_draft",
  "edited",
  "ready_for_review",
  "reopened",
  "synchronize",
];
/** The events of comments on pull requests, the first on issues, too. */
const COMMENTS = ["issue_comment", "pull_request_review_comment"];
/** Who may have write access: others never have. */
const ASSOCIATIONS = ["OWNER", "MEMBER", "COLLABORATOR"];

/**
 * What is to be done for a delivery of GitHub's; undefined: nothing.
 *
 * @param event by the header `X-GitHub-Event`
 * @param phrase what a comment has in it that is meant for us; undefined: none is
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads
 */
export function pullRequestMessageOf(
  event: string,
  payload: unknown,
  phrase: string | undefined,
): PullRequestMessage | undefined {
  const checked = validatePayload(payload);
  if (!checked.ok) return undefined;
  const { action, issue, pull_request: own = issue?.pull_request, comment } = checked.value;
  if (own === undefined) return undefined;
  const pullRequest = own.html_url;
  if (event === "pull_request") return CHANGES.includes(action) ? { pullRequest } : undefined;
  if (!COMMENTS.includes(event) || action !== "created" || comment === undefined) return undefined;
  const { id, html_url: url, body: text, user, author_association: association } = comment;
  const isPersons = user.type === "User" && ASSOCIATIONS.includes(association);
  if (!isPersons || phrase === undefined || !isMentioned(phrase, text)) return undefined;
  const { path, diff_hunk: hunk } = comment;
  const at = path !== undefined && hunk !== undefined && { at: { path, hunk } };
  return {
    pullRequest,
    mention: { id: `${event}/${id}`, login: user.login, url, text, ...at },
  };
}

/**
 * Whether a comment has the phrase in it as a word, outside of what it quotes.
 *
 * @param phrase has nothing in it that an expression takes for more than itself
 */
function isMentioned(phrase: string, text: string): boolean {
  const own = text.replace(/^ {0,3}>.*$/gm, "");
  return new RegExp(`(?<![\\w@/-])${phrase}(?![\\w-])`, "iu").test(own);
}
