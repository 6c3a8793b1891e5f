import { Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { SecretReference } from "./secret-reference.ts";

/**
 * A name that git takes for a branch or a tag, and that no command takes for an option.
 *
 * @see https://git-scm.com/docs/git-check-ref-format
 */
const GIT_REF =
  "^(?![-/.])(?!@$)(?!.*(?:\\.\\.|//|/\\.|@\\{|\\.lock(?:/|$)))[^\\u0000-\\u0020\\u007f~^:?*\\[\\\\]+(?<![/.])$";

const description = "What the workspace begins with.";
const properties = {
  url: Type.String({
    ...formed({
      pattern: "^https://[^\\s@]+$",
      form: "an address that begins with https:// and has no user, password or spaces",
      example: "https://github.com/octocat/hello-world.git",
    }),
    maxLength: 2048,
    description: "Address for git, without user or password.",
  }),
  ref: Type.Optional(
    Type.String({
      ...formed({
        pattern: GIT_REF,
        form: "a branch, tag or commit as git allows their names, and not begin with a hyphen",
        example: "feature/#12-fix",
      }),
      maxLength: 255,
      description:
        "Branch, tag or commit, as git allows their names; none begins with a hyphen. Default: the repository's HEAD.",
    }),
  ),
  submodules: Type.Optional(
    Type.Boolean({
      description:
        "Whether its submodules are fetched: those on its own host with its credential, others from allowedHosts as everybody may read them. Default: false.",
    }),
  ),
  lfs: Type.Optional(
    Type.Boolean({
      description:
        "Whether its files of Git LFS are fetched, and those of its submodules; without it they are the pointers that git has. Default: false.",
    }),
  ),
};

/** A repository that everybody may read. */
export const PublicRepository = Type.Object(properties, {
  additionalProperties: false,
  description,
});

export const Repository = Type.Object(
  {
    ...properties,
    credential: Type.Optional(
      Type.Object(SecretReference.properties, {
        additionalProperties: false,
        description:
          "A secret that is TOKEN or USER:TOKEN, with which the repository's host lets it be read; the agent never has it. Default: everybody may read it.",
      }),
    ),
  },
  { additionalProperties: false, description },
);
