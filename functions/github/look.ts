import type { SeenPullRequest } from "../../shared/run/watched-pull-request.ts";
import { faultOf, statusOf } from "./faults.ts";
import { conflictOf, resultOf } from "./pull-request.ts";
import type { Repository } from "./repository.ts";

/** How a pull request is now. @throws {DeliveryFault} */
export async function lookAt(
  repository: Repository,
  { number, signal }: { number: number; signal: AbortSignal },
): Promise<SeenPullRequest> {
  const { at, request } = repository;
  try {
    const route = "GET /repos/{owner}/{repo}/pulls/{pull_number}";
    const { data } = await request(route, { ...at, pull_number: number });
    const result = resultOf(data);
    const isKnown = data.mergeable !== null || data.state !== "open";
    const conflict = isKnown
      ? data.state === "open" && !data.mergeable
      : await conflictOf(repository, result, signal);
    return { state: result.state, base: result.base, conflict };
  } catch (error) {
    throw faultOf(error, "show the pull request");
  }
}

/**
 * Whether a user may write to the repository: being a member of its organization says nothing.
 *
 * @see https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
 * @throws {DeliveryFault}
 */
export async function mayWrite({ at, request }: Repository, username: string): Promise<boolean> {
  try {
    const route = "GET /repos/{owner}/{repo}/collaborators/{username}/permission";
    const { data } = await request(route, { ...at, username });
    // The roles that are between are told as the lesser of these.
    return ["admin", "write"].includes(data.permission);
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw faultOf(error, "say who may write to the repository");
  }
}
