import { App } from "@octokit/app";
import { Octokit } from "@octokit/core";
import { DELIVERY } from "../../shared/delivery/limits.ts";
import type { RepositoryName } from "../../shared/delivery/repository-name.ts";
import { DeliveryFault } from "../services/repository-host.ts";
import { faultOf, statusOf } from "./faults.ts";

/** What of the outside an App's calls depend on. */
export interface Access {
  appId: string;
  privateKey: string;
  apiUrl: string;
  /** Default: Node's own. */
  fetch?: typeof fetch | undefined;
  /** Ends every call. */
  signal: AbortSignal;
}

/** One repository of an installed App, as a token for it alone sees it. */
export interface Repository {
  /** `owner` and `repo` of each call. */
  at: { owner: string; repo: string };
  request: Octokit["request"];
  /** Of the App itself. */
  appId: number;
}

/** What a token is for. */
export type Permissions = Readonly<Record<string, "read" | "write">>;

/** What the App must be let do to deliver; its tokens are for no more. */
const DELIVERING: Permissions = { contents: "write", pull_requests: "write", checks: "write" };
/** The same to read. */
const READING: Permissions = { contents: "read" };

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Opens a repository in which the App is installed.
 *
 * @param permissions of its token. Default: those for a delivery
 * @throws {DeliveryFault}
 */
export async function openRepository(
  access: Access,
  { owner, name }: RepositoryName,
  permissions = DELIVERING,
): Promise<Repository> {
  const options = optionsOf(access);
  const at = { owner, repo: name };
  const token = await tokenOf(appOf(access, options), at, permissions);
  const octokit = new Octokit({ ...options, auth: token });
  return { at, request: octokit.request, appId: Number(access.appId) };
}

/**
 * A token of an hour that reads one repository in which the App is installed, and does no more.
 *
 * @throws {DeliveryFault}
 */
export function readTokenOf(access: Access, { owner, name }: RepositoryName): Promise<string> {
  return tokenOf(appOf(access, optionsOf(access)), { owner, repo: name }, READING);
}

const appOf = ({ appId, privateKey }: Access, options: ReturnType<typeof optionsOf>): App =>
  new App({ appId, privateKey, log: SILENT, Octokit: Octokit.defaults(options) });

function optionsOf({ apiUrl, fetch: ask = fetch, signal }: Access) {
  const limited: typeof fetch = (input, init) =>
    ask(input, {
      ...init,
      // Whatever it leads to is another place than the one that was allowed.
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(DELIVERY.call * 1000)]),
    });
  return { baseUrl: apiUrl, userAgent: "runyard", log: SILENT, request: { fetch: limited } };
}

/** A token for the one repository, and for what is to be done there. */
async function tokenOf(
  { octokit }: App,
  at: Repository["at"],
  permissions: Permissions,
): Promise<string> {
  const full = `${at.owner}/${at.repo}`;
  try {
    const found = await octokit.request("GET /repos/{owner}/{repo}/installation", at);
    const { data } = await octokit.request(
      "POST /app/installations/{installation_id}/access_tokens",
      { installation_id: found.data.id, repositories: [at.repo], permissions },
    );
    return data.token;
  } catch (error) {
    if (statusOf(error) === 404) {
      const message = `The GitHub App is not installed in ${full}: install it there, or the repository is gone.`;
      throw new DeliveryFault(message, { cause: error });
    }
    if (statusOf(error) === 422) {
      const writes = Object.values(permissions).includes("write");
      const [verb, wanted] = writes ? ["write in", "read and write"] : ["read", "read"];
      const names = Object.keys(permissions).join(", ").replace("pull_requests", "pull requests");
      const message = `The GitHub App may not ${verb} ${full}: give it ${wanted} access to ${names}.`;
      throw new DeliveryFault(message, { cause: error });
    }
    throw faultOf(error, "open the repository");
  }
}
