import type { Fault } from "../errors.ts";
import { RUN_LIMITS } from "../limits.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { SecretReference } from "./secret-reference.ts";

/**
 * A name that git takes for a branch or a tag, and that no command takes for an option.
 *
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export const GIT_REF =
  "^(?![-/.])(?!@$)(?![\\s\\S]*(?:\\.\\.|//|/\\.|@\\{|\\.lock(?:/|$)))[^\\u0000-\\u0020\\u007f~^:?*\\[\\\\]+(?<![/.])$";

/** A folder in a repository, as git's cones have them. */
const FOLDER_PATH = {
  pattern:
    '^(?=\\s*\\S)(?![-/#!])(?![\\s\\S]*(?:^|/)\\.{0,2}(?:/|$))[^\\u0000-\\u001f\\u007f"\\\\]+$',
  form: "a folder's path from the repository's top, without a slash at its ends, . and .., quotes and backslashes",
  example: "apps/web",
};

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
        "Whether its submodules are fetched, from its own host and from allowedHosts, as everybody may read them: what its credential opens of them credential.submodules says. Default: false.",
    }),
  ),
  paths: Type.Optional(
    Type.Array(Type.String({ ...formed(FOLDER_PATH), maxLength: 500 }), {
      minItems: 1,
      maxItems: 100,
      description:
        "Folders that are checked out, with the files of the folders around them, and nothing else. Default: all.",
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

/** Repositories beside the one that is checked out. */
const opened = Type.Optional(
  Type.Array(
    Type.String({
      ...formed({
        pattern: "^https://[^\\s@*?#]+[^\\s@*?#/](?:/\\*)?$",
        form: "an address that begins with https://, or one of a folder of repositories with /* at its end",
        example: "https://github.com/octocat/*",
      }),
      maxLength: 2048,
    }),
    {
      minItems: 1,
      maxItems: 50,
      description:
        "Submodules on the repository's own host that it opens as well; `/*` stands for all below. Others are read as everybody may read them. Default: none.",
    },
  ),
);

const SecretCredential = Type.Object(
  { ...SecretReference.properties, submodules: opened },
  {
    additionalProperties: false,
    description: "A secret that is TOKEN or USER:TOKEN.",
  },
);

const AppCredential = Type.Object(
  {
    githubApp: Type.Literal(true, {
      description: "The operator's GitHub App, where it is installed and its owner may use it.",
    }),
  },
  {
    additionalProperties: false,
    description: "A token of an hour for the one repository on GitHub, and for reading it alone.",
  },
);

const privately = {
  ...properties,
  credential: Type.Optional(
    Type.Union([SecretCredential, AppCredential], {
      description:
        "With what the repository's host lets it be read; the agent never has it. Default: everybody may read it.",
    }),
  ),
};

export const Repository = Type.Object(privately, { additionalProperties: false, description });

/** The name of a folder that is one on every system, and git's nowhere. */
const FOLDER = {
  pattern: "^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?$",
  form: "a folder's name of letters, digits and . _ - that neither begins with . or - nor ends with a dot",
  example: "shop-api",
};

/** Several repositories, each in a folder of its own. */
export const Repositories = Type.Array(
  Type.Object(
    {
      folder: Type.String({
        ...formed(FOLDER),
        description: "Name of its folder in the workspace; no two differ in case alone.",
      }),
      ...privately,
    },
    { additionalProperties: false },
  ),
  {
    minItems: 1,
    maxItems: RUN_LIMITS.repositories,
    description: "What the workspace begins with, each in a folder; instead of `repository`.",
  },
);

/** What names repositories. */
export interface Naming {
  repository?: Static<typeof Repository>;
  repositories?: Static<typeof Repositories>;
}

/** A repository and its folder; empty: it is the workspace itself. */
export type PlacedRepository = Static<typeof Repositories>[number];

/** All repositories of settings. */
export const repositoriesOf = ({ repository, repositories = [] }: Naming): PlacedRepository[] =>
  repository === undefined ? repositories : [{ folder: "", ...repository }];

/** Whether a repository is read with a token of the operator's GitHub App. */
export const isOfApp = ({ credential }: Pick<PlacedRepository, "credential">): boolean =>
  credential !== undefined && "githubApp" in credential;

/** What else a repository's credential opens. */
export const openedWith = ({ credential }: Pick<PlacedRepository, "credential">): string[] =>
  (credential && "submodules" in credential && credential.submodules) || [];

/** Where in settings a repository stands that {@link repositoriesOf} gives. */
export const pointerOf = ({ folder }: PlacedRepository, at: number): string =>
  folder === "" ? "/repository" : `/repositories/${at}`;

/** What is wrong with repositories that a schema cannot say. Pointers begin at the settings. */
export function repositoryFaults(naming: Naming): Fault[] {
  return [...folderFaults(naming), ...repositoriesOf(naming).flatMap(openedFaults)];
}

/** A credential is told to no other host than the repository's. */
function openedFaults(repository: PlacedRepository, at: number): Fault[] {
  const host = URL.parse(repository.url)?.host;
  return openedWith(repository).flatMap((url, place) => {
    if (URL.parse(url)?.host === host) return [];
    const pointer = `${pointerOf(repository, at)}/credential/submodules/${place}`;
    return [{ pointer, detail: `is not on ${host}, the one host that is told the credential` }];
  });
}

function folderFaults({ repository, repositories = [] }: Naming): Fault[] {
  if (repository !== undefined && repositories.length > 0) {
    const detail = "is named beside repository: put that into a folder as well, or leave one out";
    return [{ pointer: "/repositories", detail }];
  }
  const folders = repositories.map(({ folder }) => folder.toLowerCase());
  return folders.flatMap((folder, at) => {
    const detail = "is the folder of another one as well, where case does not count";
    return folders.indexOf(folder) === at
      ? []
      : [{ pointer: `/repositories/${at}/folder`, detail }];
  });
}
