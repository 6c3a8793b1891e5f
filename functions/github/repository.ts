import { App } from "@octokit/app";
import { Octokit } from "@octokit/core";
import type { RepositoryName } from "../../shared/delivery/repository-name.ts";
import { DELIVERY } from "../../shared/limits.ts";
import { DeliveryFault } from "../services/repository-host.ts";
import { faultOf, statusOf } from "./faults.ts";

/** What of the outside an App's calls depend on. */
export interface Access {
  appId: string;
  privateKey: string;
  apiUrl: string;
  /** Default: Node's own. */
  fetch?: typeof fetch | undefined;
  /** What a token is for. Default: a delivery. */
  permissions?: Readonly<Record<string, "read" | "write">>;
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

/** What the App must be let do for a delivery; its token is for no more. */
const PERMISSIONS = { contents: "write", pull_requests: "write", checks: "write" } as const;

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Opens a repository in which the App is installed.
 *
 * @throws {DeliveryFault}
 */
export async function openRepository(
  { appId, privateKey, apiUrl, permissions = PERMISSIONS, fetch: ask = fetch, signal }: Access,
  { owner, name }: RepositoryName,
): Promise<Repository> {
  const limited: typeof fetch = (input, init) =>
    ask(input, {
      ...init,
      // Whatever it leads to is another place than the one that was allowed.
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(DELIVERY.call * 1000)]),
    });
  const options = {
    baseUrl: apiUrl,
    userAgent: "runyard",
    log: SILENT,
    request: { fetch: limited },
  };
  const app = new App({ appId, privateKey, log: SILENT, Octokit: Octokit.defaults(options) });
  const at = { owner, repo: name };
  const token = await tokenOf(app, at, permissions);
  const octokit = new Octokit({ ...options, auth: token });
  return { at, request: octokit.request, appId: Number(appId) };
}

/** A token for the one repository, and for what is needed there. */
async function tokenOf(
  { octokit }: App,
  at: Repository["at"],
  permissions: NonNullable<Access["permissions"]>,
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
      const names = Object.keys(PERMISSIONS).join(", ").replace("pull_requests", "pull requests");
      const message = `The GitHub App may not work in ${full}: give it read and write access to ${names}.`;
      throw new DeliveryFault(message, { cause: error });
    }
    throw faultOf(error, "open the repository");
  }
}
