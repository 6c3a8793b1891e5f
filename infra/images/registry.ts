import { createHash } from "node:crypto";
import { Failure } from "../../cli/failure.ts";

const ANSWER_MS = 20_000;
/** For every platform that the tag has, or one's own; the newer kind first. */
const KINDS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/**
 * The digest of what an image's tag names now, which is that of the bytes that the registry answers
 * with.
 *
 * @param image registry, repository and tag, such as `docker.io/library/debian:bookworm-slim`. A
 * registry on
 *   `localhost` is spoken to without TLS, as Docker does.
 * @throws {Failure} if the registry does not answer, or has no such image
 * @see https://distribution.github.io/distribution/spec/api/#pulling-an-image-manifest
 */
export async function digestOf(image: string): Promise<string> {
  const [, host = "", repository, tag] = /^([^/]+)\/(.+):([^:/]+)$/.exec(image) ?? [];
  if (repository === undefined) {
    throw new Failure(`${image} is not registry/repository:tag, as bases.json must have it`);
  }
  // Docker Hub's images have a name that its registry does not.
  const registry = host === "docker.io" ? "registry-1.docker.io" : host;
  const scheme = /^localhost(:|$)/.test(registry) ? "http" : "https";
  const url = `${scheme}://${registry}/v2/${repository}/manifests/${tag}`;
  const ask = (headers: Record<string, string> = {}) =>
    answerOf(url, { accept: KINDS.join(", "), ...headers });
  let answer = await ask();
  const challenge = answer.headers.get("www-authenticate");
  if (answer.status === 401 && challenge !== null) {
    answer = await ask({ authorization: `Bearer ${await tokenFor(challenge, image)}` });
  }
  if (!answer.ok) throw new Failure(`${image}: ${registry} answers with ${answer.status}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * What anybody gets who asks where the registry says.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
async function tokenFor(challenge: string, image: string): Promise<string> {
  const { realm, ...query } = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  if (realm === undefined) throw new Failure(`${image}: the registry wants ${challenge}`);
  const answer = await answerOf(`${realm}?${new URLSearchParams(query)}`, {});
  const { token, access_token: other } = answer.ok
    ? ((await answer.json()) as { token?: string; access_token?: string })
    : {};
  const found = token ?? other;
  if (found === undefined) throw new Failure(`${image}: ${realm} answers with ${answer.status}`);
  return found;
}

async function answerOf(url: string, headers: Record<string, string>): Promise<Response> {
  try {
    return await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (cause) {
    const { message, cause: why } = cause as Error;
    const reason = why instanceof Error ? why.message : message;
    throw new Failure(
      `${new URL(url).host} is not reached from here (${reason}). Pin the bases on a machine that reaches it`,
      { cause },
    );
  }
}
