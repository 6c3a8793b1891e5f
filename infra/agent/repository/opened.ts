import { placeOf, type Read, withGit } from "./reads.ts";

/** A path that no server takes for another one: without `..`, `%2f` and the like. */
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/;

/**
 * Whether a repository is one of those that a run has its credential open beside its own: named by
 * its address, with or without `.git`, or below one that ends with `/*`. Capitals count.
 */
export function isOpened(
  { host, repository }: Pick<Read, "host" | "repository">,
  opened: readonly string[],
): boolean {
  return opened.some((url) => {
    const isFolder = url.endsWith("/*");
    const named = placeOf(isFolder ? url.slice(0, -1) : url);
    if (named?.host !== host) return false;
    if (!isFolder) return withGit(named.repository) === withGit(repository);
    const folder = named.repository;
    return repository.startsWith(`${folder}/`) && PLAIN.test(repository.slice(folder.length));
  });
}
