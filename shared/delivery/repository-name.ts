import {
  isOfApp,
  type Naming,
  type PlacedRepository,
  pointerOf,
  repositoriesOf,
} from "../agent/repository.ts";
import type { Deliver } from "../documents/deliver.ts";
import type { Fault } from "../errors.ts";

/** A repository of GitHub: `owner/name`. */
export interface RepositoryName {
  owner: string;
  name: string;
}

/** Whose runs may use the GitHub App, and where: to be delivered, and to read. */
export interface DeliveryRule {
  /** `https://github.com`, or where a GitHub of one's own is; undefined: there is no App. */
  host: string | undefined;
  /**
   * By owner of runs: the repositories that its runs may be delivered to and read with the App,
   * `ORG/NAME` or `ORG/*`. Without a row there are none.
   */
  repositories: ReadonlyMap<string, readonly string[]>;
}

const PATH = /^\/([A-Za-z0-9][A-Za-z0-9_-]{0,99})\/([A-Za-z0-9._-]{1,100}?)(?:\.git)?\/?$/;

/** The repository that an address for git names; undefined: it is no GitHub's at `host`. */
export function repositoryNameOf(url: string, host: string): RepositoryName | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, pathname, search, hash } = new URL(url);
  if (origin !== new URL(host).origin || search + hash !== "") return undefined;
  const [, owner, name] = PATH.exec(pathname) ?? [];
  if (owner === undefined || name === undefined || /^\.+$/.test(name)) return undefined;
  return { owner, name };
}

/** Whether the operator lets runs of `owner` use the App in a repository. */
function mayUse(
  { repositories }: DeliveryRule,
  owner: string,
  repository: RepositoryName,
): boolean {
  const org = repository.owner.toLowerCase();
  const full = `${org}/${repository.name.toLowerCase()}`;
  return (repositories.get(owner) ?? []).some((row) =>
    [`${org}/*`, full].includes(row.toLowerCase()),
  );
}

/** A repository, as far as a delivery depends on it. */
type Delivered = Pick<PlacedRepository, "url" | "credential" | "lfs">;

const OR_PUSH = "a branch is pushed with a secret that repository.credential names";

/** Why nothing of a run of `owner` may be delivered to a repository by the App. */
export function deliveryFault(
  { url, lfs }: Delivered,
  owner: string,
  rule: DeliveryRule,
): string | undefined {
  const { host } = rule;
  if (lfs) return NO_LFS;
  if (host === undefined) {
    return `is not possible here: the operator has set up no GitHub App (RUNYARD_GITHUB_APP_ID); ${OR_PUSH}`;
  }
  const name = repositoryNameOf(url, host);
  if (name === undefined) {
    return `is possible for repositories of ${host} alone, ${host}/OWNER/NAME, not for ${url}; to other hosts ${OR_PUSH}`;
  }
  if (mayUse(rule, owner, name)) return undefined;
  return `to ${name.owner}/${name.name} is not for ${owner}: the operator says whose runs are delivered where in RUNYARD_GITHUB_REPOSITORIES`;
}

const NO_LFS = "is not possible with the repository's files of Git LFS";

/** How what a run changed comes to its repository: by the App, or pushed with a secret. */
export type DeliveryWay = { app: RepositoryName } | { secret: string };

/**
 * The way of a delivery to a repository, or why there is none. At its own host the App alone
 * delivers, at others whatever credential the run names.
 */
export function deliveryWay(
  repository: Delivered,
  deliver: Deliver,
  { owner, rule }: { owner: string; rule: DeliveryRule },
): DeliveryWay | Fault {
  const { url, credential, lfs } = repository;
  const secret = credential && "secret" in credential ? credential.secret : undefined;
  if (secret === undefined || lfs || isAtHost(url, rule)) {
    const detail = deliveryFault(repository, owner, rule);
    const app = rule.host === undefined ? undefined : repositoryNameOf(url, rule.host);
    return app && detail === undefined ? { app } : { pointer: "/deliver", detail: detail ?? "" };
  }
  if (deliver.pullRequest === undefined) return { secret };
  const detail = `is possible on GitHub alone, by the App: leave it out, and the branch is pushed to ${url}`;
  return { pointer: "/deliver/pullRequest", detail };
}

/** Whether an address is at the App's host. */
export const isAtHost = (url: string, { host }: DeliveryRule): boolean =>
  host !== undefined && URL.parse(url)?.origin === new URL(host).origin;

/** The repositories that runs with these settings are delivered to. */
export const deliveredOf = ({ folders }: Deliver, settings: Naming): PlacedRepository[] =>
  repositoriesOf(settings).filter(({ folder }) => folders?.includes(folder) ?? true);

/** {@link deliveryWay} of a request that has `deliver`: what is wrong with it. */
export function deliveryFaults(
  deliver: Deliver | undefined,
  settings: Naming,
  by: { owner: string; rule: DeliveryRule },
): Fault[] {
  if (deliver === undefined) return [];
  const all = repositoriesOf(settings);
  if (all.length === 0) {
    const detail = "needs a repository to deliver to: name one in the agent's settings";
    return [{ pointer: "/deliver", detail }];
  }
  const unknown = foldersFaults(deliver, all);
  if (unknown.length > 0) return unknown;
  const delivered = deliveredOf(deliver, settings);
  const faults = delivered.flatMap((each) => {
    const way = deliveryWay(each, deliver, by);
    if (!("detail" in way)) return [];
    const isOne = each.folder === "";
    return [isOne ? way : { ...way, detail: `${way.detail} (${each.folder}); ${OR_OTHERS}` }];
  });
  return [...faults, ...twiceFaults(delivered, by.rule)];
}

const OR_OTHERS = "deliver.folders names those of several repositories that it is delivered to";

function foldersFaults({ folders = [] }: Deliver, all: readonly PlacedRepository[]): Fault[] {
  const known = all.map(({ folder }) => folder);
  return folders.flatMap((folder, at) => {
    if (folder !== "" && known.includes(folder)) return [];
    const those = known.join() === "" ? "there is one repository alone" : known.join(", ");
    const detail = `${JSON.stringify(folder)} is no folder of settings.repositories: ${those}`;
    return [{ pointer: `/deliver/folders/${at}`, detail }];
  });
}

/** Two deliveries of a run to one repository would be to one branch. */
function twiceFaults(delivered: readonly PlacedRepository[], { host }: DeliveryRule): Fault[] {
  const seen = new Map<string, string>();
  return delivered.flatMap(({ folder, url }) => {
    const name = host === undefined ? undefined : repositoryNameOf(url, host);
    const plain = url.replace(/\/+$/, "").replace(/\.git$/, "");
    const key = (name ? `${name.owner}/${name.name}` : plain).toLowerCase();
    const before = seen.get(key);
    seen.set(key, folder);
    if (before === undefined) return [];
    const detail = `is not possible for ${before} and ${folder}, which are the same repository; ${OR_OTHERS}`;
    return [{ pointer: "/deliver", detail }];
  });
}

/**
 * Why runs of `owner` may not read a repository with the App; or its name: they may, as far as the
 * operator is concerned.
 */
export function appReadable(
  url: string,
  owner: string,
  rule: DeliveryRule,
): RepositoryName | { fault: string } {
  const { host } = rule;
  if (host === undefined) {
    return {
      fault: "is not possible here: the operator has set up no GitHub App (RUNYARD_GITHUB_APP_ID)",
    };
  }
  const name = repositoryNameOf(url, host);
  if (name === undefined) {
    return {
      fault: `opens repositories of ${host} alone, ${host}/OWNER/NAME, not ${url}: name a secret`,
    };
  }
  if (mayUse(rule, owner, name)) return name;
  return {
    fault: `does not open ${name.owner}/${name.name} for ${owner}: the operator says who uses the App where in RUNYARD_GITHUB_REPOSITORIES`,
  };
}

/** {@link appReadable} of all repositories of settings. Pointers begin at the settings. */
export const appFaults = (settings: Naming, by: { owner: string; rule: DeliveryRule }): Fault[] =>
  repositoriesOf(settings).flatMap((repository, at) => {
    if (!isOfApp(repository)) return [];
    const readable = appReadable(repository.url, by.owner, by.rule);
    if (!("fault" in readable)) return [];
    const pointer = `${pointerOf(repository, at)}/credential/githubApp`;
    return [{ pointer, detail: readable.fault }];
  });
