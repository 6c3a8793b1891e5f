import { GIT_REF } from "../agent/repository.ts";
import { RUN_LIMITS } from "../limits.ts";
import { nullable } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";

/** Whether what a run changed is delivered only if it succeeded, or however it ended. */
const DELIVER_WHEN = ["succeeded", "always"] as const;

const oneLine = (maxLength: number, example: string, description?: string) =>
  Type.String({
    ...formed({
      pattern: "^(?=\\s*\\S)[^\\u0000-\\u001f\\u007f]+$",
      form: `a text on one line, of at most ${maxLength} characters`,
      example,
    }),
    maxLength,
    ...(description !== undefined && { description }),
  });

const LOGIN = {
  pattern: "^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})$",
  form: "the name of a user of the host, without @",
  example: "octocat",
};

const PullRequest = Type.Object(
  {
    title: Type.Optional(oneLine(200, "Say hello", "Default: the beginning of the prompt.")),
    draft: Type.Optional(Type.Boolean({ description: "Default: false." })),
    reviewers: Type.Optional(
      Type.Array(Type.String(formed(LOGIN)), {
        maxItems: 10,
        description: "Users who are asked for a review.",
      }),
    ),
    labels: Type.Optional(
      Type.Array(oneLine(50, "agent"), { maxItems: 10, description: "Labels that it gets." }),
    ),
    mentions: Type.Optional(
      Type.Boolean({
        description:
          "Whether a comment there that is meant for the run, by somebody with write access, is the conversation's next turn. Default: false.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** Whom git names as a commit's author. */
export const CommitAuthor = Type.Object(
  {
    name: oneLine(100, "Ann"),
    email: Type.String({
      ...formed({
        pattern: "^[^\\s@<>\\u0000-\\u001f]+@[^\\s@<>\\u0000-\\u001f]+$",
        form: "an e-mail address",
        example: "ann@example.com",
      }),
      maxLength: 200,
    }),
  },
  {
    additionalProperties: false,
    description:
      "The commit's author; GitHub shows such a commit as unverified. Default: the operator's (RUNYARD_COMMIT_AUTHOR); if there is none the App, verified, and of a commit that is pushed Runyard.",
  },
);
export type CommitAuthor = Static<typeof CommitAuthor>;

/** How what a run changed is handed back to its repository. */
export const Deliver = Type.Object(
  {
    branch: Type.Optional(
      Type.String({
        ...formed({
          pattern: GIT_REF,
          form: "a branch as git allows their names, which begins with no hyphen",
          example: "agent/say-hello",
        }),
        maxLength: 200,
        description:
          "The branch. It must not be there, or be this conversation's. Default: runyard/RUN, by the conversation's first run.",
      }),
    ),
    pullRequest: Type.Optional(PullRequest),
    commitAuthor: Type.Optional(CommitAuthor),
    folders: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
        minItems: 1,
        maxItems: RUN_LIMITS.repositories,
        uniqueItems: true,
        description:
          "Of several repositories, the folders of those that it is delivered to. Default: all.",
      }),
    ),
    when: Type.Optional(
      Type.Enum([...DELIVER_WHEN], {
        description: "Whether a run must have succeeded for it. Default: succeeded.",
      }),
    ),
  },
  {
    additionalProperties: false,
    description:
      "Has what the run changed committed to a branch of its repository once it is over; for repositories of GitHub to which the operator lets the owner deliver, and for those of other hosts that a secret opens, to which it is pushed.",
  },
);
export type Deliver = Static<typeof Deliver>;

/** What became of a delivery. The set is open. */
const DELIVERY_STATES = ["waiting", "done", "unchanged", "skipped", "refused"] as const;

const PULL_REQUEST_STATES = ["open", "draft", "closed", "merged"] as const;

/** What a run left in a repository. */
const result = {
  url: Type.String(),
  baseCommit: nullable(Type.String(), { description: "The commit that the run began with." }),
  headCommit: nullable(Type.String(), { description: "The commit that has what it changed." }),
  branch: Type.String(),
  pullRequest: nullable(
    Type.Object({
      number: Type.Integer(),
      url: Type.String(),
      state: Type.Enum([...PULL_REQUEST_STATES], {
        description: "As GitHub last said it: at the delivery, by its webhook, or asked for it.",
      }),
      base: Type.Optional(Type.String({ description: "The branch that it is to be merged into." })),
    }),
  ),
  conflict: nullable(
    Type.Boolean({
      description:
        "Whether its base has moved on so that it cannot be merged; null: not known, or no pull request.",
    }),
  ),
  delivery: Type.Enum([...DELIVERY_STATES], { description: "The set is open." }),
  why: Type.String({ description: "One sentence about the delivery." }),
};
export const RepositoryResult = Type.Object(result, {
  description: "What the run left in its repository; absent: it delivers nothing, or to several.",
});
export type RepositoryResult = Static<typeof RepositoryResult>;

/** What a run's document says of what it left, in one repository or in each of several. */
export const repositoryResults = {
  repository: Type.Optional(RepositoryResult),
  repositories: Type.Optional(
    Type.Array(
      Type.Object({
        folder: Type.String({ description: "Where in the workspace the repository is." }),
        ...result,
      }),
      { description: "The same in each of several repositories, in the order of the settings." },
    ),
  ),
  pullRequestUrls: Type.Optional(
    Type.Array(Type.String(), {
      description: "Those of the pull requests in several repositories, for queries.",
    }),
  ),
};

/** A pull request as a run's document has it. */
export type PullRequestResult = NonNullable<RepositoryResult["pullRequest"]>;
