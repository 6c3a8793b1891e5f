import { createHash } from "node:crypto";
import type { Services } from "../../services/services.ts";
import type { Call } from "../http/call.ts";
import { namesTag } from "../http/etag.ts";

/** What is made once, at its first request, and is the same for everybody. */
interface Served {
  content: Buffer;
  etag: string;
  contentType: string;
  headers: Record<string, string>;
}

type Made = Pick<Served, "contentType" | "headers"> & { text: string };

const served = new Map<string, Promise<Served>>();

/** `GET /v1/openapi.json` */
export function getOpenApi(services: Services, call: Call): Promise<void> {
  return answer(call, `openapi of ${services.publicUrl}`, async () => ({
    text: JSON.stringify(await documentOf(services)),
    contentType: "application/json",
    headers: {},
  }));
}

/** `GET /docs`: the same for people. */
export function getDocs(services: Services, call: Call): Promise<void> {
  return answer(call, `docs of ${services.publicUrl}`, async () => {
    const { DOCS_POLICY, docsPage } = await import("./page.ts");
    return {
      text: docsPage(await documentOf(services)),
      contentType: "text/html",
      headers: {
        "Content-Security-Policy": DOCS_POLICY,
        "Referrer-Policy": "no-referrer",
      },
    };
  });
}

/** Loaded when it is first asked for: accepting a run does not need it. */
async function documentOf({ publicUrl }: Services) {
  const [{ OPERATIONS }, { openApiDocument }] = await Promise.all([
    import("../../../shared/api/operations.ts"),
    import("../../../shared/api/openapi/document.ts"),
  ]);
  return openApiDocument(OPERATIONS, publicUrl);
}

/** Answers with what `make` makes once, or 304 if the caller has it already. */
async function answer(
  { request, response }: Call,
  key: string,
  make: () => Promise<Made>,
): Promise<void> {
  const making = served.get(key) ?? make().then(withTag);
  served.set(key, making);
  const { content, contentType, etag, headers } = await making;
  response.set({ ...headers, ETag: etag, "Cache-Control": "no-cache" });
  if (namesTag(request.headers["if-none-match"], etag)) response.status(304).end();
  else response.type(contentType).send(content);
}

function withTag({ text, ...made }: Made): Served {
  const content = Buffer.from(text);
  const etag = `"${createHash("sha256").update(content).digest("base64url")}"`;
  return { ...made, content, etag };
}
