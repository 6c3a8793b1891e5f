import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

/** What a store of another host wants to see, which only the repository's host tells. */
const STORE_KEY = "store-key-that-nobody-in-the-sandbox-may-see";
/** On the host {@link lfsStore}'s contents are at, if nothing else is told. */
const STORE = "https://thief.example/store/";

/** Attributes by which files that end so are of Git LFS. */
export const LFS_ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n";

const oidOf = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

/** What git has of a file of Git LFS. */
export const pointerOf = (content: Buffer): string =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${oidOf(content)}\nsize ${content.length}\n`;

/** A question that arrived. */
interface Question {
  operation: string;
  objects: { oid: string; size: number }[];
}

/**
 * Git LFS at `/…/info/lfs`, whose contents are at `/store/` of another host for the key, at `/own/`
 * for whoever `isOpened` takes for a friend, at `/away/` behind a redirect to the other host, and at
 * `/endless/` without an end.
 */
export function lfsStore(isOpened: (request: IncomingMessage) => boolean) {
  const contents = new Map<string, Buffer>();
  const store = {
    /** What was asked. */
    questions: [] as Question[],
    /** The headers with which contents were asked for. */
    fetched: [] as IncomingMessage["headers"][],
    /** Adds a content. @returns its pointer. */
    add(content: Buffer): string {
      contents.set(oidOf(content), content);
      return pointerOf(content);
    },
    /** Puts another content where one is. */
    replace: (content: Buffer, by: Buffer) => void contents.set(oidOf(content), by),
    /** What it tells of a file; a test may have it tell something else. */
    tell: (oid: string): unknown => ({
      actions: { download: { href: `${STORE}${oid}`, header: { "X-Key": STORE_KEY } } },
    }),
    /** @returns whether that was its to answer. */
    async answer(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
      const { pathname } = new URL(request.url ?? "/", "https://git.example");
      if (pathname.endsWith("/info/lfs/objects/batch")) {
        await tell(request, response, pathname);
        return true;
      }
      const [, place = "", oid = ""] = /^\/(store|own|away|endless)\/([^/]+)$/.exec(pathname) ?? [];
      if (place !== "") give(request, response, { place, oid });
      return place !== "";
    },
  };
  async function tell(request: IncomingMessage, response: ServerResponse, pathname: string) {
    if (/^\/(private|locked)\b/.test(pathname) && !isOpened(request)) {
      response.writeHead(401).end();
      return;
    }
    const question = (await json(request)) as Question;
    store.questions.push(question);
    const objects = question.objects.map(({ oid, size }) =>
      contents.has(oid)
        ? { oid, size, ...(store.tell(oid) as object) }
        : { oid, size, error: { code: 404, message: "gone" } },
    );
    response.writeHead(200, { "content-type": "application/vnd.git-lfs+json" });
    response.end(JSON.stringify({ transfer: "basic", objects }));
  }
  function give(
    request: IncomingMessage,
    response: ServerResponse,
    { place, oid }: Record<"place" | "oid", string>,
  ) {
    store.fetched.push(request.headers);
    if (place === "away") {
      response.writeHead(307, { location: `${STORE}${oid}` }).end();
      return;
    }
    const isLetIn = place === "store" ? request.headers["x-key"] === STORE_KEY : isOpened(request);
    if (place === "endless") {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, oid))) {}
      };
      response.on("drain", more);
      more();
      return;
    }
    if (isLetIn) response.writeHead(200).end(contents.get(oid));
    else response.writeHead(403).end();
  }
  return store;
}
