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

/** The repository of a run's settings, as far as a delivery depends on it. */
interface Delivered {
  repository?: Pick<PlacedRepository, "url" | "credential" | "lfs">;
  repositories?: readonly unknown[];
}

/** Why nothing of a run with these settings can be delivered anywhere; undefined: it can. */
function settingsFault({ repository, repositories = [] }: Delivered): string | undefined {
  if (repositories.length > 0) {
    return "is possible for one repository alone: name it as repository, not among repositories";
  }
  if (repository === undefined) {
    return "needs a repository to deliver to: name one in the agent's settings";
  }
  return repository.lfs ? "is not possible with the repository's files of Git LFS" : undefined;
}

const OR_PUSH = "a branch is pushed with a secret that repository.credential names";

/** Why nothing of a run of `owner` with these settings may be delivered by the App. */
export function deliveryFault(
  settings: Delivered,
  owner: string,
  rule: DeliveryRule,
): string | undefined {
  const { host } = rule;
  const fault = settingsFault(settings);
  if (fault !== undefined || settings.repository === undefined) return fault;
  if (host === undefined) {
    return `is not possible here: the operator has set up no GitHub App (RUNYARD_GITHUB_APP_ID); ${OR_PUSH}`;
  }
  const { url } = settings.repository;
  const name = repositoryNameOf(url, host);
  if (name === undefined) {
    return `is possible for repositories of ${host} alone, ${host}/OWNER/NAME, not for ${url}; to other hosts ${OR_PUSH}`;
  }
  if (mayUse(rule, owner, name)) return undefined;
  return `to ${name.owner}/${name.name} is not for ${owner}: the operator says whose runs are delivered where in RUNYARD_GITHUB_REPOSITORIES`;
}

/** How what a run changed comes to its repository: by the App, or pushed with a secret. */
export type DeliveryWay = { app: RepositoryName } | { secret: string };

/**
 * The way of a run's delivery, or why there is none. At its own host the App alone delivers, at
 * others whatever credential the run names.
 */
export function deliveryWay(
  settings: Delivered,
  deliver: Deliver,
  { owner, rule }: { owner: string; rule: DeliveryRule },
): DeliveryWay | Fault {
  const { url = "", credential } = settings.repository ?? {};
  const secret = credential && "secret" in credential ? credential.secret : undefined;
  if (secret === undefined || settingsFault(settings) !== undefined || isAtHost(url, rule)) {
    const detail = deliveryFault(settings, owner, rule);
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

/** {@link deliveryWay} of a request that has `deliver`: what is wrong with it. */
export function deliveryFaults(
  deliver: Deliver | undefined,
  settings: Delivered,
  by: { owner: string; rule: DeliveryRule },
): Fault[] {
  const way = deliver && deliveryWay(settings, deliver, by);
  return way && "detail" in way ? [way] : [];
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
