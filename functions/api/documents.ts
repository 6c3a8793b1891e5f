import { createHash } from "node:crypto";
import type { Services } from "../services.ts";
import type { Call } from "./call.ts";

/** What is made once, at its first request, and is the same for everybody. */
interface Served {
  content: Buffer;
  etag: string;
  headers: Record<string, string>;
}

const served = new Map<string, Promise<Served>>();

/** `GET /v1/openapi.json` */
export function getOpenApi(services: Services, call: Call): Promise<void> {
  return answer(call, `openapi of ${services.publicUrl}`, async () => ({
    text: JSON.stringify(await documentOf(services)),
    headers: { "Content-Type": "application/json" },
  }));
}

/** `GET /docs`: the same for people. */
export function getDocs(services: Services, call: Call): Promise<void> {
  return answer(call, `docs of ${services.publicUrl}`, async () => {
    const { DOCS_POLICY, docsPage } = await import("./docs/page.ts");
    return {
      text: docsPage(await documentOf(services)),
      headers: {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": DOCS_POLICY,
        "Referrer-Policy": "no-referrer",
      },
    };
  });
}

/** Loaded when it is first asked for: accepting a run does not need it. */
async function documentOf({ publicUrl }: Services) {
  const [{ OPERATIONS }, { openApiDocument }] = await Promise.all([
    import("../../shared/api/operations.ts"),
    import("../../shared/openapi.ts"),
  ]);
  return openApiDocument(OPERATIONS, publicUrl);
}

/** Answers with what `make` makes once, or 304 if the caller has it already. */
async function answer(
  { response }: Call,
  key: string,
  make: () => Promise<{ text: string; headers: Record<string, string> }>,
): Promise<void> {
  const making = served.get(key) ?? make().then(withTag);
  served.set(key, making);
  const { content, etag, headers } = await making;
  // Express looks at If-None-Match.
  response.set({ ...headers, ETag: etag, "Cache-Control": "no-cache" }).send(content);
}

function withTag({ text, headers }: { text: string; headers: Record<string, string> }): Served {
  const content = Buffer.from(text);
  const etag = `"${createHash("sha256").update(content).digest("base64url")}"`;
  return { content, etag, headers };
}
