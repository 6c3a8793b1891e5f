import type { RepositoryResult } from "../documents/deliver.ts";
import type { Run } from "../documents/run.ts";

/** What a run left in a repository. `folder`: of the workspace; absent: there is that one alone. */
export type PlacedResult = RepositoryResult & { folder?: string };

type Results = Pick<Run, "repository" | "repositories">;

/** What a run left in its repository, or in each of several. */
export const resultsOf = ({ repository, repositories = [] }: Results): PlacedResult[] =>
  repository === undefined ? repositories : [repository];

/** What changes of a run's document if each of its results becomes another. */
export function withResults(
  { repository, repositories }: Results,
  become: (result: PlacedResult) => RepositoryResult,
): Partial<Run> {
  if (repository !== undefined) return { repository: become(repository) };
  if (repositories === undefined) return {};
  const results = repositories.map((each) => ({ ...become(each), folder: each.folder }));
  const pullRequestUrls = results.flatMap(({ pullRequest }) => pullRequest?.url ?? []);
  return { repositories: results, ...(pullRequestUrls.length > 0 && { pullRequestUrls }) };
}
