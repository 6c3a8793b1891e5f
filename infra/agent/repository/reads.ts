/** A request of git's for reading a repository. */
export interface Read {
  /** The repository's host, and its path there without a slash at its end. */
  host: string;
  repository: string;
  /** What is asked for of it. */
  kind: "refs" | "pack" | "file" | LfsKind;
  /** Behind the repository's path, with its query. */
  suffix: string;
}

/** Of Git LFS: where files are, and one of them. */
type LfsKind = "batch" | "object";

const SERVICE = "?service=git-upload-pack";
/** With what reading begins, behind the repository's path. */
export const REFS = `/info/refs${SERVICE}`;
/** Files that git reads of a repository that is a folder of files. */
const FILES =
  "/HEAD|/objects/info/(?:packs|(?:http-)?alternates)|/objects/[0-9a-f]{2}/[0-9a-f]{38,62}|/objects/pack/pack-[0-9a-f]{40,64}\\.(?:pack|idx)";
/** Where Git LFS asks, and where the proxy has it ask for one file. */
const LFS = "/info/lfs/objects/(?:batch|[0-9a-f]{64})";
const READ = new RegExp(`^(.*?)/*(/info/refs|/git-upload-pack|${FILES}|${LFS})$`);

/**
 * What a request asks for, if it is one of those by which git reads: no others leave the sandbox
 * while a repository is checked out, so that nothing can be written anywhere.
 *
 * @param url absolute, as a proxy is asked
 */
export function readOf(method: string | undefined, url: string | undefined): Read | undefined {
  const asked = URL.parse(url ?? "");
  if (asked?.protocol !== "http:" || asked.port !== "" || asked.username !== "") return undefined;
  const [, repository = "", path = ""] = READ.exec(asked.pathname) ?? [];
  const kind = kindOf(path, asked.search);
  const isSent = kind === "pack" || kind === "batch";
  if (kind === undefined || method !== (isSent ? "POST" : "GET")) return undefined;
  return { host: hostOf(asked), repository, kind, suffix: `${path}${asked.search}` };
}

function kindOf(path: string, query: string): Read["kind"] | undefined {
  if (path === "/info/refs") return query === SERVICE ? "refs" : undefined;
  if (path === "" || query !== "") return undefined;
  if (path.startsWith("/info/lfs/")) return path.endsWith("/batch") ? "batch" : "object";
  return path === "/git-upload-pack" ? "pack" : "file";
}

/** A repository's path with the end that Git LFS gives it. */
export const withGit = (repository: string): string =>
  repository.endsWith(".git") ? repository : `${repository}.git`;

/** Where a repository is. @returns undefined: that is no address of one that can be reached. */
export function placeOf(url: string): Pick<Read, "host" | "repository"> | undefined {
  const address = URL.parse(url);
  if (address?.protocol !== "https:" || address.port !== "" || address.username !== "") {
    return undefined;
  }
  if (address.search !== "" || address.hash !== "") return undefined;
  return { host: hostOf(address), repository: address.pathname.replace(/\/+$/, "") };
}

/** Without the brackets of an address, the dot at its end and capitals. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
