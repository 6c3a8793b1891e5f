import type { Deliver } from "../documents/deliver.ts";
import type { Fault } from "../errors.ts";

/** A repository of GitHub: `owner/name`. */
export interface RepositoryName {
  owner: string;
  name: string;
}

/** What an operator lets be delivered, and where. */
export interface DeliveryRule {
  /** `https://github.com`, or where a GitHub of one's own is; undefined: nothing is delivered. */
  host: string | undefined;
  /**
   * By owner of runs: the repositories that its runs may be delivered to, `ORG/NAME` or `ORG/*`.
   * Without a row there are none.
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

/** Whether the operator lets runs of `owner` be delivered to a repository. */
function mayDeliver(
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
  repository?: { url: string; lfs?: boolean };
  repositories?: readonly unknown[];
}

/** Why nothing of a run of `owner` with these settings may be delivered; undefined: it may. */
export function deliveryFault(
  { repository, repositories = [] }: Delivered,
  owner: string,
  rule: DeliveryRule,
): string | undefined {
  const { host } = rule;
  if (host === undefined) {
    return "is not possible here: the operator has set up no GitHub App (RUNYARD_GITHUB_APP_ID)";
  }
  if (repositories.length > 0) {
    return "is possible for one repository alone: name it as repository, not among repositories";
  }
  if (repository === undefined) {
    return "needs a repository to deliver to: name one in the agent's settings";
  }
  const name = repositoryNameOf(repository.url, host);
  if (name === undefined) {
    return `is possible for repositories of ${host} alone, ${host}/OWNER/NAME, not for ${repository.url}`;
  }
  if (repository.lfs) return "is not possible with the repository's files of Git LFS";
  if (mayDeliver(rule, owner, name)) return undefined;
  return `to ${name.owner}/${name.name} is not for ${owner}: the operator says whose runs are delivered where in RUNYARD_GITHUB_REPOSITORIES`;
}

/** {@link deliveryFault} as a fault of a request that has `deliver`. */
export function deliveryFaults(
  deliver: Deliver | undefined,
  settings: Delivered,
  by: { owner: string; rule: DeliveryRule },
): Fault[] {
  const detail = deliver && deliveryFault(settings, by.owner, by.rule);
  return detail === undefined ? [] : [{ pointer: "/deliver", detail }];
}
