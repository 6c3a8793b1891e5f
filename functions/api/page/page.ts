import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { AppError } from "../../../shared/errors.ts";
import type { Services } from "../../services/services.ts";
import type { Call, CallOf } from "../http/call.ts";

/**
 * Where the page is built to, in a checkout as in what is deployed; see `infra/page/build-page.ts`.
 */
const BUILT = new URL("../../../dist/page/", import.meta.url);

/** What the page may load and do: its own script and style, this API, and nothing else. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const ASSET_TYPES: Readonly<Record<string, string>> = { js: "text/javascript", css: "text/css" };
/** A name has the hash of its content in it, so that it never says anything else. */
const ASSET_NAME = /^[\w-]{1,100}\.(js|css)$/;

interface Asset {
  plain: Buffer;
  zipped: Buffer;
}

/** Assets by their names: as many as there are files. */
const assets = new Map<string, Promise<Asset>>();

/**
 * `GET /`: the page on which people see their runs. Whoever opens it signs in there: with a key, or
 * with Google, by the client that its head names.
 */
export async function getPage(services: Services, { response }: Call): Promise<void> {
  const page = withClient(await contentOf("index.html"), services.googleClientId);
  response.set({
    "Content-Security-Policy": PAGE_POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
  });
  response.type("text/html").send(page);
}

/** An id has no character that means something in HTML. */
function withClient(page: Buffer, clientId: string | undefined): Buffer | string {
  if (clientId === undefined) return page;
  const meta = `<meta name="google-client-id" content="${clientId}" />`;
  return page.toString().replace("</head>", `  ${meta}\n  </head>`);
}

/** `GET /assets/{name}`: what the page loads. */
export async function getPageAsset(
  _services: Services,
  { request, response, params: { name } }: CallOf<"getPageAsset">,
): Promise<void> {
  const type = ASSET_TYPES[ASSET_NAME.exec(name)?.[1] ?? ""];
  if (type === undefined) throw notThere(request.path);
  const { plain, zipped } = await assetOf(name);
  response.set({ "Cache-Control": "public, max-age=31536000, immutable", Vary: "Accept-Encoding" });
  response.type(type);
  if (!request.acceptsEncodings("gzip")) response.send(plain);
  else response.set("Content-Encoding", "gzip").send(zipped);
}

function assetOf(name: string): Promise<Asset> {
  const known = assets.get(name);
  if (known !== undefined) return known;
  const loading = loadAsset(name);
  assets.set(name, loading);
  // What is not there may be built later.
  loading.catch(() => assets.delete(name));
  return loading;
}

async function loadAsset(name: string): Promise<Asset> {
  const plain = await contentOf(`assets/${name}`);
  return { plain, zipped: await promisify(gzip)(plain, { level: 9 }) };
}

/** @throws {AppError} not_found if it is not built */
async function contentOf(path: string): Promise<Buffer> {
  try {
    return await readFile(new URL(path, BUILT));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notThere(`/${path}`, error);
    throw error;
  }
}

function notThere(path: string, cause?: unknown): AppError {
  const detail = `there is nothing at ${path}; the page is built by npm install and npm start`;
  return new AppError("not_found", { detail, cause });
}
